package heif

import (
	"bytes"
	"encoding/binary"
	"io"

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

// walk finds the boxes of the file itself, and lists its items. The box moov is only
// looked for in a file of a brand for sequences.
func (f *file) walk() error {
	sequence, meta := false, false
	at := int64(0)
	for n := 0; at < f.size && !(meta && (!sequence || f.moov != nil)); n++ {
		if n == maxTop {
			if meta {
				break
			}
			return fault.New(fault.Format, "no meta in the first %d boxes", maxTop)
		}
		var b [16]byte
		room := f.size - at
		k, err := f.r.ReadAt(b[:min(16, room)], at)
		if err != nil && err != io.EOF {
			return err
		}
		h, err := header(b[:k], room)
		if err != nil {
			if meta {
				break // what follows is not needed
			}
			return err
		}
		switch h.kind {
		case "ftyp":
			payload, err := f.payload(h, at, 8+4*maxBrands)
			if err != nil {
				return err
			}
			for i := 0; i+4 <= len(payload); i += 4 {
				switch string(payload[i : i+4]) {
				case "avis", "msf1", "hevc", "hevx", "hevm", "hevs":
					sequence = true
				}
			}
		case "meta":
			if meta {
				break
			}
			payload, err := f.payload(h, at, maxMeta)
			if err != nil {
				return err
			}
			if err := f.list(payload); err != nil {
				return err
			}
			meta = true
		case "moov":
			payload, err := f.payload(h, at, maxMeta)
			if err != nil {
				if meta {
					f.cut = true
					return nil
				}
				return err
			}
			f.moov = payload
		}
		if h.size >= room {
			break
		}
		at += h.size
	}
	switch {
	case meta:
		return nil
	case f.moov != nil:
		return fault.New(fault.Unsupported, "a sequence without a still picture is not read")
	}
	return fault.New(fault.Format, "truncated: no meta box in %d bytes", f.size)
}

// payload reads the payload of a box that starts at a byte of the file, if it has at
// most the given number of bytes.
func (f *file) payload(h head, at, most int64) ([]byte, error) {
	n := h.size - h.head
	if at+h.size > f.size {
		return nil, fault.New(fault.Format, "truncated: box %s has %d of %d bytes", h.kind, max(f.size-at-h.head, 0), n)
	}
	if n > most {
		return nil, fault.New(fault.TooLarge, "box %s of %d bytes > %d", h.kind, n, most)
	}
	b := make([]byte, n)
	if k, err := f.r.ReadAt(b, at+h.head); k < len(b) {
		return nil, short(err)
	}
	return b, nil
}

// short returns the error for a read that ended early, or err if that has another cause.
func short(err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, "truncated while it was read")
	}
	return err
}
