package heif

import (
	"bytes"
	"encoding/binary"

	"imgtools/pkg/fault"
)

// box is a box in memory.
type box struct {
	kind string // its type
	data []byte // its payload
}

// each calls f with the boxes in b, in order. There is no recursion: each box that holds
// others is opened where its contents are known, so a file can't choose the depth.
func each(b []byte, f func(box) error) error {
	for n := 1; len(b) > 0; n++ {
		if n > maxBoxes {
			return fault.New(fault.TooLarge, "more than %d boxes in a box", maxBoxes)
		}
		room := int64(len(b))
		h, err := header(b, room)
		if err != nil {
			return err
		}
		if h.size > room {
			return fault.New(fault.Format, "truncated: box %s of %d bytes with room for %d", fault.Quote(h.kind), h.size, room)
		}
		if err := f(box{h.kind, b[h.head:h.size]}); err != nil {
			return err
		}
		b = b[h.size:]
	}
	return nil
}

// head is the beginning of a box.
type head struct {
	kind string
	head int64 // bytes before the payload: 8 or 16
	size int64 // bytes of all
}

// header reads the beginning of a box. A size of 1 stands for one of 64 bits after the
// type, 0 for all bytes that are left, which are room (ISO/IEC 14496-12, 4.2).
func header(b []byte, room int64) (head, error) {
	if len(b) < 8 {
		return head{}, fault.New(fault.Format, "truncated in a box header")
	}
	h := head{kind: string(b[4:8]), head: 8, size: int64(binary.BigEndian.Uint32(b))}
	switch h.size {
	case 0:
		h.size = room
	case 1:
		if len(b) < 16 {
			return head{}, fault.New(fault.Format, "truncated in the header of box %s", fault.Quote(h.kind))
		}
		h.head, h.size = 16, int64(min(binary.BigEndian.Uint64(b[8:]), 1<<62))
	}
	if h.size < h.head {
		return head{}, fault.New(fault.Format, "box %s of %d bytes, which is less than its header", fault.Quote(h.kind), h.size)
	}
	return h, nil
}

// fields reads numbers, most significant byte first. Beyond the end it returns zeros and
// remembers it.
type fields struct {
	b     []byte
	short bool
}

// take returns the next n bytes, or nil.
func (f *fields) take(n int) []byte {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return nil
	}
	t := f.b[:n]
	f.b = f.b[n:]
	return t
}

// uint reads a number of 0 to 8 bytes.
func (f *fields) uint(n int) uint64 {
	v := uint64(0)
	for _, c := range f.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

// id reads the id of an item, of 2 or 4 bytes.
func (f *fields) id(n int) uint32 { return uint32(f.uint(n)) }

// text reads a string that ends with NUL. Of one of more than maxText bytes it reads
// these.
func (f *fields) text() string {
	n := min(len(f.b), maxText)
	if i := bytes.IndexByte(f.b[:n], 0); i >= 0 {
		return string(f.take(i + 1)[:i])
	}
	return string(f.take(n))
}

// full reads version and flags, with which the payload of a FullBox begins.
func (f *fields) full() (version uint8, flags uint32) {
	return uint8(f.uint(1)), uint32(f.uint(3))
}

// err returns an error if something was missing.
func (f *fields) err(kind string) error {
	if f.short {
		return fault.New(fault.Format, "box %s ends early", kind)
	}
	return nil
}
