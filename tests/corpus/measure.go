package main

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	_ "image/jpeg"
	_ "image/png"
	"os/exec"
	"strings"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
)

// size is the format and size of a result as an independent reader sees them.
type size struct {
	format       string
	w, h, frames int
}

func (s size) String() string {
	if s.frames > 1 {
		return fmt.Sprintf("%dx%d %s of %d frames", s.w, s.h, s.format, s.frames)
	}
	return fmt.Sprintf("%dx%d %s", s.w, s.h, s.format)
}

// measure decodes all of a result with an independent reader.
func measure(b []byte) (size, error) {
	if len(b) > 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '7' {
		return measurePNM(b)
	}
	if bytes.HasPrefix(b, []byte("GIF8")) {
		g, err := gif.DecodeAll(bytes.NewReader(b))
		if err != nil {
			return size{}, err
		}
		return size{"gif", g.Config.Width, g.Config.Height, len(g.Image)}, nil
	}
	m, format, err := image.Decode(bytes.NewReader(b))
	if err == nil {
		return size{format, m.Bounds().Dx(), m.Bounds().Dy(), 1}, nil
	}
	if !strings.Contains(err.Error(), "unsupported") && !strings.Contains(err.Error(), "unknown format") {
		return size{}, err
	}
	return identify(b)
}

// measurePNM reads all samples of PNM and PAM with netpbm.
func measurePNM(b []byte) (s size, err error) {
	out, err := tool(b, "pamtopam")
	if err != nil {
		return s, err
	}
	if out, err = tool(out, "pamfile", "-machine"); err != nil {
		return s, err
	}
	// -: P7 RAW 100 68 1 255 GRAYSCALE
	f := strings.Fields(strings.TrimSuffix(string(out), "\n"))
	for i := range f {
		if strings.HasPrefix(f[i], "P") && i+3 < len(f) {
			s.format, s.frames = "pnm", 1
			fmt.Sscan(f[i+2], &s.w)
			fmt.Sscan(f[i+3], &s.h)
		}
	}
	if s.w <= 0 || s.h <= 0 {
		return s, fmt.Errorf("pamfile says %q", out)
	}
	return s, nil
}

// identify reads with ImageMagick what Go's packages recognise but don't decode.
func identify(b []byte) (s size, err error) {
	out, err := tool(b, "/usr/bin/convert", "-", "-format", "%m %w %h\n", "info:")
	if err != nil {
		return s, err
	}
	_, err = fmt.Sscan(string(out), &s.format, &s.w, &s.h)
	s.format, s.frames = strings.ToLower(s.format), 1
	return s, err
}

// tool runs a program on b. Anything it writes to standard error is an error.
func tool(b []byte, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Stdin = bytes.NewReader(b)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil || said.Len() > 0 {
		return nil, fmt.Errorf("%s: %v %.200s", name, err, strings.TrimSpace(said.String()))
	}
	return out.Bytes(), nil
}
