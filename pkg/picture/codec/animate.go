package codec

import (
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// AnimationOptions are the choices of NewAnimation.
type AnimationOptions struct {
	Options
	W, H    int          // pixels of a frame, upright
	Frames  int          // how many there will be
	Loop    int          // how often they are shown; 0: without end
	Colours *png.Colours // of PNG: all colours of all frames; nil: too many for a palette
}

// FrameWriter writes an animation: Frame for each frame in order, each the whole canvas,
// then Close.
type FrameWriter interface {
	Frame(rows raster.Rows, delay time.Duration) error
	Close() error
}

// NewAnimation starts an animation in a format whose row in package format has Animation.
// Frames are changed to what the format can hold, and turned upright, as in Encode.
func NewAnimation(w io.Writer, name string, o AnimationOptions) (FrameWriter, error) {
	f, _ := format.Lookup(name)
	code := coders[f.Name]
	if code.animate == nil {
		return nil, fault.New(fault.Usage, "format %q has no animations", name)
	}
	if o.Quality == 0 {
		o.Quality = f.Quality
	}
	frames, err := code.animate(w, o)
	if err != nil {
		return nil, err
	}
	return &fittedFrames{frames, code.fit, o.Limits}, nil
}

// FitAnimation writes an animation of at most o.Bytes, in a format whose row in package
// format has Animation and Quality. play gives all frames in order to frame each time it is
// called, and returns its error.
func FitAnimation(w io.Writer, name string, o AnimationOptions, play func(frame func(raster.Rows, time.Duration) error) error) error {
	f, _ := format.Lookup(name)
	code := coders[f.Name]
	if code.fitAnimation == nil {
		return fault.New(fault.Usage, "format %q has no animations of a number of bytes", name)
	}
	if o.Quality == 0 {
		o.Quality = f.Quality
	}
	return code.fitAnimation(w, o, func(frame func(raster.Rows, time.Duration) error) error {
		return play(func(rows raster.Rows, delay time.Duration) error {
			rows, err := raster.Upright(code.fit(fitProfile(rows)), o.Limits)
			if err != nil {
				return err
			}
			return frame(rows, delay)
		})
	})
}

type fittedFrames struct {
	FrameWriter
	fit func(raster.Rows) raster.Rows
	lim raster.Limits
}

func (f *fittedFrames) Frame(rows raster.Rows, delay time.Duration) error {
	rows, err := raster.Upright(f.fit(fitProfile(rows)), f.lim)
	if err != nil {
		return err
	}
	return f.FrameWriter.Frame(rows, delay)
}
