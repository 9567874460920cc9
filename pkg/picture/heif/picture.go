package heif

import (
	"math"
	"slices"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// describe fills p from the primary item and from what belongs to it.
func (f *file) describe(p *Picture, lim raster.Limits) error {
	primary := f.items[f.primary]
	if primary == nil {
		return fault.New(fault.Format, "primary item %d is not there", f.primary)
	}
	w, h, err := f.extentOf(primary)
	if err != nil {
		return err
	}
	if err := lim.CheckSize(w, h, 1); err != nil {
		return err
	}
	p.Item, p.Rows, p.Cols, p.Frames = f.primary, 1, 1, 1
	parts, err := f.parts(p, primary, w, h)
	if err != nil {
		return err
	}
	coded, err := f.coded(parts[0])
	if err != nil {
		return err
	}
	p.Coding = strings.ToValidUTF8(coded.kind, "?")
	if p.Depth, p.Chroma, err = f.config(coded); err != nil {
		return err
	}
	p.Unsupported = f.unsupported(primary, coded)
	f.colours(p, primary, coded)
	if p.CICP == [4]byte{} { // the coded data say it, too
		switch coded.kind {
		case AV1:
			p.CICP, _ = sequenceColours(f.start(coded))
		case HEVC:
			if b, ok := f.property(coded, "hvcC"); ok {
				p.CICP, _ = parameterColours(b.b)
			}
		}
	}
	f.turn(p, primary, int(w), int(h))
	f.belongings(p, primary, parts)
	f.checkEnd(p, append(parts, primary))
	p.Others = f.others(primary)
	return f.frames(p)
}

// derived reports whether an item is a picture made of others.
func (it *item) derived() bool { return it.kind == "grid" || it.kind == "iovl" || it.kind == "iden" }

// others reports whether there are other items to show: pictures that are not hidden and
// belong to no picture.
func (f *file) others(primary *item) bool {
	belongs := map[uint32]bool{primary.id: true}
	for _, ref := range f.refs {
		switch ref.kind {
		case "auxl", "thmb":
			belongs[ref.from] = true
		}
	}
	for _, it := range f.items {
		if _, ok := f.property(it, "ispe"); ok && !it.hidden && !belongs[it.id] {
			return true
		}
	}
	return false
}

// parts returns the items whose pixels make up the picture: the tiles of a grid, the
// pictures of an overlay, or the item itself. The first one's coding stands for all.
func (f *file) parts(p *Picture, it *item, w, h int64) ([]*item, error) {
	if !it.derived() {
		return []*item{it}, nil
	}
	var parts []*item
	for _, id := range f.to("dimg", it.id) {
		part := f.items[id]
		if part == nil {
			return nil, fault.New(fault.Format, "item %d is a part of item %d and not there", id, it.id)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, fault.New(fault.Format, "item %d is made of no pictures", it.id)
	}
	if it.kind == "grid" {
		return parts, f.grid(p, it, parts, w, h)
	}
	return parts, nil
}

// grid checks that the tiles of a grid have one size and coding and cover the picture
// (ISO/IEC 23008-12, 6.6.2.3). Its data are version, flags, rows and columns less 1, and
// the size of the picture, in 4 bytes if the first flag is set and 2 if not.
func (f *file) grid(p *Picture, it *item, tiles []*item, w, h int64) error {
	data, err := f.data(it, maxDerivation)
	if err != nil {
		return err
	}
	b := fields{b: data}
	b.uint(1)
	n := sized(b.uint(1)&1 != 0, 4, 2)
	p.Rows, p.Cols = int(b.uint(1))+1, int(b.uint(1))+1
	gridW, gridH := int64(b.uint(n)), int64(b.uint(n))
	if b.short {
		return fault.New(fault.Format, "grid of %d bytes ends early", len(data))
	}
	if gridW != w || gridH != h {
		return fault.New(fault.Format, "grid of %d×%d pixels is said to have %d×%d", gridW, gridH, w, h)
	}
	if len(tiles) != p.Rows*p.Cols {
		return fault.New(fault.Format, "grid of %d×%d tiles has %d", p.Cols, p.Rows, len(tiles))
	}
	tileW, tileH, err := f.extentOf(tiles[0])
	if err != nil {
		return err
	}
	for _, tile := range tiles {
		tw, th, err := f.extentOf(tile)
		if err != nil {
			return err
		}
		if tw != tileW || th != tileH || tile.kind != tiles[0].kind {
			return fault.New(fault.Format, "tile %d of %d×%d pixels in %s, the first has %d×%d in %s", tile.id, tw, th,
				fault.Quote(tile.kind), tileW, tileH, fault.Quote(tiles[0].kind))
		}
	}
	if tileW*int64(p.Cols) < w || tileH*int64(p.Rows) < h {
		return fault.New(fault.Format, "%d×%d tiles of %d×%d pixels don't cover %d×%d", p.Cols, p.Rows, tileW, tileH, w, h)
	}
	return nil
}

// coded follows derived pictures to the first coded one.
func (f *file) coded(it *item) (*item, error) {
	for range maxDerived {
		parts := f.to("dimg", it.id)
		if !it.derived() || len(parts) == 0 {
			return it, nil
		}
		next := f.items[parts[0]]
		if next == nil {
			return nil, fault.New(fault.Format, "item %d is a part of item %d and not there", parts[0], it.id)
		}
		it = next
	}
	return nil, fault.New(fault.TooLarge, "more than %d derived pictures of derived pictures", maxDerived)
}

// unsupported says why a picture can't be decoded as it is described.
func (f *file) unsupported(primary, coded *item) string {
	switch {
	case coded.kind != HEVC && coded.kind != AV1:
		return "coded as " + fault.Quote(coded.kind)
	case primary.kind == "iovl":
		return "an overlay of pictures"
	case primary.kind != "grid" && primary != coded:
		return "derived from another picture"
	}
	for _, it := range []*item{primary, coded} {
		switch {
		case it.protected:
			return "encrypted"
		case it.elsewhere || it.method > idatOffset:
			return "pixels outside the file"
		}
		for _, u := range it.use {
			if kind := f.properties[u.index].kind; u.essential && !known[kind] {
				return "needs property " + fault.Quote(kind)
			}
		}
	}
	return ""
}

// colours reads boxes colr: there may be one with numbers (nclx) and one with a profile. A
// grid without its own has those of its tiles.
func (f *file) colours(p *Picture, primary, coded *item) {
	for _, it := range []*item{primary, coded} {
		for _, u := range it.use {
			property := f.properties[u.index]
			if property.kind != "colr" {
				continue
			}
			b := fields{b: property.data}
			switch kind := string(b.take(4)); {
			case kind == "nclx" && len(b.b) >= 7 && p.CICP == [4]byte{}:
				for i := range 3 {
					p.CICP[i] = byte(min(b.uint(2), 255))
				}
				p.CICP[3] = byte(b.uint(1) >> 7)
			case (kind == "prof" || kind == "rICC") && p.ICC == nil:
				space := "RGB "
				if p.Chroma == Mono {
					space = "GRAY"
				}
				var note string
				if p.ICC, note = meta.ICCFor(space, b.b); note != "" {
					p.Note("%s", note)
				}
			}
		}
	}
}

// turn crops, turns and mirrors a picture of w × h in the order of its properties.
//
// Any row of turns and mirrorings comes to at most one mirroring of left and right and
// then up to three quarter turns to the right; these are the eight orientations of EXIF.
// A mirroring after r quarter turns is the same as one before 4 − r of them, and one of
// top and bottom is one of left and right and a half turn. What is cropped after a turn
// is a part of the stored picture, too.
func (f *file) turn(p *Picture, it *item, w, h int) {
	p.StoredW, p.StoredH, p.Crop = w, h, geometry.Whole(w, h)
	mirrored, quarters := 0, 0
	orientation := func() uint8 { return [2][4]uint8{{1, 6, 3, 8}, {2, 7, 4, 5}}[mirrored][quarters] }
	for _, u := range it.use {
		property := f.properties[u.index]
		b := fields{b: property.data}
		switch property.kind {
		case "clap":
			cut, ok := b.clap(w, h)
			if !ok {
				p.Note("crop that is not within the picture ignored")
				continue
			}
			p.Crop = raster.Stored(cut, w, h, orientation()).In(p.Crop)
			w, h = cut.W, cut.H
		case "irot": // quarter turns to the left
			if n := int(b.uint(1) & 3); n > 0 {
				quarters += 4 - n
				if n != 2 {
					w, h = h, w
				}
			}
		case "imir": // 0 exchanges top and bottom, 1 left and right
			mirrored ^= 1
			if quarters = 4 - quarters; b.uint(1)&1 == 0 {
				quarters += 2
			}
		}
		quarters &= 3
	}
	p.W, p.H = w, h
	p.Orientation = orientation()
}

// clap reads the clean aperture, which crops a picture of w × h: width and height, and
// how far its centre is from the picture's, each a fraction of 4 bytes and 4 bytes (ISO/IEC
// 14496-12, 12.1.4). It reports whether it lies within the picture. Its size is rounded to
// nearest, and its place downwards.
func (f *fields) clap(w, h int) (cut geometry.Rect, ok bool) {
	var v [4]float64
	for i := range v {
		n, d := int32(f.uint(4)), uint32(f.uint(4))
		v[i] = float64(n) / float64(d)
	}
	left, top := (float64(w)-v[0])/2+v[2], (float64(h)-v[1])/2+v[3]
	const half = 0.5 // of a pixel, for sizes that are rounded
	if f.short || !(v[0] >= 1 && v[1] >= 1 && left >= -half && top >= -half && left+v[0] <= float64(w)+half && top+v[1] <= float64(h)+half) {
		return cut, false
	}
	cut.W, cut.H = min(int(math.Round(v[0])), w), min(int(math.Round(v[1])), h)
	cut.X = max(0, min(int(math.Floor(left)), w-cut.W))
	cut.Y = max(0, min(int(math.Floor(top)), h-cut.H))
	return cut, true
}

// belongings finds alpha, thumbnails and metadata. What is wrong with metadata is a note.
func (f *file) belongings(p *Picture, primary *item, parts []*item) {
	for _, it := range []*item{primary, parts[0]} { // alpha may be given for each tile
		for _, aux := range f.from("auxl", it.id) {
			if p.Alpha {
				break
			}
			if p.Alpha = f.isAlpha(aux); p.Alpha {
				p.Premul = slices.Contains(f.to("prem", it.id), aux.id)
				if it == primary {
					p.AlphaItem = aux.id
				}
			}
		}
	}
	for _, it := range f.from("thmb", primary.id) {
		if w, h, err := f.extentOf(it); err == nil && w > 0 && h > 0 && w <= raster.MaxSide && h <= raster.MaxSide {
			p.Thumbs = append(p.Thumbs, Thumb{it.id, int(w), int(h)})
		}
	}
	seen := map[string]bool{}
	for _, it := range f.from("cdsc", primary.id) {
		isXMP := it.kind == "mime" && it.content == "application/rdf+xml" && !it.encoded
		if it.kind != "Exif" && !isXMP || seen[it.kind] {
			continue
		}
		seen[it.kind] = true // the first counts
		data, err := f.data(it, maxMetadata)
		if err != nil {
			p.Note("metadata ignored: %v", err)
			continue
		}
		if isXMP {
			p.Metadata.XMP = data
			continue
		}
		// The data begin with the number of bytes before the TIFF structure, which may be
		// "Exif\0\0" (ISO/IEC 23008-12, A.2.1).
		b := fields{b: data}
		if n := b.uint(4); n < uint64(len(b.b)) {
			p.Metadata.EXIF = b.b[n:]
		} else {
			p.Note("metadata ignored: EXIF of %d bytes begins at %d", len(b.b), n)
		}
	}
}

// checkEnd adds a note if the file ends before the picture does.
func (f *file) checkEnd(p *Picture, items []*item) {
	end := uint64(0)
	for _, it := range items {
		if it.method == fileOffset && !it.elsewhere {
			end = max(end, it.end)
		}
	}
	if end > uint64(f.size) {
		p.Truncated = true
		p.Note("truncated: %d of %d bytes", f.size, end)
	}
}
