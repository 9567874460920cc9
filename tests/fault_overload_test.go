package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/tests/cost"
)

// counts is what became of the requests of one spell of load.
type counts struct {
	took      time.Duration
	served    []time.Duration // how long each took
	refused   int             // 503 with Retry-After
	other     int
	lastErr   error
	healthz   []time.Duration
	offered   float64
	goodput   float64 // as part of the capacity just before
	perSecond float64 // served while it lasted
	p50, p99  time.Duration
	health99  time.Duration
}

// quantile returns the q-th part of sorted durations; 0 of none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}

// crush is an imgd to be overloaded: pictures that are small to send and much work.
type crush struct {
	t       *testing.T
	s       *server
	picture []byte
	want    []byte
	queue   int
}

const crushQuery = "/image?scale=400%"

func newCrush(t *testing.T) *crush {
	c := &crush{t: t, queue: 20}
	c.s = startImgd(t, "-queue", fmt.Sprint(c.queue), "-n", "1")
	c.picture = read(t, save(t, t.TempDir(), "p.jpg", photo(240, 180, 9)))
	_, c.want = c.s.want(t, 200, "PUT", crushQuery, bytes.NewReader(c.picture))
	c.apart()
	return c
}

// apart gives the worker a core of its own, if there are two, for as long as the test
// lasts: in service the clients, who here send more than there is time to answer, are
// on other machines.
func (c *crush) apart() {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		c.t.Fatal(err)
	}
	var rest, own unix.CPUSet
	for i := range 1024 {
		switch {
		case !all.IsSet(i):
		case own.Count() == 0:
			own.Set(i)
		default:
			rest.Set(i)
		}
	}
	if rest.Count() == 0 {
		c.t.Log("one core: the clients take the worker's time")
		return
	}
	bind := func(pid int, set *unix.CPUSet) {
		if err := cost.Bind(pid, set); err != nil {
			c.t.Fatal(err)
		}
	}
	c.t.Cleanup(func() { bind(os.Getpid(), &all) })
	bind(os.Getpid(), &rest)
	bind(c.s.cmd.Process.Pid, &rest)
	for _, name := range []string{"grayd", "scaled"} {
		for _, w := range c.s.workersOf(name) {
			bind(w.ppid, &own) // and so the next one
			bind(w.pid, &own)
		}
	}
}

// ask sends one picture and says what became of it; wait is its Retry-After.
func (c *crush) ask() (status int, wait time.Duration, err error) {
	resp, b, err := c.s.do("PUT", crushQuery, bytes.NewReader(c.picture))
	if err != nil {
		return 0, 0, err
	}
	switch resp.StatusCode {
	case 200:
		if !bytes.Equal(b, c.want) {
			err = fmt.Errorf("another picture of %d bytes", len(b))
		}
	case 503:
		n, cerr := strconv.Atoi(resp.Header.Get("Retry-After"))
		if cerr != nil || n < 1 {
			err = fmt.Errorf("503 with Retry-After %q", resp.Header.Get("Retry-After"))
		}
		wait = time.Duration(n) * time.Second
	default:
		err = fmt.Errorf("%s %.100q", resp.Status, b)
	}
	return resp.StatusCode, wait, err
}

// capacity returns how many pictures a second are served to a few clients that
// each wait for the last.
func (c *crush) capacity(d time.Duration) float64 {
	var n atomic.Int64
	end := time.Now().Add(d)
	each(4, 4, func(int) {
		for time.Now().Before(end) {
			if status, _, err := c.ask(); status == 200 && err == nil {
				n.Add(1)
			}
		}
	})
	return float64(n.Load()) / d.Seconds()
}

// spell offers rate pictures a second for d, whatever the answers are, and asks
// for /healthz all along.
func (c *crush) spell(rate float64, d time.Duration) *counts {
	r := &counts{took: d, offered: rate}
	var mu sync.Mutex
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			begin := time.Now()
			resp, _, err := c.s.do("GET", "/healthz", nil)
			mu.Lock()
			if err != nil || resp.StatusCode != 200 {
				r.other, r.lastErr = r.other+1, fmt.Errorf("/healthz: %v", err)
			}
			r.healthz = append(r.healthz, time.Since(begin))
			mu.Unlock()
		}
	})
	var asked sync.WaitGroup
	begin := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	inTime := 0
	for sent := 0; ; {
		<-tick.C
		since := time.Since(begin)
		if since >= d {
			break
		}
		for ; float64(sent) < since.Seconds()*rate; sent++ {
			asked.Go(func() {
				begin := time.Now()
				status, _, err := c.ask()
				took := time.Since(begin)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					r.other, r.lastErr = r.other+1, err
				case status == 200:
					r.served = append(r.served, took)
					select {
					case <-stop:
					default:
						inTime++
					}
				default:
					r.refused++
				}
			})
		}
	}
	mu.Lock()
	r.perSecond = float64(inTime) / d.Seconds()
	close(stop)
	mu.Unlock()
	asked.Wait() // the queue empties before the next spell
	wg.Wait()
	r.p50, r.p99, r.health99 = quantile(r.served, 0.5), quantile(r.served, 0.99), quantile(r.healthz, 0.99)
	return r
}

// Offered half, once, twice and five times what it can do, imgd goes on doing what
// it can and refuses the rest at once; who is served waits no longer than for a
// full queue, and /healthz answers throughout. Spells of all loads alternate, and
// of each the middle one counts, since the machine may have other things to do.
func TestFaultOverload(t *testing.T) {
	c := newCrush(t)
	loads := []float64{0.5, 1, 2, 5}
	rounds, d := few(1, 5), time.Duration(few(1, 4))*time.Second
	c.capacity(d / 2)              // imgd learns how long a picture takes
	idle := c.spell(0, d).health99 // what the machine's other work costs
	strict := allFaults && idle < 10*time.Millisecond
	if allFaults && !strict {
		t.Logf("/healthz takes %v with nothing to do: the machine has other work, so only order and ceilings ten times as high are looked at", idle)
	}
	spells := map[float64][]*counts{}
	for range rounds {
		rate := c.capacity(d)
		for _, load := range loads {
			r := c.spell(load*rate, d)
			if r.other > 0 {
				t.Errorf("at %v times capacity: %d answers were neither a picture nor 503, the last: %v", load, r.other, r.lastErr)
			}
			r.goodput = r.perSecond / rate
			spells[load] = append(spells[load], r)
		}
	}
	middle := func(load float64, of func(*counts) float64) float64 {
		var v []float64
		for _, r := range spells[load] {
			v = append(v, of(r))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	best := 0.0
	for _, load := range loads {
		best = max(best, middle(load, func(r *counts) float64 { return r.goodput }))
	}
	t.Logf("%8s %10s %9s %9s %9s %9s %12s", "load", "offered/s", "goodput", "refused", "p50", "p99", "healthz p99")
	for _, load := range loads {
		goodput := middle(load, func(r *counts) float64 { return r.goodput })
		offered := middle(load, func(r *counts) float64 { return r.offered })
		refused := middle(load, func(r *counts) float64 { return float64(r.refused) / float64(r.refused+len(r.served)) })
		p50 := time.Duration(middle(load, func(r *counts) float64 { return float64(r.p50) }))
		p99 := time.Duration(middle(load, func(r *counts) float64 { return float64(r.p99) }))
		health := time.Duration(middle(load, func(r *counts) float64 { return float64(r.health99) }))
		t.Logf("%7.1fx %10.1f %8.0f%% %8.0f%% %9v %9v %12v", load, offered, 100*goodput, 100*refused,
			p50.Round(time.Millisecond), p99.Round(time.Millisecond), health.Round(100*time.Microsecond))
		// How long a full queue, the pictures in hand and the one asked for take, at
		// the rate of just that spell.
		bound := middle(load, func(r *counts) float64 {
			return r.p99.Seconds() / (float64(c.queue+3) / max(r.perSecond, 1))
		})
		least, slack := 0.9, 2.0
		if !strict {
			least, slack = 0.1, 20
		}
		// More than is offered can't be served.
		if load >= 1 && goodput < least*min(best, load) {
			t.Errorf("at %v times capacity %.0f %% of the best %.0f %% are served", load, 100*goodput, 100*best)
		}
		// A machine that was busy with something else when the capacity was measured can
		// take more.
		if (load >= 5 || strict && load >= 2) && refused == 0 {
			t.Errorf("at %v times capacity nobody is refused", load)
		}
		if bound > slack && p99 > 200*time.Millisecond {
			t.Errorf("at %v times capacity p99 is %v, %.1f times as long as a full queue takes", load, p99, bound)
		}
		limit := 50 * time.Millisecond
		if !strict {
			limit = 500*time.Millisecond + 10*idle
		}
		if health > limit {
			t.Errorf("at %v times capacity /healthz takes %v, over %v", load, health, limit)
		}
		reportFault(t, faultRow{
			fault: fmt.Sprintf("%v times the load it can take", load), times: rounds, lostDaemon: -1,
			served: int(middle(load, func(r *counts) float64 { return float64(len(r.served)) })) * rounds,
		})
	}
}

// A crowd five times as large as the queue arrives at once. Who comes again after
// Retry-After, give or take a quarter, gets in at the third try at the latest, in
// 95 of 100 cases.
func TestFaultRetryAfterIsKept(t *testing.T) {
	c := newCrush(t)
	c.capacity(time.Second)
	var mu sync.Mutex
	tries := map[int]int{}
	n := (c.queue + 2) * few(2, 5)
	each(n, n, func(i int) {
		for try := 1; ; try++ {
			status, wait, err := c.ask()
			if err != nil {
				t.Error(err)
				return
			}
			if status == 200 {
				mu.Lock()
				defer mu.Unlock()
				tries[try]++
				return
			}
			<-time.After(wait + time.Duration(rand.Int64N(int64(wait)/4)))
		}
	})
	t.Logf("%d clients by the try at which they got in: %v", n, tries)
	if early := tries[1] + tries[2] + tries[3]; early*100 < 95*n {
		t.Errorf("%d of %d clients got in within 3 tries", early, n)
	}
}
