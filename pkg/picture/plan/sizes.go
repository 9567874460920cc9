package plan

import (
	"cmp"
	"io"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// Sizes is a picture whose header has been read, with a request for one size or for
// several: scale=320x,640x.
type Sizes struct {
	Each   []Prepared // in the order of the request
	Pixels int64      // as that of Prepared, for all together
}

// PrepareSizes reads the header of the picture in the first size bytes of in. Two sizes
// that come out equal are an error of kind Usage. With HandOver there is one to write,
// for all sizes.
func PrepareSizes(in io.ReaderAt, size int64, r Request) (Sizes, error) {
	sizes := r.Ops.Sizes()
	if sizes == nil {
		p, err := Prepare(in, size, r)
		return Sizes{[]Prepared{p}, p.Pixels}, err
	}
	var s Sizes
	for _, asked := range sizes {
		one := r
		one.Ops = asked.Ops
		p, err := Prepare(in, size, one)
		if err != nil {
			return Sizes{}, err
		}
		for k, q := range s.Each {
			if p.W == q.W && p.H == q.H {
				a, b := sizes[k].Ops.Get("scale"), asked.Ops.Get("scale")
				why := ""
				if enlarges(a, p.job) || enlarges(b, p.job) {
					why = "; nothing in a list is enlarged"
				}
				return Sizes{}, fault.New(fault.Usage, "scale=%s: %s and %s both come out as %dx%d%s", r.Ops.Get("scale"), a, b, p.W, p.H, why)
			}
		}
		s.Each = append(s.Each, p)
		s.Pixels = max(s.Pixels, p.Pixels)
	}
	if r.HandOver {
		p, err := forAll(s.Each)
		return Sizes{[]Prepared{p}, s.Pixels}, err
	}
	return s, nil
}

// enlarges reports whether a size of a list is larger than the picture of a job.
func enlarges(size string, j *job) bool {
	g, err := geometry.Parse(size)
	w, h := g.Goal(j.crop.W, j.crop.H)
	return err == nil && (w > j.crop.W || h > j.crop.H)
}

// forAll returns the one of several hand-overs that serves all of them: that for the
// largest size, of the part that all have in common.
func forAll(each []Prepared) (Prepared, error) {
	lead := slices.MaxFunc(each, func(a, b Prepared) int { return cmp.Compare(area(a.job), area(b.job)) })
	goals := []Size{}
	for _, p := range each {
		goals = append(goals, Size{p.W, p.H})
	}
	lead.job.goals = goals
	return lead, lead.job.layOut()
}

// area is that of the picture once scaled, before a part of it is cut off.
func area(j *job) int { return j.place.ScaledW * j.place.ScaledH }

// Write writes each size to its writer, all from one decoding. It may be called once. A
// size that keeps the picture's own is copied where a single request would copy it.
func (s Sizes) Write(outs []io.Writer) ([]Result, error) {
	if len(s.Each) == 1 {
		res, err := s.Each[0].Write(outs[0])
		return []Result{res}, err
	}
	jobs := make([]*job, len(s.Each))
	for i, p := range s.Each {
		jobs[i] = p.job
	}
	if err := findFocusOfAll(jobs); err != nil {
		return nil, err
	}
	results := make([]Result, len(jobs))
	var rest, animations []*output
	for i, j := range jobs {
		results[i] = j.result()
		done, err := j.shortcut(outs[i])
		if err != nil {
			return nil, err
		}
		o := &output{job: j, w: outs[i], result: &results[i]}
		switch {
		case done:
		case j.animated() != nil:
			animations = append(animations, o)
		default:
			rest = append(rest, o)
		}
	}
	if err := animateAll(animations); err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		if err := stream(rest); err != nil {
			return nil, err
		}
	}
	for _, j := range jobs[1:] {
		for _, note := range j.notes {
			jobs[0].note(note)
		}
	}
	animated := jobs[0].animated() != nil
	for i, j := range jobs {
		j.notes = jobs[0].notes
		results[i].Note, results[i].Gravity = j.said(animated), j.partGravity.String()
	}
	return results, nil
}

// findFocusOfAll looks once for the point that gravity=attention means, and gives it to
// all jobs.
func findFocusOfAll(jobs []*job) error {
	looked := jobs[0].gravity.Attention()
	if err := jobs[0].findFocus(); err != nil || !looked {
		return err
	}
	for _, j := range jobs[1:] {
		j.gravity = jobs[0].gravity
		if err := j.layOut(); err != nil {
			return err
		}
	}
	return nil
}

// output is one size on its way from the rows that all share to its writer.
type output struct {
	*job
	w      io.Writer
	result *Result
	kept   raster.Metadata // to be written with it
	steps  []step          // that are still to be done
}

// stream decodes the picture once for all outputs. The steps that are the same for all
// are done once, before raster.Tee:
//
//	decoder ── crop, gray, profile ──┬── scale to 1920 ── encoder
//	                                 ├── scale to 1280 ── encoder
//	                                 └── mean of 2×2 ──┬── scale to 640 ── encoder
//	                                                   └── mean of 2×2 ── scale to 320 ── encoder
//
// The picture is decoded as for the largest of them.
func stream(outputs []*output) error {
	lead := slices.MaxFunc(outputs, func(a, b *output) int { return cmp.Compare(area(a.job), area(b.job)) }).job
	a, err := lead.lookForAlpha()
	if err != nil {
		return err
	}
	rows, err := lead.decode(hintForAll(outputs), a)
	if err != nil {
		return err
	}
	defer func() { lead.stop() }()
	shared := sharedSteps(outputs)
	if rows, err = lead.through(rows, steps[:shared]); err != nil {
		return err
	}
	follow(lead, outputs, steps[shared:])
	return feed(rows, outputs, 0)
}

// follow prepares outputs for rows that lead decodes and that still have to pass steps.
func follow(lead *job, outputs []*output, steps []step) {
	for _, o := range outputs {
		o.kept, o.steps = o.p.Header().Keep, steps
		o.p = lead.p // which has the notes
	}
}

// hintForAll returns what the steps of all outputs together need of the decoder.
func hintForAll(outputs []*output) raster.Hint {
	all := outputs[0].hint()
	for _, o := range outputs[1:] {
		h := o.hint()
		all.Planar = all.Planar && h.Planar
		if h.Part != all.Part {
			all.Part = geometry.Rect{}
		}
		if h.GoalW == 0 || all.GoalW == 0 || all.Part == (geometry.Rect{}) {
			all.GoalW, all.GoalH = 0, 0
			continue
		}
		all.GoalW, all.GoalH = max(all.GoalW, h.GoalW), max(all.GoalH, h.GoalH)
	}
	return all
}

// sharedSteps returns how many of the first steps do the same for all outputs. An output
// of the picture's own size may have a part and a layout of its own.
func sharedSteps(outputs []*output) int {
	same := slices.ContainsFunc(outputs, func(o *output) bool { return o.sameSize() })
	switch {
	case !same:
		return beforeScale
	case slices.ContainsFunc(outputs, func(o *output) bool { return o.cropped() }):
		return 0
	}
	return beforePack
}

// boxFrom is how many times larger than an output the rows must be for the output to
// start from means of 2×2: a size below a third of the decoded planes. It is done at most
// maxHalvings times, as each rounds the samples.
const (
	boxFrom     = 3
	maxHalvings = 2
)

// feed gives rows, which have been halved so many times, to the outputs. Those much smaller
// than the rows get means of 2×2 of them, and of these again, which costs less than
// resampling them all from the decoded size.
func feed(rows raster.Rows, outputs []*output, halvings int) error {
	var consumers []func(raster.Rows) error
	var small []*output
	for _, o := range outputs {
		if halvings < maxHalvings && o.startsHalved(rows.Header()) {
			small = append(small, o)
			continue
		}
		consumers = append(consumers, o.write)
	}
	if len(small) > 0 {
		consumers = append(consumers, func(rows raster.Rows) error { return feed(raster.Halve(rows), small, halvings+1) })
	}
	return share(rows, consumers)
}

// share gives rows to all consumers, of which there is at least one.
func share(rows raster.Rows, consumers []func(raster.Rows) error) error {
	if len(consumers) == 1 {
		return consumers[0](rows)
	}
	for _, err := range raster.Tee(rows, consumers...) {
		if err != nil {
			return err
		}
	}
	return nil
}

// startsHalved reports whether o starts from means of 2×2 of rows with the header h. Means
// of coded samples are no help in linear light, nor those of colours without their alpha;
// a crop begins within a sample.
func (o *output) startsHalved(h *raster.Header) bool {
	if h.Layout == raster.Indexed || h.Layout.HasAlpha() || o.Ops.Has("linear") || o.cropped() || o.sameSize() {
		return false
	}
	d := h.Planes[0]
	w, height := stored(o.place.ScaledW, o.place.ScaledH, o.p.Header().Orientation)
	return h.FullW*d.NX >= boxFrom*w*d.DX && h.FullH*d.NY >= boxFrom*height*d.DY
}

// finish sends rows, with the output's own metadata, through the steps that are left.
func (o *output) finish(rows raster.Rows) (raster.Rows, error) {
	head := *rows.Header()
	head.Keep = o.kept
	return o.through(raster.WithHeader(rows, &head), o.steps)
}

// write finishes rows and encodes them.
func (o *output) write(rows raster.Rows) error {
	rows, err := o.finish(rows)
	if err != nil {
		return err
	}
	return o.encode(o.w, rows, o.result)
}
