package tiff

import (
	"fmt"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

const (
	reducedImage = 1 << 0 // of NewSubfileType: a smaller version of another image
	maskImage    = 1 << 2 // a transparency mask of another image
	oldReduced   = 2      // of SubfileType: a smaller version

	maxDirectories = 10000   // directories visited in the chain
	maxEntries     = 1 << 20 // entries of all of them
)

// pages follows the chain of directories from off and returns the offsets of those
// that are pages, and what is wrong with the chain. Reduced versions and masks are
// not counted as pages, unless there is nothing else: then the first of them is the
// only page.
func (f *file) pages(off int64) (pages []int64, note string, err error) {
	seen := map[int64]bool{}
	first := off
	for off != 0 {
		switch {
		case seen[off]:
			note = "the directories form a loop"
		case len(seen) == maxDirectories || f.entries > maxEntries:
			note = "too many directories"
		}
		if note != "" {
			break
		}
		seen[off] = true
		d, next, err := f.directory(off)
		if err != nil && len(seen) == 1 {
			return nil, "", err
		} else if err != nil {
			note = fmt.Sprintf("directory %d is damaged", len(seen))
			break // the pages before it can be read
		}
		if !f.derived(d) {
			pages = append(pages, off)
		}
		off = next
	}
	if len(seen) == 0 {
		return nil, "", fault.New(fault.Format, "TIFF without a directory")
	}
	if pages == nil {
		pages = []int64{first}
	}
	return pages, note, nil
}

// derived reports whether a directory is only a smaller version or a mask of another.
func (f *file) derived(d directory) bool {
	if _, ok := d[tagNewSubfileType]; ok {
		return f.small(d, tagNewSubfileType, 0)&(reducedImage|maskImage) != 0
	}
	return f.small(d, tagSubfileType, 0) == oldReduced
}

// Frames returns the number of pages.
func (t *Reader) Frames() int { return len(t.pages) }

// Select moves to page n, from 1.
func (t *Reader) Select(n int) error {
	if n < 1 || n > len(t.pages) {
		return raster.NoFrame(n, len(t.pages))
	}
	t.NoteList = raster.NoteList{}
	if t.chainNote != "" {
		t.Note("%s", t.chainNote)
	}
	d, _, err := t.file.directory(t.pages[n-1])
	if err != nil {
		return err
	}
	t.page = page{dir: t.pages[n-1]}
	return t.open(d)
}
