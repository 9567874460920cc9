package plan

import (
	"io"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// animate sends every frame of an animation through the steps, each as a person sees
// it, and writes them with their delays.
func (j *job) animate(out io.Writer, r raster.Animated) error {
	o := codec.AnimationOptions{Options: j.encoding(), W: j.place.W, H: j.place.H, Frames: r.Frames(), Loop: r.Loop()}
	if j.out.Name == format.PNG {
		if err := j.survey(&o); err != nil {
			return err
		}
	}
	w, err := codec.NewAnimation(out, j.out.Name, o)
	if err != nil {
		return err
	}
	err = j.eachFrame(r, func(f raster.Frame) (bool, error) { return true, w.Frame(f.Rows, f.Delay) })
	if err != nil {
		return err
	}
	return w.Close()
}

// eachFrame calls do with the result of the steps for each frame, until do returns false.
func (j *job) eachFrame(r raster.Animated, do func(raster.Frame) (bool, error)) error {
	frames, err := r.Animation()
	if err != nil {
		return err
	}
	for {
		f, err := frames.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		head := *f.Rows.Header()
		head.Keep = j.p.Header().Keep
		if f.Rows, err = j.through(raster.WithHeader(f.Rows, &head), steps); err != nil {
			return err
		}
		if more, err := do(f); err != nil || !more {
			return err
		}
	}
}

// survey goes through all frames once before they are written, since an APNG says first
// how many there are and which palette all have. It ends when there are too many colours
// for a palette, as is usual after scaling; in a damaged file that is accepted, where
// frames may be missing, with the last frame.
func (j *job) survey(o *codec.AnimationOptions) error {
	again, err := j.p.Again()
	if err != nil {
		return err
	}
	colours := &png.Colours{}
	frames := 0
	err = j.eachFrame(again.(raster.Animated), func(f raster.Frame) (bool, error) {
		frames++
		fits := false
		if colours != nil {
			if fits, err = colours.Add(f.Rows); !fits {
				colours = nil
			}
		}
		return fits || j.Limits.Lenient, err
	})
	if j.Limits.Lenient {
		o.Frames = frames
	}
	o.Colours = colours
	return err
}
