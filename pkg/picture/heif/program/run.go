package program

import (
	"context"
	"io"
	"os"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// maxBeside is the number of bytes that an output may have beside its samples: the line of
// a Y4M, the directory of a TIFF and the places of its strips, which have 128 rows.
const maxBeside = 1 << 16

// output runs a program on the file in the first size bytes of r, whose picture is p, and
// returns what it wrote.
func (d *Decoder) output(t *found, r io.ReaderAt, size int64, p *heif.Picture, lim raster.Limits) (out *os.File, n int64, err error) {
	// The output is held in memory, beside that of the program.
	most := t.samples(t, p)
	if p.Depth > 8 {
		most *= 2
	}
	most += maxBeside
	if err := lim.CheckMem(most); err != nil {
		return nil, 0, err
	}
	in, done, err := d.file(r, size)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	f, err := d.temp()
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	inName, outName := "in."+p.Format(), "out"+t.out
	memory := lim.Mem
	if memory == 0 {
		memory = raster.DefaultMem
	}
	c := Command{
		Path: t.path, Args: t.args(inName, outName),
		In: in, InName: inName, Out: f, OutName: outName,
		Time: d.time, Memory: uint64(memory - most), Output: uint64(most),
	}
	if err := d.run.Run(context.Background(), c); err != nil {
		return nil, 0, fault.New(fault.Of(err), "%s: %w", t.name, err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if st.Size() == 0 {
		return nil, 0, fault.New(fault.Format, "%s: no output", t.name)
	}
	return f, st.Size(), nil
}

// file returns in as an open file whose bytes are the first size bytes of in. A program
// needs a file: anything else is copied to one.
func (d *Decoder) file(in io.ReaderAt, size int64) (f *os.File, done func(), err error) {
	for r := in; ; {
		switch v := r.(type) {
		case *io.SectionReader:
			outer, off, n := v.Outer()
			if off == 0 && n == size {
				r = outer
				continue
			}
		case *os.File:
			if st, err := v.Stat(); err == nil && st.Mode().IsRegular() && st.Size() == size {
				return v, func() {}, nil
			}
		}
		break
	}
	if f, err = d.temp(); err != nil {
		return nil, nil, err
	}
	if _, err = io.Copy(io.NewOffsetWriter(f, 0), io.NewSectionReader(in, 0, size)); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}

// unnamed returns a temporary file that has no name any more.
func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "imgtools-heif-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil { // some systems can't while it is open
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}
