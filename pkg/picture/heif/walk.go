package heif

import (
	"io"

	"imgtools/pkg/fault"
)

// walk looks at the boxes of the file itself up to meta and, in a sequence, moov. What is
// wrong after meta only concerns the frames of the sequence.
func (f *file) walk() error {
	at := int64(0)
	for n := 0; at < f.size && n < maxTop && !(f.listed && (f.moov != nil || !f.sequence)); n++ {
		size, err := f.top(at)
		if err != nil && f.listed && fault.Of(err) != fault.Internal {
			f.late = err
			return nil
		}
		if err != nil {
			return err
		}
		if size >= f.size-at {
			break
		}
		at += size
	}
	switch {
	case f.listed:
		return nil
	case f.moov != nil:
		return fault.New(fault.Unsupported, "a sequence without a still picture is not read")
	}
	return fault.New(fault.Format, "truncated: no meta box in the first %d of %d bytes", at, f.size)
}

// top reads the box that starts at a byte of the file, and returns its size. Of each kind
// the first counts.
func (f *file) top(at int64) (size int64, err error) {
	var b [16]byte
	room := f.size - at
	k, err := f.r.ReadAt(b[:min(16, room)], at)
	if err != nil && err != io.EOF {
		return 0, err
	}
	h, err := header(b[:k], room)
	if err != nil {
		return 0, err
	}
	switch {
	case h.kind == "ftyp":
		var brands []byte
		brands, err = f.payload(h, at, 8+4*maxBrands)
		for ; len(brands) >= 4; brands = brands[4:] {
			switch string(brands[:4]) {
			case "avis", "msf1", "hevc", "hevx", "hevm", "hevs":
				f.sequence = true
			}
		}
	case h.kind == "moov" && f.moov == nil:
		f.moov, err = f.payload(h, at, maxMeta)
	case h.kind == "meta" && !f.listed:
		var meta []byte
		if meta, err = f.payload(h, at, maxMeta); err == nil {
			err = f.list(meta)
			f.listed = err == nil
		}
	}
	return h.size, err
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
