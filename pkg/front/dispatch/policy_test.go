package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

func TestClassify(t *testing.T) {
	const limit = 10 * time.Second
	busy, slow := fault.New(fault.Busy, "busy"), fault.New(fault.Timeout, "slow")
	for name, c := range map[string]struct {
		err      error
		took     time.Duration
		want     verdict
		timedOut bool
	}{
		"no daemon":              {&failure{event: unreachable, err: io.EOF}, 0, again, false},
		"reset in the queue":     {&failure{event: unsent, err: io.EOF}, 0, again, false},
		"result cut":             {&failure{event: cut, err: io.EOF}, 0, again, false},
		"silent":                 {&failure{event: silent, err: io.EOF}, time.Second, death, false},
		"silent after the limit": {&failure{event: silent, err: io.EOF}, limit, death, true},
		"lied":                   {&failure{event: lied, err: slow}, limit, death, false},
		"busy":                   {&failure{event: refused, err: busy, sent: true}, 0, again, false},
		"time-out of the work":   {&failure{event: refused, err: slow, sent: true}, 0, death, true},
		"time-out of the upload": {&failure{event: refused, err: slow}, 0, again, false},
		"bad picture":            {&failure{event: refused, err: fault.New(fault.Format, "bad"), sent: true}, 0, final, false},
		"error of our own":       {io.ErrClosedPipe, 0, final, false},
	} {
		t.Run(name, func(t *testing.T) {
			if v, timedOut := classify(fmt.Errorf("attempt: %w", c.err), c.took, limit); v != c.want || timedOut != c.timedOut {
				t.Errorf("verdict %v, timed out %v; want %v, %v", v, timedOut, c.want, c.timedOut)
			}
		})
	}
}

// A first attempt that takes longer than patience and then dies uses none of it.
func TestPatienceIsCountedFromTheFirstRefusal(t *testing.T) {
	d, lines := daemon(t, "unix", func(n int, r *request) {
		switch n {
		case 1:
			<-time.After(2 * testPatience) // longer than patience; then it dies
		case 2:
			r.Say("err busy no memory")
		default:
			r.OK(asPNG, "good")
		}
	})
	c, in := dispatcher(t, d, nobody)
	deaths, n := counter()
	r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
	if err != nil || *n != 1 || len(lines()) != 3 {
		t.Fatalf("%v after %d deaths and %d attempts, want a result after 1 and 3", err, *n, len(lines()))
	}
	r.File.Close()
}

// A worker that took the picture and died ends the row of refusals.
func TestDeathEndsTheRowOfRefusals(t *testing.T) {
	d, lines := daemon(t, "unix", func(n int, r *request) {
		switch n {
		case 1, 3:
			r.Say("err busy no memory")
		case 2:
			<-time.After(2 * testPatience) // longer than patience; then it dies
		default:
			r.OK(asPNG, "good")
		}
	})
	c, in := dispatcher(t, d, nobody)
	deaths, n := counter()
	r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
	if err != nil || *n != 1 || len(lines()) != 4 {
		t.Fatalf("%v after %d deaths and %d attempts, want a result after 1 and 4", err, *n, len(lines()))
	}
	r.File.Close()
}

func TestKindsOfTheFrontAreNotTakenFromAWorker(t *testing.T) {
	for kind := range fault.Misdirected + 1 {
		if kind.Worker() {
			continue
		}
		t.Run(kind.String(), func(t *testing.T) {
			d, lines := daemon(t, "unix", func(_ int, r *request) { r.Say("err " + kind.String() + " text") })
			c, in := dispatcher(t, d, nobody)
			deaths, n := counter()
			_, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
			if fault.Of(err) != fault.Internal || *n != limits.Deaths || len(lines()) != limits.Deaths {
				t.Errorf("%v (%v) after %d deaths and %d attempts", err, fault.Of(err), *n, len(lines()))
			}
		})
	}
}

// TestDaemonOfOthersIsNotTheClientsFault: a daemon that refuses imgd's user is as good
// as none, and its reason is reported.
func TestDaemonOfOthersIsNotTheClientsFault(t *testing.T) {
	d, _ := daemon(t, "unix", func(_ int, r *request) { r.Say("err forbidden user 7 is neither user 0 nor in group 0") })
	c, in := dispatcher(t, d, nobody)
	deaths, n := counter()
	_, err := c.Run(context.Background(), ops.Gray(), in, deaths)
	if fault.Of(err) != fault.Busy || *n != 0 || !strings.Contains(err.Error(), "user 7") {
		t.Errorf("%v (%v) after %d deaths", err, fault.Of(err), *n)
	}
}

func TestResultIsBounded(t *testing.T) {
	const limit = 100
	for _, network := range []string{"unix", "tcp"} {
		for _, announced := range []int64{limit, limit + 1, 1 << 40} {
			t.Run(fmt.Sprint(network, announced), func(t *testing.T) {
				d, _ := daemon(t, network, func(_ int, r *request) {
					n := min(announced, 1000)
					if r.Out != nil {
						r.Write(strings.Repeat("x", int(n)))
					}
					r.Say(fmt.Sprintf("ok %s len=%d", asPNG, announced))
					if r.Out == nil {
						io.WriteString(r.Conn, strings.Repeat("x", int(n)))
						r.Conn.Read(make([]byte, 1)) // it would send more
					}
				})
				c, in := dispatcher(t, d, nobody)
				c.c.MaxResult = limit
				deaths, n := counter()
				r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
				if announced <= limit {
					if err != nil {
						t.Fatal(err)
					}
					r.File.Close()
				} else if fault.Of(err) != fault.Internal || *n != limits.Deaths {
					t.Errorf("%v after %d deaths", err, *n)
				}
			})
		}
	}
}

func TestMaxResultDoesNotOverflow(t *testing.T) {
	for pixels, want := range map[int64]int64{
		0: resultHead, 250e6: 250e6*8 + resultHead, math.MaxInt64: math.MaxInt64, math.MaxInt64 / 8: math.MaxInt64,
	} {
		if got := maxResult(pixels); got != want {
			t.Errorf("%d pixels: %d bytes, want %d", pixels, got, want)
		}
	}
}

func TestAnErrorOfTheSpoolIsFinal(t *testing.T) {
	d, lines := daemon(t, "unix", func(_ int, r *request) { r.OK(asPNG, "good") })
	c, in := dispatcher(t, d, nobody)
	disk := errors.New("disk")
	c.c.Temp = func() (File, error) { return nil, disk }
	deaths, n := counter()
	if _, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths); !errors.Is(err, disk) || *n != 0 || len(lines()) != 0 {
		t.Errorf("%v after %d deaths and %d attempts", err, *n, len(lines()))
	}
}
