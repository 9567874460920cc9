package plan

import (
	"fmt"
	"io"
	"time"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// canvasBytes bounds what writing an animation holds, in bytes for each pixel of its
// canvas: the last frames, with their palettes and filters.
const canvasBytes = 32

// animateAll writes an animation in several sizes. Each frame is decoded once for all of
// them, as far as what is held for all fits into the limits; those beyond get another
// decoding. With bytes= each size is a search of its own.
func animateAll(outputs []*output) error {
	for len(outputs) > 0 {
		if outputs[0].Ops.Has("bytes") {
			if err := animateWithin(outputs[0]); err != nil {
				return err
			}
			outputs = outputs[1:]
			continue
		}
		n, held := 1, outputs[0].canvas()
		for n < len(outputs) && outputs[0].Limits.CheckMem(held+outputs[n].canvas()) == nil {
			held += outputs[n].canvas()
			n++
		}
		if err := animate(outputs[:n]); err != nil {
			return err
		}
		outputs = outputs[n:]
	}
	return nil
}

// canvas returns how many bytes the writer of an animation may hold.
func (o *output) canvas() int64 { return int64(o.place.W) * int64(o.place.H) * canvasBytes }

// animate sends every frame of an animation through the steps of each output, as a person
// sees it, and writes them with their delays.
func animate(outputs []*output) error {
	lead := outputs[0].job
	follow(lead, outputs, steps)
	r := lead.animated()
	surveys := make([]survey, len(outputs))
	if lead.out.Name == format.PNG {
		if err := surveyAll(outputs, surveys); err != nil {
			return err
		}
		lead.note(fmt.Sprintf("animated PNG: some programs show only the first of %d frames", r.Frames()))
	}
	writers := make([]codec.FrameWriter, len(outputs))
	for i, o := range outputs {
		options := codec.AnimationOptions{Options: o.encoding(), W: o.place.W, H: o.place.H, Frames: r.Frames(), Loop: r.Loop(), Colours: surveys[i].colours}
		if lead.out.Name == format.PNG && o.Limits.Lenient {
			options.Frames = surveys[i].frames
		}
		var err error
		if writers[i], err = codec.NewAnimation(o.w, o.out.Name, options); err != nil {
			return err
		}
	}
	err := eachFrame(r, outputs, func(i int, f raster.Frame) (bool, error) { return true, writers[i].Frame(f.Rows, f.Delay) })
	if err != nil {
		return err
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// animateWithin writes an animation at the best quality whose file has no more than the
// bytes asked for. Its frames are decoded and sent through the steps again for each quality
// that is tried.
func animateWithin(o *output) error {
	follow(o.job, []*output{o}, steps)
	r := o.animated()
	options := codec.AnimationOptions{Options: o.encoding(), W: o.place.W, H: o.place.H, Frames: r.Frames(), Loop: r.Loop()}
	tries := 0
	return codec.FitAnimation(o.w, o.out.Name, options, func(frame func(raster.Rows, time.Duration) error) error {
		if tries++; tries > 1 {
			again, err := o.p.Again()
			if err != nil {
				return err
			}
			r = again.(raster.Animated)
		}
		err := eachFrame(r, []*output{o}, func(_ int, f raster.Frame) (bool, error) { return true, frame(f.Rows, f.Delay) })
		if tries > 1 { // the first may have ended before all was read
			for _, note := range r.Notes() {
				o.note(note)
			}
		}
		return err
	})
}

// eachFrame calls do with what the steps of each output make of each frame, with the
// output's index, until do returns false for all of them.
func eachFrame(r raster.Animated, outputs []*output, do func(i int, f raster.Frame) (more bool, err error)) error {
	frames, err := r.Animation()
	if err != nil {
		return err
	}
	over := make([]bool, len(outputs))
	for {
		f, err := frames.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var consumers []func(raster.Rows) error
		for i, o := range outputs {
			if over[i] {
				continue
			}
			consumers = append(consumers, func(rows raster.Rows) error {
				rows, err := o.finish(rows)
				if err != nil {
					return err
				}
				more, err := do(i, raster.Frame{Rows: rows, Delay: f.Delay})
				over[i] = !more
				return err
			})
		}
		if len(consumers) == 0 {
			return nil
		}
		if err := share(f.Rows, consumers); err != nil {
			return err
		}
	}
}

// survey is what is known of an animation before it is written.
type survey struct {
	colours *png.Colours // nil: too many for a palette
	frames  int
}

// surveyAll goes through all frames once before they are written, since an APNG says first
// how many there are and which palette all have. It ends when there are too many colours
// for a palette, as is usual after scaling; in a damaged file that is accepted, where
// frames may be missing, with the last frame.
func surveyAll(outputs []*output, surveys []survey) error {
	again, err := outputs[0].p.Again()
	if err != nil {
		return err
	}
	for i := range surveys {
		surveys[i].colours = &png.Colours{}
	}
	return eachFrame(again.(raster.Animated), outputs, func(i int, f raster.Frame) (more bool, err error) {
		s := &surveys[i]
		s.frames++
		fits := false
		if s.colours != nil {
			if fits, err = s.colours.Add(f.Rows); !fits {
				s.colours = nil
			}
		}
		return fits || outputs[i].Limits.Lenient, err
	})
}
