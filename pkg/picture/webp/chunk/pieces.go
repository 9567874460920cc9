package chunk

import (
	"io"
	"slices"
)

// Pieces are the data of a chunk in the pieces in which they were made, so that they are
// in memory once and not twice.
type Pieces [][]byte

// Len returns the size in bytes.
func (p Pieces) Len() (n int64) {
	for _, b := range p {
		n += int64(len(b))
	}
	return n
}

// WriteTo writes all bytes.
func (p Pieces) WriteTo(w io.Writer) (n int64, err error) {
	for _, b := range p {
		k, err := w.Write(b)
		if n += int64(k); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Bytes returns a copy in one piece.
func (p Pieces) Bytes() []byte { return slices.Concat(p...) }
