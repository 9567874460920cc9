package webp

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"math"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// keyFrames is after how many frames there is one that covers the canvas and needs no
// other. A program that goes to a place in the animation begins at such a frame.
const keyFrames = 60

// AnimationWriter writes an animation. Each frame given is a whole canvas. The file has of
// each the smallest rectangle that holds all changes, at even offsets; changes are found by
// comparing the frames given, never what a decoder makes of a lossy frame. Nothing is
// disposed of. A rectangle is written in one of two ways:
//
//	replacing  its pixels replace those of the canvas, alpha included
//	blended    what didn't change is transparent, so that it stays; the rest is opaque
//
// If a changed pixel isn't opaque, only the first is possible: blending would leave some of
// what was there. A frame is lossy or lossless, whichever has fewer bytes as far as that is
// known without coding each in both ways (see rivals), unless all are to be lossless.
//
// The size of a file is its first field, so that all frames are held until Close.
type AnimationWriter struct {
	w        io.Writer
	o        EncodeOptions
	loop     int
	h        *raster.Header // of the first frame; nil before
	n        int            // samples of a pixel
	shown    []uint8        // the canvas as the last frame left it
	next     []uint8        // the frame being written
	room     []uint8        // of the last patch
	frames   []outChunk
	size     int64                        // bytes of frames
	kept     int64                        // bytes of another file that is held
	whole    bool                         // Frame goes on after o.Bytes
	alpha    bool                         // a frame has alpha
	sinceKey int                          // frames since the last key frame
	rivals   struct{ whole, part rivals } // of key frames, and of others
	clock    clock
}

// NewAnimation starts an animation that is shown loop times, 0 for without end. Its size,
// layout, profile and metadata are those of the first frame. o.Bytes must be 0; FitAnimation
// takes it.
func NewAnimation(w io.Writer, loop int, o EncodeOptions) *AnimationWriter {
	return &AnimationWriter{w: w, o: o, loop: loop}
}

// clock turns delays into milliseconds.
type clock struct{ canvas.Clock }

func (c *clock) next(delay time.Duration) int { return c.Next(delay, time.Millisecond, 0, maxDelay) }

// Frame adds a frame of 8 bits, upright; all must have the same layout. Two canvases are
// held.
func (a *AnimationWriter) Frame(src raster.Rows, delay time.Duration) error {
	src = raster.Expand(raster.Packed(src))
	h := src.Header()
	if a.h == nil {
		if err := a.begin(h); err != nil {
			return err
		}
	}
	if h.W() != a.h.W() || h.H() != a.h.H() || h.Layout != a.h.Layout || h.Bits != 8 {
		return fault.New(fault.Internal, "write WebP: a frame of %d×%d, %v of %d bits, in an animation of %d×%d, %v",
			h.W(), h.H(), h.Layout, h.Bits, a.h.W(), a.h.H(), a.h.Layout)
	}
	if len(a.frames) == MaxFrames {
		return fault.New(fault.TooLarge, "more than %d frames", MaxFrames)
	}
	size := a.h.W() * a.n
	if err := raster.EachRow(src, func(y int, row raster.Plane) error {
		copy(a.next[y*size:][:size], row.Pix)
		return nil
	}); err != nil {
		return err
	}
	if err := a.add(a.clock.next(delay)); err != nil {
		return err
	}
	a.shown, a.next = a.next, a.shown
	return nil
}

// begin takes the header of the first frame.
func (a *AnimationWriter) begin(h *raster.Header) error {
	if h.Bits != 8 || h.Orientation != 1 {
		return fault.New(fault.Internal, "write WebP: an animation of %d bits, orientation %d", h.Bits, h.Orientation)
	}
	if err := a.o.Limits.CheckSize(int64(h.W()), int64(h.H()), 1); err != nil {
		return err
	}
	if err := a.o.Limits.CheckMem(4 * h.Bytes()); err != nil {
		return err
	}
	a.h, a.n = h, h.Layout.Samples()
	a.shown, a.next = make([]uint8, h.Bytes()), make([]uint8, h.Bytes())
	return nil
}

// add encodes the frame in next, shown for some milliseconds.
func (a *AnimationWriter) add(delay int) error {
	all := image.Rect(0, 0, a.h.W(), a.h.H())
	box, first := all, len(a.frames) == 0
	a.sinceKey++
	key := first || a.sinceKey >= keyFrames
	if !key {
		box = even(canvas.Changes(a.shown, a.next, a.h.W(), a.n))
	}
	var f encodedFrame
	var err error
	if box.Empty() { // a frame has at least a pixel
		box = image.Rect(0, 0, 1, 1)
		f, err = a.lossless(a.hole(), true)
	} else {
		f, err = a.smallest(box, !key)
	}
	if err != nil {
		return err
	}
	if box == all && !f.blended {
		a.sinceKey = 0
	}
	a.alpha = a.alpha || f.alpha
	return a.keep(box, delay, f)
}

// even returns the rectangle with its left and upper side moved to even numbers.
func even(r image.Rectangle) image.Rectangle {
	r.Min.X &^= 1
	r.Min.Y &^= 1
	return r
}

// keep holds the chunk of a frame (RFC 9649 section 2.7.1.1).
func (a *AnimationWriter) keep(box image.Rectangle, delay int, f encodedFrame) error {
	head := make([]byte, 0, frameHeader+f.size())
	for _, v := range [...]int{box.Min.X / 2, box.Min.Y / 2, box.Dx() - 1, box.Dy() - 1, delay} {
		head = appendUint24(head, v)
	}
	flags := byte(frameReplaces)
	if f.blended {
		flags = 0
	}
	b := bytes.NewBuffer(append(head, flags))
	for _, c := range f.chunks {
		if err := c.write(b); err != nil {
			return err
		}
	}
	a.frames = append(a.frames, chunkOf("ANMF", b.Bytes()))
	a.size += int64(b.Len())
	return a.check()
}

// Close writes the file. It does not close the underlying writer.
func (a *AnimationWriter) Close() error {
	chunks, err := a.chunks()
	if err != nil {
		return err
	}
	return writeFile(a.w, chunks)
}

// chunks returns those of the file.
func (a *AnimationWriter) chunks() ([]outChunk, error) {
	if len(a.frames) == 0 {
		return nil, fault.New(fault.Internal, "write WebP: no frame")
	}
	anim := []byte{0, 0, 0, 0} // the background: transparent
	anim = binary.LittleEndian.AppendUint16(anim, uint16(max(0, min(a.loop, math.MaxUint16))))
	flags := byte(flagAnimation)
	if a.alpha {
		flags |= flagAlpha
	}
	return extended(a.h, flags, append([]outChunk{chunkOf("ANIM", anim)}, a.frames...))
}
