// Package plan carries out a request: a picture of any format in, a picture out.
//
// A request is a chain of operations (package ops). Run opens the picture, decides
// what will be written (format and size, checked against the limits) and which part of
// the picture goes where (layout.go; with gravity=attention the part is looked for,
// attention.go), and then takes the first of these ways that fits:
//
//  1. A shortcut (shortcut.go): where the input's format allows it the picture is
//     copied. Of a JPEG the coefficients are copied, of a palette picture the indexes,
//     with the palette changed, of a lossy WebP all of its pixels' bytes.
//  2. Frame by frame (animate.go): an animation that stays one.
//  3. Rows (steps.go): the picture is decoded, reduced as far as the chain allows, and
//     its rows pass the steps of the chain on their way to the encoder. Memory is a
//     few rows.
//
// Grayd can also prepare a picture for scaled (hand-over, handover.go): then it is
// written as PNM, cropped and possibly reduced already, and the rest is left to scaled.
//
// A request for several sizes (sizes.go) is carried out as one job for each, from one
// decoding where they take the third way.
//
// To add an operation or option: give it a row in the registry of package ops, read
// it in newJob, and add its step to steps.
package plan

import (
	"cmp"
	"image/color"
	"io"
	"slices"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/raster"
)

// Request is what Run does with a picture.
type Request struct {
	Ops    ops.Ops
	Limits raster.Limits
	Ahead  bool          // a large picture may be decoded on a CPU of its own
	HEIF   codec.Decoder // decodes HEIC and AVIF; nil: they are refused

	// HandOver: Ops contains gray and scale, and only gray is done here. The picture
	// is written as PNM, possibly reduced; Result says what is left to do.
	HandOver bool

	// The input is an upright picture of OfW × OfH pixels that was reduced by
	// Reduced/8, and begins at OriginX, OriginY eighths of a sample; zero fields: it is
	// whole.
	OfW, OfH         int
	Reduced          int
	OriginX, OriginY int
}

// Result says what was written.
type Result struct {
	Format string // its name in package format
	Type   string // its media type
	W, H   int    // pixels
	Note   string // what the user should know: "first of 12 frames"

	// The gravity that was used, as a point or a name, on what was left after the crop;
	// "" if none was asked for.
	Gravity string

	// Only after a hand-over: the full size of the upright picture once cropped, the n
	// of n/8 that it was reduced by, where it begins in eighths of a sample, the sizes
	// that it is to be scaled to, the formats that it came in and is to be written in,
	// and the background, in gray, if one was asked for.
	FullW, FullH     int
	Reduced          int
	OriginX, OriginY int
	Goals            []Size
	From, As         string
	Lossless         bool // the result is to be a lossless WebP
	Background       string
}

// Size is that of a picture in pixels.
type Size struct{ W, H int }

// job is one picture and what is to become of it.
type job struct {
	Request
	goals        []Size // of a hand-over for several sizes, of which place is the largest
	p            *codec.Picture
	out          format.Format // to write
	gray         bool
	grayer       *colour.Grayer     // with gray
	notes        []string           // what happened to the colours
	fullW, fullH int                // upright, before any reduction
	crop         geometry.Rect      // of the upright picture: the part asked for
	part         geometry.Rect      // that of it which is used
	placed       bool               // the crop says where that part is
	gravity      geometry.Gravity   // as asked for, or the point that attention found
	partGravity  geometry.Gravity   // the same on the part
	looking      bool               // for that point, in the rows that are decoded for the result
	place        geometry.Placement // of that part in the result, upright
	background   *color.NRGBA       // nil: not asked for, and white
	quality      int                // 0: not asked for
	lossless     bool               // a lossless WebP is written
	stop         func()
}

// Run reads the picture in the first size bytes of in and writes to out what the
// request makes of it. Errors are of the kinds of package fault.
func Run(out io.Writer, in io.ReaderAt, size int64, r Request) (Result, error) {
	p, err := Prepare(in, size, r)
	if err != nil {
		return Result{}, err
	}
	return p.Write(out)
}

// newJob reads the words of a request and decides on format and size.
func newJob(p *codec.Picture, r Request) (*job, error) {
	j := &job{Request: r, p: p, stop: func() {}, quality: r.Ops.Int("quality"), gray: r.Ops.Has("gray")}
	if n := r.Ops.Int("frame"); n != 0 {
		if err := p.Select(n); err != nil {
			return nil, err
		}
	}
	asked := r.Ops.Get("format")
	if asked == ops.Auto && r.Ops.Get("quality") == ops.Lossless {
		asked = format.PNG
	}
	j.out, _ = format.Lookup(codec.OutputFormat(p, asked))
	if asked == "" && j.out.Name == format.WebP && p.Foreign() {
		j.note(j.title() + " with alpha: the result is WebP")
	}
	if j.out.Name == format.PGM && !r.Ops.Has("linear") {
		// PGM is gray. Luma is a sum with constant weights, so it may be taken before
		// scaling as well as after.
		j.gray = true
	}
	if err := j.checkQuality(); err != nil {
		return nil, err
	}
	if err := j.checkFast(); err != nil {
		return nil, err
	}
	if j.gray {
		coded := j.out.Name == format.PNG && !j.HandOver
		var note string
		j.grayer, note = colour.NewGrayer(p.Header(), lumas[r.Ops.Get("gray")], colour.GrayOptions{Keep: r.Ops.Get("profile") == "keep", Coded: coded})
		j.note(note)
	} else {
		_, note := colour.Of(p.Header())
		j.note(note)
	}
	j.fullW, j.fullH = p.Header().OrientedSize()
	if r.OfW != 0 || r.OfH != 0 {
		if err := j.checkReduced(); err != nil {
			return nil, err
		}
		j.fullW, j.fullH = r.OfW, r.OfH
	}
	if v := r.Ops.Get("gravity"); v != "" {
		var err error
		if j.gravity, err = geometry.ParseGravity(v); err != nil {
			return nil, err
		}
	}
	if err := j.layOut(); err != nil {
		return nil, err
	}
	j.keep()
	if err := r.Limits.CheckSize(int64(j.place.W), int64(j.place.H), j.frames()); err != nil {
		return nil, err
	}
	if w, h := j.place.W, j.place.H; !j.HandOver && j.out.Side > 0 && max(w, h) > j.out.Side {
		return nil, fault.New(fault.TooLarge, "%d×%d: a side over %d is more than %s holds", w, h, j.out.Side, j.out.Title)
	}
	return j, nil
}

// checkQuality refuses a quality or a number of bytes that the format can't have.
func (j *job) checkQuality() error {
	lossless := j.Ops.Get("quality") == ops.Lossless
	// A lossless WebP stays one, unless a quality is asked for.
	j.lossless = j.out.Name == format.WebP && (lossless || j.p.Format == format.WebP && j.p.Lossless && j.quality == 0)
	switch {
	case j.HandOver:
	case lossless && j.out.Name == format.JPEG:
		return fault.New(fault.Unsupported, "quality=lossless: not for %s", j.out.Title)
	case !j.Ops.Has("bytes"):
	case j.out.Quality == 0:
		return fault.New(fault.Unsupported, "bytes: only for %s, not %s", format.QualityTitles(), j.out.Title)
	}
	return nil
}

// checkFast refuses fast where nothing can be done faster. A request that leaves the format
// to the picture by format=auto gets what there is.
func (j *job) checkFast() error {
	idle := j.Ops.Has("fast") && !j.Ops.Has("scale") && !j.Ops.Has("crop") && j.out.Quality == 0
	if !idle || j.Ops.Get("format") == ops.Auto {
		return nil
	}
	return fault.New(fault.Usage, "fast without scale or crop: only for %s, not %s", format.QualityTitles(), j.out.Title)
}

// title returns the name of the input's format for people.
func (j *job) title() string {
	f, _ := format.Lookup(j.p.Format)
	return f.Title
}

// note adds a note on the colours, once; "" is none.
func (j *job) note(text string) {
	if text != "" && !slices.Contains(j.notes, text) {
		j.notes = append(j.notes, text)
	}
}

// said joins all notes for the result: those of the reader, then those on colours.
func (j *job) said(animated bool) string {
	var list raster.NoteList // which bounds their number and length
	for _, note := range slices.Concat(j.p.AllNotes(animated), j.notes) {
		list.Note("%s", note)
	}
	return strings.Join(list.Notes(), "; ")
}

// lumas are the ways to make gray, by the values of the word gray.
var lumas = map[string]raster.Luma{"601": raster.Rec601, "709": raster.Rec709, "luminance": raster.Luminance}

// checkReduced checks that OfW × OfH reduced by Reduced/8 is the size of the input.
func (j *job) checkReduced() error {
	n := j.Reduced
	if n == 0 {
		n = 8
	}
	if n < 1 || n > 8 {
		return fault.New(fault.Usage, "reduced=%d/8: not 1/8 to 8/8", n)
	}
	if err := j.Limits.CheckSize(int64(j.OfW), int64(j.OfH), 1); err != nil {
		return fault.New(fault.Usage, "of=%dx%d: %w", j.OfW, j.OfH, err)
	}
	w, h := j.p.Header().OrientedSize()
	switch {
	case j.Ops.Has("crop"):
		return fault.New(fault.Usage, "crop with of=: the picture has been cropped")
	case j.OriginX < 0 || j.OriginY < 0 || j.OriginX > 7 || j.OriginY > 7:
		return fault.New(fault.Usage, "origin=%dx%d: not 0x0 to 7x7", j.OriginX, j.OriginY)
	case (j.OriginX+j.OfW*n+7)/8 != w || (j.OriginY+j.OfH*n+7)/8 != h || n != 8 && (j.p.Frames > 1 || j.p.Header().Orientation != 1):
		return fault.New(fault.Usage, "of=%dx%d reduced=%d/8 is not this picture of %dx%d", j.OfW, j.OfH, n, w, h)
	}
	return nil
}

// reduced reports whether the input is a reduced picture.
func (j *job) reduced() bool { return j.Reduced != 0 && j.Reduced != 8 }

// sameSize reports whether nothing is resampled. A reduced picture of 1 pixel may have
// the size of its goal, but its samples are right only after resampling.
func (j *job) sameSize() bool {
	return j.place.ScaledW == j.part.W && j.place.ScaledH == j.part.H && !j.reduced()
}

// animated returns the reader of the input's frames if all of them are to be written.
func (j *job) animated() raster.Animated {
	if !j.out.Animation {
		return nil
	}
	return j.p.Animated()
}

// frames returns how many pictures are written.
func (j *job) frames() int {
	if j.animated() != nil {
		return j.p.Frames
	}
	return 1
}

// run writes the picture by the first way that fits.
func (j *job) run(out io.Writer) (res Result, err error) {
	res = j.result()
	defer func() { res.Note = j.said(j.animated() != nil) }()
	if done, err := j.shortcut(out); done || err != nil {
		return res, err
	}
	if j.animated() != nil {
		return res, animateAll([]*output{{job: j, w: out}})
	}
	write := func(out io.Writer, a alpha) error {
		rows, err := j.placedRows(a)
		if err != nil {
			return err
		}
		return j.encode(out, rows, &res)
	}
	if j.mayBeOpaque() {
		err = j.writeOpaque(out, write)
	} else {
		err = write(out, keepAlpha)
	}
	return res, err
}

// result returns what is known of the result before it is written.
func (j *job) result() Result {
	return Result{Format: j.out.Name, Type: j.out.Media, W: j.place.W, H: j.place.H}
}

// encode writes rows that have passed all steps. The format of res becomes that of the
// family which was written.
func (j *job) encode(out io.Writer, rows raster.Rows, res *Result) (err error) {
	o := j.encoding()
	if j.sameSize() && !j.pads() {
		o.Depth = j.p.Depth
	}
	res.Format, err = codec.Encode(out, rows, j.out.Name, o)
	if f, ok := format.Lookup(res.Format); ok {
		res.Type = f.Media
	}
	return err
}

// encoding returns what the request says of how to encode.
func (j *job) encoding() codec.Options {
	return codec.Options{
		Quality: cmp.Or(j.quality, j.Ops.UsualQuality(j.out.Name)), Bytes: int64(j.Ops.Int("bytes")),
		Lossless: j.lossless, Fast: j.Ops.Has("fast"), Progressive: j.Ops.Has("progressive"), Limits: j.Limits,
	}
}
