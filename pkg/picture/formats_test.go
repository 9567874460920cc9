// Package picture has only tests: they send files of every format that is read through
// each operation to every format that is written, and compare the result with an oracle
// of definitions in float64 (oracle_test.go).
package picture

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
)

var outputs = []string{"", "jpeg", "png", "gif", "webp", "bmp", "tiff", "pnm", "pgm", "ppm", "pam"}

// done is what an operation wrote, and what it said about that.
type done struct {
	data         []byte
	format, kind string
	w, h         int
	note         string
}

func runGray(t *testing.T, data []byte, o plan.Request) (done, plan.Result) {
	t.Helper()
	var buf bytes.Buffer
	r, err := plan.Run(&buf, bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		t.Fatalf("gray: %v", err)
	}
	return done{buf.Bytes(), r.Format, r.Type, r.W, r.H, r.Note}, r
}

func runScale(t *testing.T, data []byte, o plan.Request) done {
	t.Helper()
	var buf bytes.Buffer
	r, err := plan.Run(&buf, bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		t.Fatalf("scale: %v", err)
	}
	return done{buf.Bytes(), r.Format, r.Type, r.W, r.H, r.Note}
}

// runBoth is gray and then scale, as the front asks the two daemons to do it.
func runBoth(t *testing.T, data []byte, geometry, format string, quality int) done {
	t.Helper()
	first, r := runGray(t, data, plantest.Ask("gray handover scale="+geometry+" format="+format+" quality="+strconv.Itoa(quality)))
	if r.W != first.w || r.Reduced < 1 || r.Reduced > 8 {
		t.Fatalf("gray for=%s: %+v", geometry, r)
	}
	return runScale(t, first.data, plantest.Ask("scale="+fmt.Sprintf("%dx%d!", r.Goals[0].W, r.Goals[0].H)+" format="+r.As+" quality="+strconv.Itoa(quality)+" "+fmt.Sprintf("of=%dx%d reduced=%d origin=%dx%d", r.FullW, r.FullH, r.Reduced, r.OriginX, r.OriginY)))
}

func TestEveryInputThroughEveryOperationToEveryOutput(t *testing.T) {
	for _, in := range inputs(t) {
		for _, out := range outputs {
			for _, op := range []string{"gray", "scale", "both"} {
				t.Run(strings.Join([]string{in.name, op, "to", out}, " "), func(t *testing.T) {
					check(t, in, op, out)
				})
			}
		}
	}
}

func check(t *testing.T, in input, op, out string) {
	const quality = 100
	var got done
	want := in.pic
	switch op {
	case "gray":
		got, _ = runGray(t, in.data, plantest.Ask("gray format="+out+" quality="+strconv.Itoa(quality)))
		want = want.grayed()
	case "scale":
		got = runScale(t, in.data, plantest.Ask("scale=1/3 format="+out+" quality="+strconv.Itoa(quality)))
		want = want.scaled((in.w+1)/3, (in.h+1)/3)
	case "both":
		got = runBoth(t, in.data, "1/3", out, quality)
		want = want.grayed().scaled((in.w+1)/3, (in.h+1)/3)
	}
	if got.w != want.w || got.h != want.h {
		t.Fatalf("said %d×%d, want %d×%d", got.w, got.h, want.w, want.h)
	}
	d := decode(t, got.data)
	form := expectedFormat(in, op, out)
	row, _ := format.Lookup(form)
	if got.format != form || d.format != form || got.kind != row.Media || got.note != "" {
		t.Fatalf("said %s, %s, %q; is %s; want %s", got.format, got.kind, got.note, d.format, form)
	}
	if d.w != want.w || d.h != want.h {
		t.Fatalf("is %d×%d, want %d×%d", d.w, d.h, want.w, want.h)
	}
	if form == "jpeg" || form == "ppm" || form == "pgm" {
		want = want.flat()
	}
	if form == "pgm" {
		want = want.grayed()
	}
	wantGray := (op != "scale" || in.gray || form == "pgm") && form != "ppm"
	// Others' decoders of BMP and TIFF have no type for gray with alpha.
	if typed := !in.alpha || form == "png" || form == "pam"; typed && form != "gif" && form != "webp" && d.gray != wantGray {
		t.Errorf("gray %v, want %v", d.gray, wantGray)
	}
	wantBits := in.bits
	if form == "jpeg" || form == "gif" || form == "webp" || form == "bmp" {
		wantBits = 8
	}
	if d.bits != wantBits && !(in.indexed && op == "gray") { // palettes are packed to few bits
		t.Errorf("%d bits, want %d", d.bits, wantBits)
	}
	if form == "gif" {
		checkGIF(t, d.pic, want, wantGray, tolerance(in, op, "", 8)+1.05/255)
		return
	}
	limit := tolerance(in, op, form, wantBits)
	if most, mean := apart(d.pic, want); (form == "jpeg" || form == "webp") && !wantGray {
		// Chroma at half the size of a few pixels is coarse: compare its mean, and the
		// worst of luma.
		if most, _ := apart(d.pic.grayed(), want.grayed()); most > limit || mean > 7.0/255 {
			t.Errorf("luma off by %.2f of 255 at most, colours by %.2f in the mean; limit %.2f", 255*most, 255*mean, 255*limit)
		}
	} else if most > limit || mean > limit/2 {
		t.Errorf("off by %.2f of 255 at most, %.2f in the mean; limit %.2f", 255*most, 255*mean, 255*limit)
	}
}

// The two daemons together give what the two filters in a pipe give.
func TestCompositionIsThePipeline(t *testing.T) {
	for _, in := range inputs(t) {
		for _, geometry := range []string{"1/3", "11x17!", "2", "1", "40x40>"} {
			t.Run(in.name+" "+geometry, func(t *testing.T) {
				both := runBoth(t, in.data, geometry, "png", 0)
				pam, _ := runGray(t, in.data, plantest.Ask("gray format=pam"))
				piped := runScale(t, pam.data, plantest.Ask("scale="+geometry+" format=png"))
				a, b := decode(t, both.data), decode(t, piped.data)
				limit := 1.05 / 255
				if in.format == "jpeg" {
					limit = 8.0 / 255 // decoded at a reduced size
				}
				if a.w != b.w || a.h != b.h || a.gray != b.gray || a.bits != b.bits {
					t.Errorf("%d×%d of %d bits, the pipeline %d×%d of %d", a.w, a.h, a.bits, b.w, b.h, b.bits)
				} else if most, _ := apart(a.pic, b.pic); most > limit {
					t.Errorf("off by %.2f of 255 from the pipeline", 255*most)
				}
			})
		}
	}
}

// expectedFormat is the format that comes out, by the rules of the manual.
func expectedFormat(in input, op, out string) string {
	if out == "" {
		if out = in.format; out == "ico" {
			out = "png"
		}
	}
	if out == "pnm" {
		switch {
		case in.alpha:
			return "pam"
		case op != "scale" || in.gray:
			return "pgm"
		}
		return "ppm"
	}
	return out
}

// tolerance is the largest error of a sample, as a part of full scale.
func tolerance(in input, op, format string, bits int) float64 {
	steps := 1.05 // of the output's depth: one rounding, and the resampler's
	if op == "both" || in.alpha {
		steps = 2.1 // rounded twice, or straight and premultiplied again
	}
	limit := steps / float64(int(1)<<bits-1)
	if in.bits == 16 && bits == 8 {
		limit = 1.05 / 255
	}
	if format == "jpeg" || format == "webp" {
		limit += 3.0 / 255 // quantized
		if !in.gray && op == "scale" {
			limit += 5.0 / 255 // halved chroma takes colours out of range, and they are clamped
		}
	}
	if in.lossy {
		limit += 1.5 / 255 // two decoders' IDCT
	}
	if in.format == "jpeg" && op != "gray" {
		limit += 4.0 / 255 // decoded at 4/8
	}
	if in.lossy && !in.gray {
		limit += 4.0 / 255 // two decoders' chroma
	}
	return limit
}

// checkGIF compares a GIF with the picture that it was made of: grays differ by at most
// limit, colours by more, as there are only 256, and alpha is on from one half up.
func checkGIF(t *testing.T, got, want pic, gray bool, limit float64) {
	if !gray {
		limit = 60.0 / 255
	}
	mean, n := 0.0, 0
	for i, w := range want.px {
		g := got.px[i]
		if w[3] > 0.51 && g[3] != 1 || w[3] < 0.49 && g[3] != 0 {
			t.Fatalf("pixel %d: alpha %.2f became %.2f", i, w[3], g[3])
		}
		if g[3] == 0 {
			continue
		}
		for k := range 3 {
			d := math.Abs(g[k] - w[k])
			mean += d
			n++
			if d > limit {
				t.Fatalf("pixel %d: %.3f became %.3f", i, w, g)
			}
		}
	}
	if n > 0 && mean/float64(n) > 8.0/255 {
		t.Errorf("off by %.2f of 255 in the mean", 255*mean/float64(n))
	}
}
