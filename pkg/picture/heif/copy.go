package heif

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"slices"

	"imgtools/pkg/fault"
)

// Programs decode the primary item. To have another one decoded, alpha or a thumbnail, they
// are given a file of that item alone. Alone writes its boxes and takes the coded data
// from the original, so that a thumbnail of some KB does not cost a copy of all:
//
//	ftyp   brands of a still picture, also where the original is a sequence
//	meta
//	├── pitm   item 1
//	├── iinf   the item, the tiles that it is made of, its alpha if that is wanted. All but
//	│          the item itself are hidden: programs write each picture that is shown
//	├── iloc   places in this file
//	├── iref   dimg from a grid to its tiles, auxl and prem of the alpha; no thmb or auxl of
//	│          the item itself, by which programs take it for a part of another picture
//	└── iprp   the properties of these items
//	mdat   their data
//
// Items and properties get new numbers, from 1, in the order in which they are met.

// hidden is the flag of infe for an item that is not to be shown (ISO/IEC 23008-12, 6.4.2).
const hidden = 1

// maxCopied is the most bytes of coded data of a copy, whose offsets have 4 bytes.
const maxCopied = 1 << 30

// Alone returns a HEIF file whose only picture is an item of the one in the first size
// bytes of r, with its alpha or without. What it has of the original is read through r.
// Errors are those of Open; an item that is not there is of kind Format.
func Alone(r io.ReaderAt, size int64, item uint32, alpha bool) (*io.SectionReader, error) {
	f := file{r: r, size: size}
	if err := f.walk(); err != nil {
		return nil, err
	}
	if f.items[item] == nil {
		return nil, fault.New(fault.Format, "item %d is not there", item)
	}
	c := copier{f: &f, ids: map[uint32]int{}, properties: map[int]int{}, places: map[source]int{}}
	if err := c.collect(item, alpha); err != nil {
		return nil, err
	}
	return c.write()
}

// copier makes a copy. Its lists are in the order of the new numbers.
type copier struct {
	f          *file
	ids        map[uint32]int // new numbers of items
	items      []*item
	refs       []byte      // boxes of iref
	properties map[int]int // new numbers of properties
	ipco       []byte
	places     map[source]int // of pieces in mdat
	pieces     []source
	bytes      int64 // of mdat
}

// source is a piece of data that the original has at a place of the file, or of its idat.
type source struct {
	extent
	idat bool
}

// collect numbers an item and all that it needs.
func (c *copier) collect(id uint32, alpha bool) error {
	parts, alphas, premultiplied := map[uint32][]uint32{}, map[uint32][]uint32{}, map[[2]uint32]bool{}
	for _, ref := range c.f.refs {
		switch {
		case ref.kind == "dimg" && parts[ref.from] == nil:
			parts[ref.from] = ref.to
		case ref.kind == "auxl" && alpha && c.f.isAlpha(c.f.items[ref.from]):
			for _, to := range ref.to {
				alphas[to] = append(alphas[to], ref.from)
			}
		case ref.kind == "prem":
			for _, to := range ref.to {
				premultiplied[[2]uint32{ref.from, to}] = true
			}
		}
	}
	if err := c.add(id); err != nil {
		return err
	}
	for i := 0; i < len(c.items); i++ { // which grows meanwhile: a part may be made of parts
		it := c.items[i]
		if it.derived() {
			if err := c.refer("dimg", it.id, parts[it.id]...); err != nil {
				return err
			}
		}
		for _, aux := range alphas[it.id] {
			if c.ids[aux] != 0 {
				continue // it is among the pictures, or the alpha of two, which no program needs
			}
			if err := c.refer("auxl", aux, it.id); err != nil {
				return err
			}
			if !premultiplied[[2]uint32{it.id, aux}] {
				continue
			}
			if err := c.refer("prem", it.id, aux); err != nil {
				return err
			}
		}
	}
	return nil
}

// add numbers an item.
func (c *copier) add(id uint32) error {
	it := c.f.items[id]
	if c.ids[id] != 0 {
		return nil
	}
	if it == nil {
		return fault.New(fault.Format, "item %d is not there", id)
	}
	switch {
	case it.protected:
		return fault.New(fault.Unsupported, "item %d is encrypted", id)
	case it.elsewhere || it.method > idatOffset:
		return fault.New(fault.Unsupported, "item %d is outside the file", id)
	}
	c.items = append(c.items, it)
	c.ids[id] = len(c.items)
	return nil
}

// refer writes a reference, and numbers the items in it.
func (c *copier) refer(kind string, from uint32, to ...uint32) error {
	for _, id := range append([]uint32{from}, to...) {
		if err := c.add(id); err != nil {
			return err
		}
	}
	b := be16(nil, c.ids[from], len(to))
	for _, id := range to {
		b = be16(b, c.ids[id])
	}
	c.refs = append(c.refs, boxed(kind, b)...)
	return nil
}

// write returns the file.
func (c *copier) write() (*io.SectionReader, error) {
	var infe []byte
	for i, it := range c.items {
		flags := 0
		if i > 0 {
			flags = hidden
		}
		const open, name = 0, "\x00" // not encrypted, no name
		infe = append(infe, boxed("infe", be16(fullBox(2, flags), i+1, open), []byte(it.kind+name))...)
	}
	ipma := be32(fullBox(0, 1), len(c.items)) // numbers of 15 bits
	for i, it := range c.items {
		ipma = append(be16(ipma, i+1), byte(len(it.use))) // one box ipma had them, with a count of 8 bits
		for _, u := range it.use {
			v := c.property(u.index)
			if u.essential {
				v |= 1 << 15
			}
			ipma = be16(ipma, v)
		}
	}
	for _, it := range c.items {
		if err := c.place(it); err != nil {
			return nil, err
		}
	}
	brand := "heic"
	if slices.ContainsFunc(c.items, func(it *item) bool { return it.kind == AV1 }) {
		brand = "avif"
	}
	ftyp := boxed("ftyp", []byte(brand+"\x00\x00\x00\x00mif1miaf"+brand))
	// iloc has the same length wherever mdat begins.
	meta := func(mdat int) []byte {
		parts := [][]byte{
			fullBox(0, 0),
			boxed("hdlr", fullBox(0, 0), []byte("\x00\x00\x00\x00pict"), make([]byte, 13)),
			boxed("pitm", be16(fullBox(0, 0), 1)),
			boxed("iloc", c.iloc(mdat)),
			boxed("iinf", be16(fullBox(0, 0), len(c.items)), infe),
		}
		if c.refs != nil {
			parts = append(parts, boxed("iref", fullBox(0, 0), c.refs))
		}
		return boxed("meta", append(parts, boxed("iprp", boxed("ipco", c.ipco), boxed("ipma", ipma)))...)
	}
	const mdatHead = 8
	start := len(ftyp) + len(meta(0)) + mdatHead
	head := append(append(ftyp, meta(start)...), append(be32(nil, int(c.bytes+mdatHead)), "mdat"...)...)
	p := &pieced{pieces: []piece{{0, int64(len(head)), bytes.NewReader(head), 0}}}
	for _, s := range c.pieces {
		from := c.f.r
		if s.idat {
			from = bytes.NewReader(c.f.idat)
		}
		p.pieces = append(p.pieces, piece{int64(start + c.places[s]), int64(s.n), from, int64(s.off)})
	}
	return io.NewSectionReader(p, 0, int64(start)+c.bytes), nil
}

// property returns the new number of a property.
func (c *copier) property(index int) int {
	n := c.properties[index]
	if n == 0 {
		n = len(c.properties) + 1
		c.properties[index] = n
		property := c.f.properties[index]
		c.ipco = append(c.ipco, boxed(property.kind, property.data)...)
	}
	return n
}

// place gives the data of an item places in mdat. What several items share stays shared,
// so that the copy is no longer than the file.
func (c *copier) place(it *item) error {
	for s := range c.sources(it) {
		if _, ok := c.places[s]; ok {
			continue
		}
		c.places[s] = int(c.bytes)
		c.pieces = append(c.pieces, s)
		switch c.bytes += int64(s.n); {
		case c.bytes > c.f.size:
			return fault.New(fault.Format, "data of items overlap: they have more than the %d bytes of the file", c.f.size)
		case c.bytes > maxCopied:
			return fault.New(fault.Unsupported, "pictures of more than %d bytes in a copy of the file", int64(maxCopied))
		}
	}
	return nil
}

// sources yields where the data of an item are, as far as they are there: a file may end
// early.
func (c *copier) sources(it *item) iter.Seq[source] {
	size := uint64(c.f.size)
	if it.method == idatOffset {
		size = uint64(len(c.f.idat))
	}
	return func(yield func(source) bool) {
		for _, e := range it.extents {
			if e.off >= size {
				continue
			}
			if left := size - e.off; e.n == 0 || e.n > left {
				e.n = left
			}
			if !yield(source{e, it.method == idatOffset}) {
				return
			}
		}
	}
}

// iloc returns the payload of iloc, of version 0, for a file whose mdat has its data at start.
func (c *copier) iloc(start int) []byte {
	b := be16(fullBox(0, 0), 0x4400, len(c.items)) // offsets and lengths of 4 bytes
	for n, it := range c.items {
		extents, count := []byte(nil), 0
		for s := range c.sources(it) {
			extents = be32(extents, start+c.places[s], int(s.n))
			count++
		}
		b = append(be16(b, n+1, 0, count), extents...)
	}
	return b
}

func be16(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func be32(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// fullBox returns version and flags, with which the payload of a FullBox begins.
func fullBox(version, flags int) []byte { return be32(nil, version<<24|flags) }

// boxed returns a box with the given parts as its payload.
func boxed(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4, 64), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// pieced is a file made of pieces of others, in order and without gaps.
type pieced struct{ pieces []piece }

// piece is n bytes at the place at, which from has at off.
type piece struct {
	at, n int64
	from  io.ReaderAt
	off   int64
}

func (p *pieced) ReadAt(b []byte, off int64) (int, error) {
	// The first piece that ends behind off.
	i, _ := slices.BinarySearchFunc(p.pieces, off, func(q piece, off int64) int {
		if q.at+q.n <= off {
			return -1
		}
		return 1
	})
	total := 0
	for ; len(b) > 0 && i < len(p.pieces); i++ {
		q := p.pieces[i]
		want := min(int64(len(b)), q.at+q.n-off)
		k, err := q.from.ReadAt(b[:want], q.off+off-q.at)
		total, off, b = total+k, off+int64(k), b[k:]
		if int64(k) < want {
			return total, err
		}
	}
	if len(b) > 0 {
		return total, io.EOF
	}
	return total, nil
}
