package heif

import (
	"encoding/binary"
	"io"
	"slices"

	"imgtools/pkg/fault"
)

// Programs decode the primary item. To have another one decoded, alpha or a thumbnail, they
// are given a copy of the file in which that one is primary. Alone makes it by changing a
// few bytes and moving none, so that all offsets stay right:
//
//	pitm   the id of the item
//	infe   the flag that hides an item is cleared for the item and set for all others, as
//	       programs write all pictures that are shown, each to a file of its own
//	iref   auxl and thmb that begin at the item are called free, which readers pass over:
//	       else they take the item for what belongs to another picture, and leave it out;
//	       if alpha is not wanted, so is auxl that leads to the item, as libheif 1.23 lays
//	       a picture with alpha on a background
//	moov   is called free, and the brand avis becomes avif: else programs decode the frames
//	       of a sequence and not its still picture

// hidden is the flag of infe for an item that is not to be shown (ISO/IEC 23008-12, 6.4.2).
const hidden = 1

// Alone returns the HEIF file in the first size bytes of r with an item of it as its only
// picture, with its alpha or without. Errors are those of Open; an item that is not there is of kind Format.
func Alone(r io.ReaderAt, size int64, item uint32, alpha bool) (io.ReaderAt, error) {
	f := file{r: r, size: size}
	if err := f.walk(); err != nil {
		return nil, err
	}
	if f.items[item] == nil {
		return nil, fault.New(fault.Format, "item %d is not there", item)
	}
	if len(f.pitmID) < 4 && item > 0xffff {
		return nil, fault.New(fault.Unsupported, "item %d can't be primary in a file that has ids of 2 bytes for that", item)
	}
	// All these are parts of f.meta.
	id := binary.BigEndian.AppendUint32(nil, item)
	copy(f.pitmID, id[4-len(f.pitmID):])
	for _, it := range f.items {
		const flags = 3 // their last byte, after the version
		it.entry[flags] |= hidden
		if it.id == item {
			it.entry[flags] &^= hidden
		}
	}
	for _, ref := range f.refs {
		belongs := ref.from == item && (ref.kind == "auxl" || ref.kind == "thmb")
		if belongs || !alpha && ref.kind == "auxl" && slices.Contains(ref.to, item) {
			copy(ref.name, "free")
		}
	}
	c := &copied{r: r, changes: []change{{f.metaAt, f.meta}}}
	if f.moov != nil {
		c.changes = append(c.changes, change{f.moovAt, []byte("free")})
	}
	for _, at := range f.avisAt {
		c.changes = append(c.changes, change{at, []byte("avif")})
	}
	return c, nil
}

// change is bytes that a copy has in place of others.
type change struct {
	at    int64
	bytes []byte
}

// copied is a file with changes.
type copied struct {
	r       io.ReaderAt
	changes []change
}

func (c *copied) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	end := off + int64(n)
	for _, ch := range c.changes {
		from, to := max(off, ch.at), min(end, ch.at+int64(len(ch.bytes)))
		if from < to {
			copy(p[from-off:to-off], ch.bytes[from-ch.at:to-ch.at])
		}
	}
	return n, err
}
