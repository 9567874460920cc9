package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bytes of JPEG: photographs scaled by us and by sharp, with sharp's usual encoder and
// with its mozjpeg. At defaults the file sizes and SSIM are compared as they come. For
// equal quality every encoder makes the picture at qualities 30 to 95; the peer's bytes
// at our SSIM are then read off its curve.

// Qualities of a curve.
const (
	leastQuality = 30
	mostQuality  = 95
	qualityStep  = 5
)

// encoder is a running program and the words that choose its encoder.
type encoder struct {
	name string
	make func(j job, p picture, out string) (used, error) // at j.quality
}

// sample is one file made by an encoder.
type sample struct {
	cpu   time.Duration
	bytes int64
	ssim  float64
}

// encoders returns ours, sharp's and sharp's mozjpeg.
func (b *bench) encoders() []encoder {
	es := []encoder{{"imgtools", func(j job, p picture, out string) (used, error) { return b.servers.wire(j, p.path, out) }}}
	for _, e := range []struct{ name, encoder string }{{"sharp", usual}, {"sharp mozjpeg", mozjpeg}} {
		es = append(es, encoder{e.name, func(j job, p picture, out string) (used, error) {
			return b.peers["sharp"].peer(p, j, e.encoder, p.path, out)
		}})
	}
	return es
}

// equalRow is what one photograph at one size gave.
type equalRow struct {
	name         string
	ours, sharp  sample // at their defaults
	bytes, moz   float64
	cpu, mozCPU  float64 // ours over the peer's at our SSIM
	unmeasurable error   // our SSIM is not on the peer's curve
}

// equal measures every photograph at 1/4 and 1/2, and prints a line each and the bounds.
func (b *bench) equal(photos []picture) error {
	if b.peers["sharp"] == nil {
		fmt.Fprintf(b.w, "bytes of JPEG: not measured: sharp is not installed\n\n")
		return nil
	}
	var rows []equalRow
	for _, j := range equalJobs {
		for _, p := range photos {
			if !b.match.MatchString(p.name + " " + j.name) {
				continue
			}
			if len(rows) == 0 {
				printEqualHead(b)
			}
			r, err := b.equalOf(p, j)
			if err != nil {
				return fmt.Errorf("%s %s: %w", p.name, j.name, err)
			}
			r.print(b)
			rows = append(rows, r)
		}
	}
	if len(rows) > 0 {
		for _, v := range judgeEqual(rows) {
			b.pass(v)
		}
		fmt.Fprintln(b.w)
	}
	return nil
}

// equalJobs are compared at equal quality.
var equalJobs = []job{
	{name: "JPEG bytes, 1/4", kind: "scale", num: 1, den: 4},
	{name: "JPEG bytes, 1/2", kind: "scale", num: 1, den: 2},
}

// equalOf measures one photograph.
func (b *bench) equalOf(p picture, j job) (r equalRow, err error) {
	r.name = strings.TrimSuffix(p.name, ".jpg") + fmt.Sprintf(" %d/%d", j.num, j.den)
	ref, err := b.reference(p, j)
	if err != nil {
		return r, err
	}
	out := filepath.Join(b.out, "equal.jpg")
	defer os.Remove(out)
	run := func(e encoder, quality, runs int) (s sample, err error) {
		j.quality = quality
		var cpus []time.Duration
		for range runs {
			u, err := e.make(j, p, out)
			if err != nil {
				return s, fmt.Errorf("%s at quality %d: %w", e.name, quality, err)
			}
			cpus = append(cpus, u.cpu)
		}
		s.cpu = median(cpus)
		if s.bytes, err = fileSize(out); err != nil {
			return s, err
		}
		_, s.ssim, err = likeness(out, ref)
		return s, err
	}
	es := b.encoders()
	if r.ours, err = run(es[0], 0, b.runs); err != nil {
		return r, err
	}
	if r.sharp, err = run(es[1], 0, b.runs); err != nil {
		return r, err
	}
	for i, to := range []struct{ bytes, cpu *float64 }{{&r.bytes, &r.cpu}, {&r.moz, &r.mozCPU}} {
		var curve []sample
		for q := leastQuality; q <= mostQuality; q += qualityStep {
			s, err := run(es[i+1], q, 1)
			if err != nil {
				return r, err
			}
			curve = append(curve, s)
		}
		bytes, cpu, err := at(curve, r.ours.ssim)
		if err != nil {
			r.unmeasurable = fmt.Errorf("%s: %w", es[i+1].name, err)
			continue
		}
		*to.bytes, *to.cpu = float64(r.ours.bytes)/bytes, float64(r.ours.cpu)/cpu
	}
	return r, nil
}

// errBeyond is of a score that no quality of the curve has.
var errBeyond = errors.New("our SSIM is beyond its qualities")

// at returns the bytes and the CPU time, in ns, that an encoder needs for a score. The
// curve has rising qualities; between two of its points the logarithm of the bytes and
// the CPU time are linear in the score. A curve that falls somewhere passes a score more
// than once; the lowest quality counts.
func at(curve []sample, score float64) (bytes, cpu float64, err error) {
	for i := 1; i < len(curve); i++ {
		a, b := curve[i-1], curve[i]
		if score < min(a.ssim, b.ssim) || score > max(a.ssim, b.ssim) {
			continue
		}
		t := 0.0
		if a.ssim != b.ssim {
			t = (score - a.ssim) / (b.ssim - a.ssim)
		}
		mix := func(x, y float64) float64 { return x + t*(y-x) }
		return math.Exp(mix(math.Log(float64(a.bytes)), math.Log(float64(b.bytes)))), mix(float64(a.cpu), float64(b.cpu)), nil
	}
	return 0, 0, errBeyond
}

func printEqualHead(b *bench) {
	fmt.Fprintf(b.w, "bytes of JPEG: photographs of 2560×1600, scaled; ours warm, at defaults, ÷ sharp's\n")
	fmt.Fprintf(b.w, "  %-18s %8s %7s %9s %7s %7s %9s %12s %9s %12s %9s\n", "", "bytes", "SSIM", "sharp's", "SSIM",
		"bytes ÷", "CPU ÷", "equal SSIM ÷", "CPU ÷", "mozjpeg's ÷", "CPU ÷")
}

func (r equalRow) print(b *bench) {
	fmt.Fprintf(b.w, "  %-18s %8d %7.4f %9d %7.4f %7.2f %9.2f %12s %9s %12s %9s", r.name, r.ours.bytes, r.ours.ssim, r.sharp.bytes, r.sharp.ssim,
		r.defaults(), float64(r.ours.cpu)/float64(r.sharp.cpu), figure(r.bytes), figure(r.cpu), figure(r.moz), figure(r.mozCPU))
	if r.unmeasurable != nil {
		fmt.Fprintf(b.w, "  %v", r.unmeasurable)
	}
	fmt.Fprintln(b.w)
}

// figure is a ratio, 0 being one that was not measured.
func figure(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// defaults is our bytes over sharp's at both programs' defaults.
func (r equalRow) defaults() float64 { return float64(r.ours.bytes) / float64(r.sharp.bytes) }

// judgeEqual holds the photographs against the bounds of JPEG bytes.
func judgeEqual(rows []equalRow) (vs []verdict) {
	worse := 0
	for _, r := range rows {
		if r.ours.ssim < r.sharp.ssim {
			worse++
		}
	}
	hold := func(what string, median, most float64, of func(equalRow) float64) {
		var got []float64
		for _, r := range rows {
			if v := of(r); v > 0 {
				got = append(got, v)
			}
		}
		if len(got) < len(rows) {
			what += fmt.Sprintf(", of %d of %d", len(got), len(rows))
		}
		if len(got) == 0 {
			return
		}
		slices.Sort(got)
		v := verdict{job: "JPEG bytes", what: what, met: middle(got) <= median,
			got: fmt.Sprintf("median %.2f, %.2f to %.2f", middle(got), got[0], got[len(got)-1]), want: fmt.Sprintf("≤ %.2f (median)", median)}
		if most > 0 {
			v.want += fmt.Sprintf(", none above %.2f", most)
			v.met = v.met && got[len(got)-1] <= most
		}
		vs = append(vs, v)
	}
	hold("imgtools warm / sharp warm, bytes at defaults", 0.93, 1, equalRow.defaults)
	vs = append(vs, verdict{"JPEG bytes", "photographs with an SSIM below sharp's at defaults", fmt.Sprint(worse), "none", worse == 0})
	hold("imgtools warm / sharp mozjpeg warm, bytes at equal SSIM", 1.02, 0, func(r equalRow) float64 { return r.moz })
	hold("imgtools warm / sharp mozjpeg warm, CPU at equal SSIM", 0.25, 0, func(r equalRow) float64 { return r.mozCPU })
	return vs
}

// middle returns the median of sorted values; of an even number the mean of two.
func middle(v []float64) float64 { return (v[(len(v)-1)/2] + v[len(v)/2]) / 2 }
