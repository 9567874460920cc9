package program

import (
	"context"
	"io"
	"os"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// maxText is the number of bytes that an output may have beside its samples: the line of a
// Y4M.
const maxText = 1 << 10

// decode runs the program of t on a file of a format, and returns its output. samples are
// the bytes of samples that it must have.
func (d *Decoder) decode(t *found, in *os.File, ext string, samples int64, lim raster.Limits) (out *os.File, size int64, err error) {
	if out, err = d.temp(); err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			out.Close()
			out = nil
		}
	}()
	inName, outName := "in."+ext, "out"+t.out
	memory := lim.Mem
	if memory == 0 {
		memory = raster.DefaultMem
	}
	c := Command{
		Path: t.path, Args: t.args(inName, outName),
		In: in, InName: inName, Out: out, OutName: outName,
		Time: d.time, Memory: uint64(memory), Output: uint64(samples + maxText),
	}
	if err := d.run.Run(context.Background(), c); err != nil {
		return nil, 0, fault.New(fault.Of(err), "%s: %w", t.name, err)
	}
	st, err := out.Stat()
	if err != nil {
		return nil, 0, err
	}
	if st.Size() == 0 {
		return nil, 0, fault.New(fault.Format, "%s: no output", t.name)
	}
	return out, st.Size(), nil
}

// file returns in as an open file whose bytes are the first size bytes of in. A program
// needs a file: what is none is copied to one.
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
