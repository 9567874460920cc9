package heif

import (
	"imgtools/pkg/fault"
)

// frames counts the frames of a sequence: the samples of the first track of pictures.
// The table stsz has the size that all samples have, or 0, and their number (ISO/IEC
// 14496-12, 8.7.3.2).
func (f *file) frames(p *Picture) error {
	if f.late != nil {
		p.Note("frames not counted: %v", f.late)
	}
	if f.moov == nil {
		return nil
	}
	for _, track := range children(f.moov, "trak") {
		media := child(track, "mdia")
		handler := child(media, "hdlr")
		if len(handler) < 12 || string(handler[8:12]) != "pict" {
			continue
		}
		table := child(child(child(media, "minf"), "stbl"), "stsz")
		b := fields{b: table}
		b.full()
		each, count := b.uint(4), b.uint(4)
		switch {
		case b.short, each == 0 && count*4 > uint64(len(b.b)), each*count > uint64(f.size):
			p.Note("damaged list of frames")
		case count > maxFrames:
			return fault.New(fault.TooLarge, "%d frames > %d", count, maxFrames)
		case count > 1:
			p.Frames = int(count)
		}
		return nil
	}
	return nil
}

// children returns the payloads of the boxes of a type in b. Boxes after a damaged one
// are left out.
func children(b []byte, kind string) [][]byte {
	var found [][]byte
	each(b, func(sub box) error {
		if sub.kind == kind {
			found = append(found, sub.data)
		}
		return nil
	})
	return found
}

// child returns the payload of the first box of a type in b, or nil.
func child(b []byte, kind string) []byte {
	if all := children(b, kind); len(all) > 0 {
		return all[0]
	}
	return nil
}
