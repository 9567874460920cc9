package heif

import (
	"bytes"
	"io"
	"slices"

	"imgtools/pkg/fault"
)

// file is what the boxes of a file say.
type file struct {
	r    io.ReaderAt
	size int64

	primary    uint32
	items      map[uint32]*item
	refs       []reference
	properties []box
	idat       []byte
	moov       []byte // nil: none

	sequence bool  // by a brand of ftyp
	listed   bool  // meta has been read
	late     error // on the way from meta to moov
}

// item is one of the things that meta describes.
type item struct {
	id        uint32
	kind      string // item type
	hidden    bool   // not to be shown
	protected bool   // encrypted
	content   string // media type of an item of type mime
	encoded   bool   // compressed, of an item of type mime
	method    uint8  // how extents are to be understood: fileOffset, idatOffset or another
	elsewhere bool   // its data are in another file
	extents   []extent
	end       uint64 // of the last extent in its source
	use       []use
}

// Construction methods (ISO/IEC 14496-12, 8.11.3).
const (
	fileOffset = 0
	idatOffset = 1
)

// extent is a piece of an item's data. A length of 0 means up to the end.
type extent struct{ off, n uint64 }

// use is one property of an item. An essential one must be known to show the picture.
type use struct {
	index     int // in file.properties
	essential bool
}

// reference says that an item belongs to others in some way.
type reference struct {
	kind string
	from uint32
	to   []uint32
}

// list reads the payload of meta. Of boxes that occur twice the first counts.
func (f *file) list(meta []byte) error {
	b := fields{b: meta}
	b.full()
	found := map[string][]byte{}
	if err := each(b.b, func(sub box) error {
		if _, again := found[sub.kind]; !again {
			found[sub.kind] = sub.data
		}
		return nil
	}); err != nil {
		return err
	}
	for _, step := range []struct {
		kind     string
		read     func(*fields) error
		required bool
	}{{"pitm", f.pitm, true}, {"iinf", f.iinf, true}, {"iloc", f.iloc, true}, {"iref", f.iref, false}, {"iprp", f.iprp, true}} {
		data, ok := found[step.kind]
		if !ok {
			if step.required {
				return fault.New(fault.Format, "no box %s", step.kind)
			}
			continue
		}
		b := fields{b: data}
		if err := step.read(&b); err != nil {
			return err
		}
		if err := b.err(step.kind); err != nil {
			return err
		}
	}
	f.idat = found["idat"]
	return nil
}

// pitm reads the id of the primary item.
func (f *file) pitm(b *fields) error {
	version, _ := b.full()
	f.primary = b.id(sized(version > 0, 4, 2))
	return nil
}

// sized returns the size of a field that has one of two.
func sized(large bool, yes, no int) int {
	if large {
		return yes
	}
	return no
}

// iinf reads the list of items. Each has a box infe: version 2 with ids of 2 bytes,
// version 3 with ids of 4. Versions 0 and 1, which have no type, are never pictures.
func (f *file) iinf(b *fields) error {
	f.items = map[uint32]*item{}
	version, _ := b.full()
	b.uint(sized(version > 0, 4, 2)) // the number of items; the boxes themselves count
	return each(b.b, func(sub box) error {
		if sub.kind != "infe" {
			return nil
		}
		e := fields{b: sub.data}
		version, flags := e.full()
		if version < 2 {
			return nil
		}
		it := &item{id: e.id(sized(version > 2, 4, 2)), hidden: flags&hidden != 0}
		it.protected = e.uint(2) != 0
		it.kind = string(e.take(4))
		if err := e.err("infe"); err != nil {
			return err
		}
		if it.kind == "mime" {
			e.text() // its name
			it.content = e.text()
			it.encoded = len(e.b) > 0 && e.text() != ""
		}
		if len(f.items) == maxItems {
			return fault.New(fault.TooLarge, "more than %d items", maxItems)
		}
		if f.items[it.id] == nil {
			f.items[it.id] = it
		}
		return nil
	})
}

// iloc reads where the data of items are: version 0, 1 with a construction method, 2
// with ids of 4 bytes.
func (f *file) iloc(b *fields) error {
	version, _ := b.full()
	if version > 2 {
		return fault.New(fault.Unsupported, "box iloc of version %d is not read", version)
	}
	sizes := b.uint(2) // four numbers of bytes: 0, 4 or 8
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	for _, n := range []int{offset, length, base, index} {
		if n != 0 && n != 4 && n != 8 {
			return fault.New(fault.Format, "box iloc has numbers of %d bytes", n)
		}
	}
	count := b.uint(sized(version == 2, 4, 2))
	if count > maxItems {
		return fault.New(fault.TooLarge, "box iloc for %d items > %d", count, maxItems)
	}
	total := uint64(0)
	for range count {
		var at item
		at.id = b.id(sized(version == 2, 4, 2))
		if version > 0 {
			at.method = uint8(b.uint(2) & 15)
		}
		at.elsewhere = b.uint(2) != 0
		start := b.uint(base)
		extents := b.uint(2)
		if total += extents; total > maxExtents {
			return fault.New(fault.TooLarge, "more than %d pieces of data", maxExtents)
		}
		for range extents {
			b.uint(index)
			off := b.uint(offset)
			e := extent{start + off, b.uint(length)}
			if e.off < start || e.off+e.n < e.off {
				return fault.New(fault.Format, "item %d has data at %d+%d", at.id, start, off)
			}
			at.extents = append(at.extents, e)
			at.end = max(at.end, e.off+e.n)
		}
		if b.short {
			return nil // list returns the error
		}
		if it := f.items[at.id]; it != nil && it.extents == nil {
			it.method, it.elsewhere, it.extents, it.end = at.method, at.elsewhere, at.extents, at.end
		}
	}
	return nil
}

// iref reads which items belong to which. Each box in it is named by the kind of the
// reference: dimg from a derived picture to its parts, thmb from a thumbnail, auxl from
// an auxiliary picture such as alpha and cdsc from metadata to the picture, prem from the
// picture to the alpha that it is multiplied by.
func (f *file) iref(b *fields) error {
	version, _ := b.full()
	id := sized(version > 0, 4, 2)
	total := uint64(0)
	return each(b.b, func(sub box) error {
		e := fields{b: sub.data}
		ref := reference{kind: sub.kind, from: e.id(id)}
		count := e.uint(2)
		if total += count; total > maxTargets {
			return fault.New(fault.TooLarge, "more than %d references", maxTargets)
		}
		for range count {
			ref.to = append(ref.to, e.id(id))
		}
		if err := e.err("iref"); err != nil {
			return err
		}
		f.refs = append(f.refs, ref)
		return nil
	})
}

// from returns the items that refer to id in some way, each once.
func (f *file) from(kind string, id uint32) []*item {
	var found []*item
	seen := map[uint32]bool{}
	for _, ref := range f.refs {
		if it := f.items[ref.from]; it != nil && ref.kind == kind && !seen[ref.from] && slices.Contains(ref.to, id) {
			seen[ref.from] = true
			found = append(found, it)
		}
	}
	return found
}

// to returns what the item refers to in some way.
func (f *file) to(kind string, id uint32) []uint32 {
	for _, ref := range f.refs {
		if ref.kind == kind && ref.from == id {
			return ref.to
		}
	}
	return nil
}

// maxStart is the number of bytes of a coded picture that are looked at. A sequence header
// of AV1 takes some 15.
const maxStart = 256

// start returns the first bytes of an item's data as far as they are there and can be
// read.
func (f *file) start(it *item) []byte {
	if it.protected || it.elsewhere || it.method != fileOffset || len(it.extents) == 0 {
		return nil
	}
	e := it.extents[0]
	if e.off >= uint64(f.size) {
		return nil
	}
	n := uint64(f.size) - e.off
	if e.n > 0 {
		n = min(n, e.n)
	}
	b := make([]byte, min(n, maxStart))
	k, _ := f.r.ReadAt(b, int64(e.off))
	return b[:k]
}

// data reads an item's data, at most the given number of bytes; what is longer is an
// error.
func (f *file) data(it *item, most int64) ([]byte, error) {
	var src io.ReaderAt = f.r
	size := f.size
	switch {
	case it.protected:
		return nil, fault.New(fault.Unsupported, "item %d is encrypted", it.id)
	case it.elsewhere:
		return nil, fault.New(fault.Unsupported, "item %d is in another file", it.id)
	case it.method == idatOffset:
		src, size = bytes.NewReader(f.idat), int64(len(f.idat))
	case it.method != fileOffset:
		return nil, fault.New(fault.Unsupported, "item %d is made in way %d", it.id, it.method)
	}
	var b []byte
	for _, e := range it.extents {
		if e.n == 0 && e.off <= uint64(size) {
			e.n = uint64(size) - e.off
		}
		if e.off+e.n > uint64(size) {
			return nil, fault.New(fault.Format, "truncated: item %d ends at %d of %d bytes", it.id, e.off+e.n, size)
		}
		if uint64(len(b))+e.n > uint64(most) {
			return nil, fault.New(fault.TooLarge, "item %d of more than %d bytes", it.id, most)
		}
		at := len(b)
		b = append(b, make([]byte, e.n)...)
		if k, err := src.ReadAt(b[at:], int64(e.off)); k < int(e.n) {
			return nil, short(err)
		}
	}
	return b, nil
}
