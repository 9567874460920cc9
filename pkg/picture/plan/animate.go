package plan

import (
	"io"

	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/raster"
)

// animate sends every frame of an animation through the steps, each as a person sees
// it, and writes them with their delays.
func (j *job) animate(out io.Writer, r raster.Animated) error {
	frames, err := r.Animation()
	if err != nil {
		return err
	}
	w, err := gif.NewWriter(out, j.place.W, j.place.H, r.Loop(), j.Limits)
	if err != nil {
		return err
	}
	for {
		f, err := frames.Next()
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		rows, err := j.through(f.Rows, steps)
		if err != nil {
			return err
		}
		if rows, err = raster.Upright(raster.To8(rows), j.Limits); err != nil {
			return err
		}
		if err := w.Frame(rows, f.Delay); err != nil {
			return err
		}
	}
}
