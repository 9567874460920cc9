package tiff

import (
	"math"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// segments reads the size of the strips or tiles and where they are.
func (t *Reader) segments(d directory) error {
	w, h := t.h.FullW, t.h.FullH
	if t.compression == compJPEGOld && t.interchange(d) {
		return nil
	}
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
		if tw == 0 || rows == 0 || max(tw, rows) > raster.MaxSide {
			return fault.New(fault.Format, "tiles of %d×%d", tw, rows)
		}
		t.segW = int(tw)
		t.across = (w + t.segW - 1) / t.segW
		// The padding of tiles beyond the picture's edge is decompressed, too; that below
		// it only where a segment is decoded as a whole.
		padded := int64(h)
		if t.isJPEG() || t.compression == compWebP {
			padded = (padded + int64(rows) - 1) / int64(rows) * int64(rows)
		}
		if err := t.lim.CheckSize(int64(t.across)*int64(tw), padded, 1); err != nil {
			return err
		}
	} else if rows, err = t.file.number(d, tagRowsPerStrip, rows); err != nil {
		return err
	}
	t.codedH = int(min(rows, raster.MaxSide))
	if rows == 0 || rows > uint64(h) {
		rows = uint64(h)
	}
	t.segH = int(rows)
	perPlane := int64(t.across) * int64((h+t.segH-1)/t.segH)
	if err := t.lim.CheckMem(t.held(perPlane)); err != nil {
		return err
	}
	if err := t.places(d, perPlane); err != nil || t.compression != compJPEGOld {
		return err
	}
	return t.oldTables(d)
}

// places reads the offsets and byte counts of the segments, perPlane of each plane.
func (t *Reader) places(d directory, perPlane int64) (err error) {
	planes := int64(1)
	if t.planar {
		planes = int64(t.pick[len(t.pick)-1] + 1) // those beyond the last one used are not read
	}
	n := perPlane * planes
	// Some writers of tiles call their fields those of strips, and the other way round.
	offsets, counts := [2]uint16{tagStripOffsets, tagTileOffsets}, [2]uint16{tagStripByteCounts, tagTileByteCounts}
	which := 0
	if t.tiled {
		which = 1
	}
	if _, ok := d[offsets[which]]; !ok {
		which = 1 - which
	}
	if t.offsets, err = t.file.numbers(d, offsets[which], n); err != nil {
		return err
	}
	switch listed := d[offsets[which]].count; {
	case int64(len(t.offsets)) < n:
		return fault.New(fault.Format, "%d strips or tiles, not %d", len(t.offsets), n)
	case listed > uint64(n) && !t.planar:
		t.Note("%d %ss are listed, the size needs %d", listed, t.kind(), n)
	}
	// A segment without a byte count ends where its last row does.
	t.counts, err = t.file.numbers(d, counts[which], n)
	if err == nil && int64(len(t.counts)) < n {
		t.Note("byte counts of %d of %d %ss", len(t.counts), n, t.kind())
	}
	return err
}

// kind returns what the segments are called.
func (t *page) kind() string {
	if t.tiled {
		return "tile"
	}
	return "strip"
}

// extent returns the offset and size of segment i, whose rows have need bytes without
// compression.
//
// Without compression a byte count that is too small does not matter if the bytes are
// there nevertheless: before the next segment, the directory and the end of the file.
func (t *Reader) extent(i int, need int64) (off, n int64) {
	off = int64(min(t.offsets[i], uint64(t.file.size)))
	n = t.file.size - off
	if t.compression == compNone { // no more is read
		defer func() { n = min(n, need) }()
	}
	if i >= len(t.counts) {
		return off, n
	}
	count := t.counts[i]
	if t.compression == compNone {
		free := func(next int64) bool { return next <= off || next >= off+need }
		switch {
		case count >= uint64(need):
		case (i+1 == len(t.offsets) || free(int64(min(t.offsets[i+1], math.MaxInt64)))) && free(t.dir) && need <= n:
			t.Note("byte count of %s %d is %d, its rows have %d", t.kind(), i+1, count, need)
		default:
			n = min(n, int64(count))
		}
		return off, n
	}
	switch {
	case count == 0:
		t.Note("byte count of %s %d is 0", t.kind(), i+1)
	case count > uint64(n):
		t.Note("byte count of %s %d goes beyond the end of the file", t.kind(), i+1)
	default:
		n = int64(count)
	}
	return off, n
}

// held returns about how many bytes decoding holds.
func (t *Reader) held(perPlane int64) int64 {
	w := int64(t.segW)
	planes := int64(t.planes())
	held := 24*perPlane*planes + (planes+1)*t.rowBytes()
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
	unit := t.unitRows()
	rows := raster.BandRows(t.h.FullW*t.h.Layout.Samples()*int(t.h.Bits/8), t.h.FullH)
	return min(t.segH, max(unit, rows/unit*unit))
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
