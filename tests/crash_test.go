package tests

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/jobid"
)

// imgd is killed at any moment, again and again, while clients hand in jobs:
// every id that was handed out is done after a restart, and is right.
func TestKilledImgdLosesNoJob(t *testing.T) {
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	dir := t.TempDir()
	type job struct {
		id   string
		want []byte
	}
	type kind struct {
		picture, want []byte
		query         string
	}
	var kinds []kind
	for i, q := range []struct{ query, filter string }{{"gray", "gray"}, {"scale=1/3", "scale 1/3"}, {"gray&format=pam", "gray -f pam"}} {
		name := fmt.Sprintf("p%d.jpg", i)
		save(t, dir, name, photo(500+i, 400, uint64(i)))
		kinds = append(kinds, kind{read(t, filepath.Join(dir, name)), must(t, dir, q.filter+" < "+name), q.query})
	}
	var mu sync.Mutex
	var acked []job
	for round := range 8 {
		s := restartImgd(t, run, spool)
		ctx, cancel := context.WithCancel(t.Context())
		// The moment to kill is random: after up to a third of a second of uploads.
		time.AfterFunc(time.Duration(10+rand.IntN(330))*time.Millisecond, cancel)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					k := kinds[rand.IntN(len(kinds))]
					method, path, id := "POST", "/jobs?"+k.query, ""
					if rand.IntN(2) == 0 {
						id = jobid.New()
						method, path = "PUT", "/jobs/"+id+"?"+k.query
					}
					resp, b, err := s.do(method, path, bytes.NewReader(k.picture))
					if err != nil {
						continue // the kill came first: no id was handed out
					}
					got := strings.TrimSpace(string(b))
					if resp.StatusCode != http.StatusAccepted || !idPattern.MatchString(got) || id != "" && got != id {
						t.Errorf("%s %s: %s %q", method, path, resp.Status, b)
						return
					}
					mu.Lock()
					acked = append(acked, job{got, k.want})
					mu.Unlock()
				}
			})
		}
		<-ctx.Done()
		s.kill()
		wg.Wait()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(acked) < 20 {
		t.Fatalf("only %d jobs were accepted in all", len(acked))
	}
	s := restartImgd(t, run, spool)
	each(len(acked), 8, func(i int) {
		resp, b, err := s.do("GET", "/jobs/"+acked[i].id+"/image?wait=60", nil)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("job %s was handed out and is lost: %v %.200q", acked[i].id, err, b)
		} else if !bytes.Equal(b, acked[i].want) {
			t.Errorf("job %s is done with another picture of %d bytes", acked[i].id, len(b))
		}
	})
	t.Logf("%d jobs handed out over 8 kills, all done", len(acked))
}

// TERM drains: what is in hand is finished, what waits is kept for the next start.
func TestTermKeepsJobs(t *testing.T) {
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	s := restartImgd(t, run, spool, "-n", "1")
	picture := read(t, save(t, t.TempDir(), "p.jpg", photo(1200, 900, 3)))
	body, ctype := form(t, 40, picture)
	_, b := s.want(t, 202, "POST", "/jobs?scale=1/2&fine", body, "Content-Type", ctype)
	ids := strings.Fields(string(b))
	s.stop(t)
	if s.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("TERM: %v", s.cmd.ProcessState)
	}
	s = restartImgd(t, run, spool, "-n", "2")
	each(len(ids), 8, func(i int) {
		if resp, b, err := s.do("GET", "/jobs/"+ids[i]+"/image?wait=60", nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("job %s after TERM and a start: %v %.200q", ids[i], err, b)
		}
	})
}

// Two imgd share one spool: when the one that took a job is killed, the other
// finishes it.
func TestOtherImgdTakesOver(t *testing.T) {
	spool := filepath.Join(t.TempDir(), "spool")
	a := restartImgd(t, runDir(t), spool, "-n", "1")
	b := restartImgd(t, runDir(t), spool, "-n", "1")
	picture := read(t, save(t, t.TempDir(), "p.jpg", photo(1200, 900, 3)))
	body, ctype := form(t, 30, picture)
	_, out := a.want(t, 202, "POST", "/jobs?scale=1/2&fine", body, "Content-Type", ctype)
	ids := strings.Fields(string(out))
	if len(ids) != 30 {
		t.Fatalf("%d ids of 30", len(ids))
	}
	a.kill()
	each(len(ids), 8, func(i int) {
		if resp, body, err := b.do("GET", "/jobs/"+ids[i]+"/image?wait=60", nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("job %s of a killed imgd: %v %.200q", ids[i], err, body)
		}
	})
}
