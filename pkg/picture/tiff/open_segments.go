package tiff

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// segments reads the size of the strips or tiles and where they are.
func (t *Reader) segments(d directory) error {
	w, h := t.h.FullW, t.h.FullH
	t.segW, t.across = w, 1
	rows := uint64(h)
	var err error
	if _, t.tiled = d[tagTileWidth]; t.tiled {
		var tw uint64
		if tw, err = t.file.number(d, tagTileWidth, 0); err != nil {
			return err
		}
		if rows, err = t.file.number(d, tagTileLength, 0); err != nil {
			return err
		}
		if tw == 0 || rows == 0 || tw > raster.MaxSide {
			return fault.New(fault.Format, "tiles of %d×%d", tw, rows)
		}
		t.segW = int(tw)
		t.across = (w + t.segW - 1) / t.segW
		// The padding of tiles beyond the picture's edge is decompressed, too.
		if err := t.lim.CheckSize(int64(t.across)*int64(tw), int64(h), 1); err != nil {
			return err
		}
	} else if rows, err = t.file.number(d, tagRowsPerStrip, rows); err != nil {
		return err
	}
	if rows == 0 || rows > uint64(h) {
		rows = uint64(h)
	}
	t.segH = int(rows)
	perPlane := int64(t.across) * int64((h+t.segH-1)/t.segH)
	if err := t.lim.CheckMem(t.held(perPlane)); err != nil {
		return err
	}
	return t.places(d, perPlane)
}

// places reads the offsets and byte counts of the segments, perPlane of each plane.
func (t *Reader) places(d directory, perPlane int64) (err error) {
	planes := int64(1)
	if t.planar {
		planes = int64(t.pick[len(t.pick)-1] + 1) // those beyond the last one used are not read
	}
	n := perPlane * planes
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	if t.tiled {
		offsets, counts = tagTileOffsets, tagTileByteCounts
	}
	if t.offsets, err = t.file.numbers(d, offsets, n); err != nil {
		return err
	}
	if int64(len(t.offsets)) < n {
		return fault.New(fault.Format, "%d strips or tiles, not %d", len(t.offsets), n)
	}
	// A segment without a byte count ends where its last row does.
	t.counts, err = t.file.numbers(d, counts, n)
	return err
}

// held returns about how many bytes decoding holds.
func (t *Reader) held(perPlane int64) int64 {
	w := int64(t.segW)
	planes := int64(t.planes())
	held := 24*perPlane*planes + planes*t.rowBytes()
	if t.isFax() {
		held += 8 * w
	}
	width, rows := int64(t.h.FullW), int64(t.bandRows())
	held += width * rows * int64(len(t.pick)) * int64(t.h.Bits/8)
	if !t.direct() {
		held += width * rows * int64(t.h.Layout.Samples()) * int64(t.h.Bits/8)
	}
	return held
}

// bandRows returns the most rows that a band has: where segments lie side by
// side one row of them, else about 64 KiB.
func (t *page) bandRows() int {
	if t.across > 1 {
		return t.segH
	}
	return min(t.segH, raster.BandRows(t.h.FullW*t.h.Layout.Samples()*int(t.h.Bits/8), t.h.FullH))
}

// segment returns the index of the segment that holds, of the plane of pick[c], row
// y in column i of segments.
func (t *page) segment(c, i, y int) int {
	index := y/t.segH*t.across + i
	if t.planar {
		index += t.pick[c] * t.across * ((t.h.FullH + t.segH - 1) / t.segH)
	}
	return index
}
