package heif

import "imgtools/pkg/fault"

// iprp reads the properties, in ipco, and which item has which, in boxes ipma. Properties
// count from 1; 0 stands for none.
func (f *file) iprp(b *fields) error {
	var assigned [][]byte
	if err := each(b.b, func(sub box) error {
		switch {
		case sub.kind == "ipma":
			assigned = append(assigned, sub.data)
		case sub.kind == "ipco" && f.properties == nil:
			return each(sub.data, func(property box) error {
				if len(f.properties) == maxProperties {
					return fault.New(fault.TooLarge, "more than %d properties", maxProperties)
				}
				f.properties = append(f.properties, property)
				return nil
			})
		}
		return nil
	}); err != nil {
		return err
	}
	total := uint64(0)
	for _, data := range assigned {
		if err := f.ipma(&fields{b: data}, &total); err != nil {
			return err
		}
	}
	return nil
}

// ipma reads which items have which properties, in the order in which cropping, turning
// and mirroring are done. The first bit of each says that it is essential. An item may be
// named once; what is said of it later is ignored.
func (f *file) ipma(b *fields, total *uint64) error {
	version, flags := b.full()
	bits := sized(flags&1 != 0, 15, 7)
	for range b.uint(4) {
		id := b.id(sized(version > 0, 4, 2))
		count := b.uint(1)
		if *total += count; *total > maxAssigned {
			return fault.New(fault.TooLarge, "more than %d properties of items", maxAssigned)
		}
		it := f.items[id]
		if it != nil && it.use != nil {
			it = nil
		}
		for range count {
			v := b.uint((bits + 1) / 8)
			index := int(v&(1<<bits-1)) - 1
			if b.short {
				return b.err("ipma")
			}
			if index >= len(f.properties) {
				return fault.New(fault.Format, "item %d has property %d of %d", id, index+1, len(f.properties))
			}
			if it != nil && index >= 0 {
				it.use = append(it.use, use{index, v>>bits != 0})
			}
		}
		if b.short {
			return b.err("ipma")
		}
	}
	return nil
}

// property returns the first property of a type that an item has.
func (f *file) property(it *item, kind string) (*fields, bool) {
	for _, u := range it.use {
		if p := f.properties[u.index]; p.kind == kind {
			return &fields{b: p.data}, true
		}
	}
	return nil, false
}

// extentOf reads ispe, the size of a picture before it is cropped and turned.
func (f *file) extentOf(it *item) (w, h int64, err error) {
	b, ok := f.property(it, "ispe")
	if !ok {
		return 0, 0, fault.New(fault.Format, "picture %d has no size", it.id)
	}
	b.full()
	w, h = int64(b.uint(4)), int64(b.uint(4))
	return w, h, b.err("ispe")
}

// config reads the depth and the chroma of a coded item from its decoder configuration.
// Other codings than HEVC and AV1 have theirs, if at all, in pixi.
func (f *file) config(it *item) (depth int, chroma Chroma, err error) {
	switch it.kind {
	case HEVC:
		// ISO/IEC 14496-15, 8.3.3.1: 16 bytes of profile and level, then chroma_format_idc
		// in the last 2 bits of a byte and bit_depth_luma_minus8 in the last 3 of the next.
		b, ok := f.property(it, "hvcC")
		if !ok {
			return 0, 0, fault.New(fault.Format, "picture %d has no hvcC", it.id)
		}
		b.take(16)
		chroma = [...]Chroma{Mono, C420, C422, C444}[b.uint(1)&3]
		return 8 + int(b.uint(1)&7), chroma, b.err("hvcC")
	case AV1:
		// AV1-ISOBMFF, 2.3.3: in the third byte, from its second bit, high_bitdepth,
		// twelve_bit, monochrome, chroma_subsampling_x and _y.
		b, ok := f.property(it, "av1C")
		if !ok {
			return 0, 0, fault.New(fault.Format, "picture %d has no av1C", it.id)
		}
		b.take(2)
		v := b.uint(1)
		depth = 8
		if v&0x40 != 0 {
			depth = sized(v&0x20 != 0, 12, 10)
		}
		switch {
		case v&0x10 != 0:
			chroma = Mono
		case v&0x0c == 0x0c:
			chroma = C420
		case v&0x0c == 0x08:
			chroma = C422
		default:
			chroma = C444
		}
		return depth, chroma, b.err("av1C")
	}
	if b, ok := f.property(it, "pixi"); ok {
		b.full()
		if channels := b.uint(1); channels == 1 {
			chroma = Mono
		}
		return int(b.uint(1)), chroma, b.err("pixi")
	}
	return 8, UnknownChroma, nil
}

// known are the types of properties that a decoder of HEVC or AV1, or this package,
// understands. A picture with another essential one must not be shown (ISO/IEC 23008-12,
// 9.3.1).
var known = map[string]bool{"ispe": true, "pixi": true, "hvcC": true, "av1C": true, "colr": true, "irot": true, "imir": true, "clap": true,
	"auxC": true, "pasp": true, "clli": true, "mdcv": true, "a1op": true, "a1lx": true, "lsel": true}

// isAlpha reports whether an auxiliary picture is alpha.
func (f *file) isAlpha(it *item) bool {
	if it == nil {
		return false
	}
	b, ok := f.property(it, "auxC")
	if !ok {
		return false
	}
	b.full()
	return alphaType(b.text())
}

// alphaType reports whether an auxiliary picture of this type is alpha: the name of MPEG
// systems, which AVIF has, or that of HEVC (ISO/IEC 23008-12, B.2.2.4).
func alphaType(urn string) bool {
	return urn == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || urn == "urn:mpeg:hevc:2015:auxid:1"
}
