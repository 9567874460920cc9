package front

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// sizes notes how much is written at once.
type sizes struct {
	bytes.Buffer
	n []int
}

func (s *sizes) Write(p []byte) (int, error) {
	s.n = append(s.n, len(p))
	return s.Buffer.Write(p)
}

func TestCopyFull(t *testing.T) {
	cut := errors.New("cut off")
	full := errors.New("full")
	for _, c := range []struct {
		in   string
		err  error // at its end
		want []int
	}{
		{"", nil, nil},
		{"abc", nil, []int{3}},
		{"abcd", nil, []int{4}},
		{"abcdefghij", nil, []int{4, 4, 2}},
		{"abcdefghij", cut, []int{4, 4, 2}},
		{"", io.ErrUnexpectedEOF, nil},
	} {
		for _, slow := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
			r := io.Reader(strings.NewReader(c.in))
			if c.err != nil {
				r = io.MultiReader(r, iotest.ErrReader(c.err))
			}
			var got sizes
			n, err := copyFull(&got, slow(r), make([]byte, 4))
			if n != int64(len(c.in)) || err != c.err || got.String() != c.in || !slices.Equal(got.n, c.want) {
				t.Errorf("%q: %d, %v, %q by %v; want %v by %v", c.in, n, err, got.String(), got.n, c.err, c.want)
			}
		}
	}
	r := strings.NewReader("abcdefghij")
	if n, err := copyFull(failing{full}, r, make([]byte, 4)); n != 0 || err != full || r.Len() != 6 {
		t.Errorf("%d, %v, %d bytes left", n, err, r.Len())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// However many pictures come in at once, maxLarge of them have a large buffer.
func TestBuffersAreBounded(t *testing.T) {
	count := map[int]int{}
	var frees []func()
	for range maxLarge + 10 {
		buf, free := buffer(-1)
		count[len(buf)]++
		frees = append(frees, free)
	}
	if count[largeBytes] != maxLarge || count[smallBytes] != 10 {
		t.Errorf("%v", count)
	}
	for _, free := range frees {
		free()
	}
	for length, want := range map[int64]int{smallBytes: smallBytes, smallBytes + 1: largeBytes} {
		buf, free := buffer(length)
		if len(buf) != want {
			t.Errorf("of %d bytes: %d; want %d", length, len(buf), want)
		}
		free()
	}
}
