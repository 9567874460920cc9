package chunk

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// failing gives the first n bytes of b, and then an error.
type failing struct {
	b   []byte
	n   int64
	err error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.n {
		return copy(p, f.b[min(off, f.n):f.n]), f.err
	}
	return copy(p, f.b[off:]), nil
}

func TestWindowGivesItsBytesAndThenZeros(t *testing.T) {
	b := make([]byte, 100)
	for i := range b {
		b[i] = byte(i + 1)
	}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r        io.ReaderAt
		off, end int64
		want     []byte
		err      error
	}{
		"part":         {bytes.NewReader(b), 10, 53, b[10:53], nil},
		"nothing":      {bytes.NewReader(b), 10, 10, nil, nil},
		"negative":     {bytes.NewReader(b), 20, 10, nil, nil},
		"cut":          {bytes.NewReader(b), 60, 300, b[60:], nil},
		"broken":       {failing{b, 75, broken}, 60, 90, b[60:75], broken},
		"broken start": {failing{b, 0, broken}, 60, 90, nil, broken},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWindow(c.r, c.off, c.end, 16)
			var got []byte
			for range len(c.want) + 3 {
				if len(w.Rest) < 8 {
					w.Load()
				}
				got = append(got, w.Byte())
			}
			if want := append(bytes.Clone(c.want), 0, 0, 0); !bytes.Equal(got, want) || w.Past != 3 || w.Err != c.err {
				t.Errorf("%x, %d zeros, %v; want %x, 3, %v", got, w.Past, w.Err, want, c.err)
			}
		})
	}
}
