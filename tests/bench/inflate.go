package main

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"imgtools/pkg/picture/flate"
)

// Decompressing alone, ours beside libdeflate: the zlib streams of PNGs, in memory. Each
// program runs on the core of all and reads lines `BYTES FILE`, BYTES being those that
// come out; libdeflate is called from Python, which decompresses in one call.

//go:embed libdeflate.py
var libdeflatePy string

// inflatePeer is the role of this program that uses pkg/picture/flate.
const inflatePeer = "IMGTOOLS_BENCH_INFLATE"

// inflateBounds are speeds as ratios to libdeflate's, at least.
var inflateBounds = []struct {
	picture, what string
	least         float64
}{
	{"photo12.png", "photograph", 0.75},
	{"ui.png", "flat", 0.65},
}

// inflate prints a line for each of the pictures.
func (b *bench) inflate(pictures []picture) error {
	for _, bound := range inflateBounds {
		i := slices.IndexFunc(pictures, func(p picture) bool { return p.name == bound.picture })
		if i < 0 || !b.match.MatchString(bound.picture+" inflate") || !b.tools.MatchString("libdeflate") {
			continue
		}
		v, err := b.inflateOf(pictures[i], bound.what, bound.least)
		if err != nil {
			return fmt.Errorf("%s inflate: %w", bound.picture, err)
		}
		if v != nil {
			b.verdicts = append(b.verdicts, *v)
		}
	}
	return nil
}

// inflateOf measures one picture; the verdict is nil where there is no libdeflate.
func (b *bench) inflateOf(p picture, what string, least float64) (*verdict, error) {
	png, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	stream, err := idat(png)
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(io.Discard, flate.NewReader(flate.Whole(stream)))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(b.out, "stream.zlib")
	if err := os.WriteFile(path, stream, 0o666); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var rows [2]row
	var programs [2]*service
	for i, c := range []struct {
		name string
		env  []string
		args []string
	}{
		{"imgtools", []string{inflatePeer + "=1"}, []string{self}},
		{"libdeflate", nil, []string{"/usr/bin/python3", "-c", libdeflatePy}},
	} {
		if programs[i], err = startPeer(c.env, c.args...); err != nil {
			return nil, err
		}
		defer programs[i].stop()
		rows[i].tool = c.name
	}
	line := fmt.Sprintf("%d %s", size, path)
	for turn := -1; turn < b.runs; turn++ { // the first reads the file, and isn't counted
		for i, s := range programs {
			u, err := s.line(line)
			if err != nil && i == 1 {
				fmt.Fprintf(b.w, "%s: inflate: not measured: libdeflate: %v\n\n", p.name, err)
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if turn >= 0 {
				rows[i].turns = append(rows[i].turns, u.cpu/inflateRounds)
			}
		}
	}
	fmt.Fprintf(b.w, "%s: inflate, %s, %d to %d bytes\n", p.name, what, len(stream), size)
	for i := range rows {
		rows[i].cpu = median(rows[i].turns)
		fmt.Fprintf(b.w, "  %-30s %8.1f ms %8.0f MB/s\n", rows[i].tool, ms(rows[i].cpu), float64(size)/float64(rows[i].cpu)*1e3)
	}
	speed := 1 / ratio(&rows[0], &rows[1])
	v := verdict{job: p.name + " inflate", what: "speed of inflate / libdeflate's, " + what, got: fmt.Sprintf("%.2f", speed),
		want: fmt.Sprintf("≥ %.2f", least), met: speed >= least}
	v.print(b.w)
	fmt.Fprintln(b.w)
	return &v, nil
}

// idat joins the data of a PNG's IDAT chunks: length, type, data and CRC each.
func idat(png []byte) (stream []byte, err error) {
	const signature = 8
	for b := png[min(signature, len(png)):]; len(b) >= 12; {
		n := int(binary.BigEndian.Uint32(b))
		if n > len(b)-12 {
			return nil, errors.New("a chunk is cut")
		}
		if string(b[4:8]) == "IDAT" {
			stream = append(stream, b[8:8+n]...)
		}
		b = b[12+n:]
	}
	if stream == nil {
		return nil, errors.New("no IDAT chunk")
	}
	return stream, nil
}

// inflateRounds is how often a line decompresses its file; libdeflate.py has it, too.
const inflateRounds = 5

// inflateLine returns a function that decompresses the file of a line. It keeps the last
// file in memory, so that the file is read once.
func inflateLine() func(line string) error {
	var file string
	var data []byte
	r := &flate.Reader{}
	return func(line string) error {
		var size int64
		var name string
		_, err := fmt.Sscan(line, &size, &name)
		if err == nil && name != file {
			data, err = os.ReadFile(name)
			file, r = name, flate.NewReader(flate.Whole(data))
		}
		for i := 0; i < inflateRounds && err == nil; i++ {
			r.Reset(flate.Whole(data))
			err = drain(r, size)
		}
		return err
	}
}

// drain reads size bytes by pieces, as rows are read, and the end.
func drain(r *flate.Reader, size int64) error {
	const piece = 16 << 10
	for left := size; left > 0; left -= piece {
		if _, err := r.Next(int(min(left, piece))); err != nil {
			return err
		}
	}
	if _, err := r.Next(1); err != io.EOF {
		return fmt.Errorf("want the end, have %v", err)
	}
	return nil
}
