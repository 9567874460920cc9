//go:build linux && (amd64 || arm64)

package decoders

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"imgtools/pkg/daemon/jail"
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/heif/program"
	"imgtools/pkg/picture/raster"
)

// fake is a Runner of programs that are functions.
type fake struct {
	run func(jail.Command) error
}

func (f fake) Run(_ context.Context, c jail.Command) error { return f.run(c) }
func (f fake) Pipe() (r, w *os.File, err error)            { return os.Pipe() }
func (f fake) Memory() (*os.File, error)                   { return os.CreateTemp(os.TempDir(), "fake") }

// The self-test believes nothing but pixels.
func TestSelfTest(t *testing.T) {
	good := func(y, cb, cr [2]byte) string {
		plane := func(w, h int, v [2]byte) string {
			return strings.Repeat(strings.Repeat(string(v[:1]), w/2)+strings.Repeat(string(v[1:]), w/2), h)
		}
		return "YUV4MPEG2 W64 H48 F1:1 Ip C420jpeg\nFRAME\n" + plane(64, 48, y) + plane(32, 24, cb) + plane(32, 24, cr)
	}
	// Red is 200, 60, 40 and blue 40, 80, 190, by BT.601 at full range.
	right := good([2]byte{100, 81}, [2]byte{94, 190}, [2]byte{199, 99})
	for name, c := range map[string]struct {
		err  error
		out  string
		want string // part of the error; "": it passes
	}{
		"right":       {nil, right, ""},
		"swapped":     {nil, good([2]byte{81, 100}, [2]byte{190, 94}, [2]byte{99, 199}), "came out wrong"},
		"one gray":    {nil, good([2]byte{90, 90}, [2]byte{128, 128}, [2]byte{128, 128}), "came out wrong"},
		"it failed":   {fault.New(fault.Format, "exit status 1"), right, "exit status 1"},
		"no output":   {nil, "", "no output"},
		"cut":         {nil, right[:2000], ""},
		"other sizes": {nil, strings.Replace(right, "W64", "W62", 1), "62×48"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			run := fake{func(cmd jail.Command) error {
				io.WriteString(cmd.Out, c.out)
				return c.err
			}}
			d := program.New(runner{run}, program.Options{Temp: run.Memory, Look: func(name string) (string, error) {
				if name == "heif-convert" {
					return "/usr/bin/" + name, nil
				}
				return "", errors.New("none")
			}})
			programs, errs := Test(d, raster.Limits{})
			err := errs["heic"]
			switch {
			case name == "cut":
				if err == nil {
					t.Error("a cut picture passes")
				}
			case c.want == "" && (err != nil || programs["heic"] != "heif-convert"):
				t.Errorf("%v, %v", programs, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %s", err, c.want)
			}
			lines := strings.Join(Lines(programs, errs), "\n")
			if first, _, _ := strings.Cut(lines, "\n"); (first == "heic: heif-convert") != (err == nil) || strings.Contains(first, "none") != (err != nil) {
				t.Errorf("lines\n%s", lines)
			}
		})
	}
}

// However many pictures a filter works on, only so many programs run at once.
func TestTurns(t *testing.T) {
	var now, most atomic.Int32
	go4 := make(chan struct{})
	r := turns{fake{func(jail.Command) error {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-go4
		now.Add(-1)
		return nil
	}}, make(chan struct{}, 3), nil}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { r.Run(context.Background(), jail.Command{}) })
	}
	for range 20 {
		go4 <- struct{}{}
	}
	all.Wait()
	if n := most.Load(); n < 1 || n > 3 {
		t.Errorf("%d at once", n)
	}
}
