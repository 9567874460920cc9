package filterd

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"imgtools/cmd/internal/filterd/filterdtest"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

func TestScaleWordsBecomeOptions(t *testing.T) {
	lim := raster.Limits{Pixels: 1000, Mem: 77}
	for line, want := range map[string]plan.Request{
		"img/1 scale 1/4": plantest.Within(lim, "scale=1/4"),
		"img/1 scale 640x480> quality=60 format=jpg":     plantest.Within(lim, "scale=640x480> format=jpeg quality=60"),
		"img/1 scale 50% kernel=box fine linear":         plantest.Within(lim, "scale=50% kernel=box fine linear"),
		"img/1 scale 9x9! maxpixels=5 fine=0":            plantest.Within(raster.Limits{Pixels: 5, Mem: 77}, "scale=9x9! fast"),
		"img/1 scale 100x75! of=1001x750 reduced=2/8":    plantest.Within(lim, "scale=100x75! of=1001x750 reduced=2"),
		"img/1 scale 100x75! of=1001x750 maxpixels=9999": plantest.Within(lim, "scale=100x75! of=1001x750"),
	} {
		t.Run(line, func(t *testing.T) {
			if got, err := request("scale", filterdtest.Request(t, line), lim); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestScaleWordsRefused(t *testing.T) {
	for line, part := range map[string]string{
		"img/1 scale 0":                        `"0"`,
		"img/1 scale 640":                      "write 640x",
		"img/1 scale 1/2 gray":                 `"gray"`,
		"img/1 scale 1/2 luma=601":             "luma without gray",
		"img/1 scale 1/2 scale=1/3":            `"scale"`,
		"img/1 scale 1/2 for=1/3":              `"for"`,
		"img/1 scale 1/2 kernel=sinc":          `"sinc"`,
		"img/1 scale 1/2 of=3":                 `"3"`,
		"img/1 scale 1/2 of=0x3":               `"0x3"`,
		"img/1 scale 1/2 of=3x999999999999":    "999999999999",
		"img/1 scale 1/2 of=-3x4":              `"-3x4"`,
		"img/1 scale 1/2 of=3x4 reduced=2":     `"2"`,
		"img/1 scale 1/2 of=3x4 reduced=9/8":   `"9/8"`,
		"img/1 scale 1/2 of=3x4 reduced=0/8":   `"0/8"`,
		"img/1 scale 1/2 reduced=2/8":          "without of",
		"img/1 scale 1/2 maxpixels=1e9":        `"1e9"`,
		"img/1 scale 1/2 linear=no":            `"no"`,
		"img/1 scale 1/2 quality=101 format=x": `"101"`,
	} {
		_, err := request("scale", filterdtest.Request(t, line), raster.Limits{})
		if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// run gives a PGM to the operation.
func runScale(t *testing.T, w, h int, line string) (wire.Reply, string, error) {
	t.Helper()
	pgm := fmt.Sprintf("P5\n%d %d\n255\n", w, h) + strings.Repeat("\xc8", w*h)
	return filterdtest.Run(t, Operation("scale")(raster.Limits{}), line, pgm)
}

func TestScaleAnswers(t *testing.T) {
	for _, c := range []struct {
		w, h              int
		line, want, magic string
	}{
		{40, 30, "img/1 scale 1/4", "ok type=image/x-portable-graymap width=10 height=8", "P5\n10 8\n255\n\xc8\xc8"},
		{40, 30, "img/1 scale 20x format=png", "ok type=image/png width=20 height=15", "\x89PNG"},
		{251, 188, "img/1 scale 100x75! of=1001x750 reduced=2/8 format=jpeg", "ok type=image/jpeg width=100 height=75", "\xff\xd8"},
		{251, 188, "img/1 scale 1/10 of=1001x750 reduced=2/8", "ok type=image/x-portable-graymap width=100 height=75", "P5\n100 75\n255\n\xc8"},
	} {
		r, data, err := runScale(t, c.w, c.h, c.line)
		if err != nil || r.String() != c.want || !strings.HasPrefix(data, c.magic) {
			t.Errorf("%s: %v, %v, %.20q; want %s", c.line, r, err, data, c.want)
		}
	}
}

func TestOfMustFitThePicture(t *testing.T) {
	for _, line := range []string{
		"img/1 scale 1/2 of=1001x750 reduced=3/8",
		"img/1 scale 1/2 of=1005x750 reduced=2/8",
		"img/1 scale 1/2 of=1001x750",
		"img/1 scale 1/2 of=251x189",
	} {
		if _, data, err := runScale(t, 251, 188, line); fault.Of(err) != fault.Usage || len(data) != 0 {
			t.Errorf("%s: %v, %d bytes", line, err, len(data))
		}
	}
}

// A list of sizes gives a result for each, of which the answer says type and size.
func TestScaleAnswersSeveralSizes(t *testing.T) {
	pgm := "P5\n40 30\n255\n" + strings.Repeat("\xc8", 40*30)
	r, out, err := filterdtest.RunAll(t, Operation("scale")(raster.Limits{}), "img/1 scale 20x,1/4,x30", pgm)
	want := "ok type=image/x-portable-graymap width=20 height=15 width2=10 height2=8 width3=40 height3=30"
	if err != nil || r.String() != want || len(out) != 3 {
		t.Fatalf("%v, %v; want %s", r, err, want)
	}
	for i, head := range []string{"P5\n20 15\n255\n\xc8", "P5\n10 8\n255\n\xc8", "P5\n40 30\n255\n\xc8"} {
		if !strings.HasPrefix(out[i], head) {
			t.Errorf("result %d: %.20q", i+1, out[i])
		}
	}
}

func TestSeveralSizesRefused(t *testing.T) {
	pgm := "P5\n40 30\n255\n" + strings.Repeat("\xc8", 40*30)
	for line, part := range map[string]string{
		"img/1 scale 20x,20x":  "both results would be named -20",
		"img/1 scale 50x,80x":  "50x and 80x both come out as 40x30",
		"img/1 scale 20x,":     "size 2 of 2 is empty",
		"img/1 scale 20x,50x<": "nothing in a list is enlarged",
	} {
		t.Run(line, func(t *testing.T) {
			if _, _, err := filterdtest.RunAll(t, Operation("scale")(raster.Limits{}), line, pgm); fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
				t.Errorf("%v; want %q", err, part)
			}
		})
	}
}

// The line of an answer has room for everything that is said of eight results; a note that
// has none is cut off.
func TestLongestAnswerFitsItsLine(t *testing.T) {
	results := make([]plan.Result, wire.MaxResults)
	for i := range results {
		results[i] = plan.Result{Type: fmt.Sprintf("image/x-portable-graymap-%d", i), W: raster.MaxSide, H: raster.MaxSide, Note: strings.Repeat("é", 150)}
		results[0].Goals = append(results[0].Goals, plan.Size{W: raster.MaxSide, H: raster.MaxSide})
	}
	for _, handOver := range []bool{false, true} {
		r := reply(results, nil)
		if handOver {
			r = reply(results[:1], handedOver(results[0], true))
		}
		r.Words = append(r.Words, ops.Word{Key: "ms", Value: "9223372036854775807"})
		r.Len = 1<<63 - 1
		if !handOver {
			for range results[1:] {
				r.More = append(r.More, 1<<63-1)
			}
		}
		if n := len(r.String()); n >= wire.MaxLine {
			t.Errorf("%d bytes: %s", n, r)
		}
		if !handOver && (r.Get("width8") == "" || !strings.HasPrefix(r.Get("note"), "éé")) {
			t.Errorf("%s", r)
		}
	}
}
