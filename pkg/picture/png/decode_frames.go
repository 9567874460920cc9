package png

import (
	"encoding/binary"
	"fmt"
	"image"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
)

// An animated PNG (section 4.9) has these chunks beside those of its default image:
//
//	acTL  once, before IDAT: number of frames, number of plays
//	fcTL  before the data of each frame: where it is drawn, how, and for how long
//	fdAT  data of a frame, like IDAT, after a sequence number
//
// The default image is the first frame if an fcTL precedes IDAT; otherwise it is not
// part of the animation. fcTL and fdAT share one sequence, 0, 1, 2 …, so that a program
// that doesn't know them and changes their order is found out. For example, two frames
// of which the default image is the first:
//
//	IHDR acTL(2) fcTL(0) IDAT fcTL(1) fdAT(2) fdAT(3) IEND

// frame is one frame of an animation.
type frame struct {
	canvas.Frame
	delay time.Duration
	kind  string // of its data chunks: IDAT or fdAT
	pos   int64  // offset of the first of them
}

// frameBytes is the memory of a frame before it is decoded, about.
const frameBytes = 100

// animationChunks is the state of reading acTL, fcTL and fdAT.
type animationChunks struct {
	declared int    // frames, by acTL; 0: the file is not animated
	next     uint32 // sequence number of the next fcTL or fdAT
	ended    bool   // the declared number of frames has been read
	cut      bool   // the file ends before IEND
	inFrame  bool   // and in an fdAT chunk
}

// animation reads acTL (section 11.3.6.1).
func (w *walk) animation(b []byte) bool {
	if len(b) != 8 {
		return false
	}
	n, plays := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if n == 0 || n > 1<<31-1 || plays > 1<<31-1 {
		return false
	}
	w.anim.declared, w.plays = int(n), int(plays)
	return true
}

// frameChunk reads fcTL and the sequence number of fdAT, at pos. Wrong data make the
// file a still with a note, as browsers have it. A wrong CRC is an error.
func (w *walk) frameChunk(c chunk, pos int64) error {
	if err := w.checkCritical(c); err != nil {
		return err
	}
	var b [26]byte
	n := min(c.size, int64(len(b)))
	data, err := w.s.view(c.pos, n)
	if err != nil {
		return err
	}
	copy(b[:], data)
	switch sequence := binary.BigEndian.Uint32(b[:]); {
	case n < 4 || sequence != w.anim.next:
		return w.noAnimation("sequence number %d, want %d", sequence, w.anim.next)
	case c.kind == "fdAT":
		w.anim.next++
		return w.frameData(pos)
	case c.size != int64(len(b)):
		return w.noAnimation("a chunk fcTL of %d bytes", c.size)
	}
	w.anim.next++
	return w.frameControl(b[4:])
}

// frameControl reads the data of fcTL (section 11.3.6.2) after the sequence number.
func (w *walk) frameControl(b []byte) error {
	var v [4]int64
	for i := range v {
		v[i] = int64(binary.BigEndian.Uint32(b[4*i:]))
	}
	width, height, x, y := v[0], v[1], v[2], v[3]
	number := len(w.frames) + 1
	switch last := len(w.frames) - 1; {
	case last >= 0 && w.frames[last].kind == "":
		return w.noAnimation("frame %d has no pixels", number-1)
	case number > w.anim.declared:
		w.anim.ended = true
		return nil
	case width == 0 || height == 0 || x+width > int64(w.base.W()) || y+height > int64(w.base.H()):
		return w.noAnimation("frame %d is %d×%d at %d,%d", number, width, height, x, y)
	case w.idat == 0 && (width != int64(w.base.W()) || height != int64(w.base.H())):
		return w.noAnimation("the default image is a frame of %d×%d", width, height)
	case b[20] > 2 || b[21] > 1:
		return w.noAnimation("frame %d has disposal %d, blending %d", number, b[20], b[21])
	}
	f := frame{delay: delay(b[16:20])}
	f.Rect = image.Rect(int(x), int(y), int(x+width), int(y+height))
	f.Dispose = [...]canvas.Disposal{canvas.None, canvas.Background, canvas.Previous}[b[20]]
	f.Blend = [...]canvas.Blend{canvas.Source, canvas.Over}[b[21]]
	w.frames = append(w.frames, f)
	return w.lim.CheckMem(int64(cap(w.frames)) * frameBytes)
}

// delay returns the time that a frame is shown: a fraction of a second, in which the
// denominator 0 means 100.
func delay(b []byte) time.Duration {
	num, den := time.Duration(binary.BigEndian.Uint16(b)), time.Duration(binary.BigEndian.Uint16(b[2:]))
	if den == 0 {
		den = 100
	}
	return num * time.Second / den
}

// frameData handles the fdAT chunk at pos.
func (w *walk) frameData(pos int64) error {
	last := len(w.frames) - 1
	switch {
	case w.anim.ended:
	case w.idat == 0 || last < 0 || w.frames[last].kind == "IDAT":
		return w.noAnimation("chunk fdAT without a frame")
	case w.frames[last].kind == "":
		w.frames[last].kind, w.frames[last].pos = "fdAT", pos
	}
	return nil
}

// defaultFrame is called at the first IDAT chunk: an fcTL before it makes the default
// image the first frame.
func (w *walk) defaultFrame() {
	if len(w.frames) > 0 {
		w.frames[0].kind, w.frames[0].pos = "IDAT", w.idat
	}
}

// noAnimation makes the file a still, with a note that says why.
func (w *walk) noAnimation(format string, args ...any) error {
	w.Note("animation ignored: %s", fmt.Sprintf(format, args...))
	w.frames, w.anim.declared = nil, 0
	return nil
}

// endFrames checks that all frames that acTL declares are there.
func (w *walk) endFrames() error {
	a := w.anim
	if last := len(w.frames) - 1; last >= 0 && !a.ended &&
		(w.frames[last].kind == "" || w.frames[last].kind == "fdAT" && a.inFrame) {
		w.frames = w.frames[:last]
	}
	switch n := len(w.frames); {
	case n < a.declared && w.cut: // the decoder of the default image says so
	case n < a.declared && a.cut:
		return w.accept(fault.New(fault.Format, "truncated after %d of %d frames", n, a.declared))
	case n < a.declared:
		w.Note("%d of %d frames", n, a.declared)
	case a.ended:
		w.Note("more than %d frames", n)
	}
	return nil
}
