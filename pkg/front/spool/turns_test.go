package spool

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// backlog makes n jobs of the client many.
func backlog(t *testing.T, s *Spool, n int) {
	t.Helper()
	for range n {
		if _, err := submitAs(s, "many", "", "m", gray); err != nil {
			t.Fatal(err)
		}
	}
}

// nextClients takes n jobs, each finished before the next is taken, and returns their
// clients.
func nextClients(t *testing.T, s *Spool, n int) string {
	t.Helper()
	var names []string
	for range n {
		j := s.Next()
		if j == nil {
			break
		}
		names = append(names, j.Client)
		finish(t, s, j, "out")
	}
	return strings.Join(names, " ")
}

func TestBacklogOfOneClientDoesNotDelayAnother(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	backlog(t, s, 1000)
	if got := nextClients(t, s, 3); got != "many many many" {
		t.Fatalf("one client alone: %s", got)
	}
	submitAs(s, "one", "", "1", gray)
	st, err := s.Status(submit(t, s, "", "of nobody", gray))
	if err != nil || st.Place != 2 {
		t.Errorf("place %d of the third client, want 2", st.Place)
	}
	if got := nextClients(t, s, 4); got != "one  many many" {
		t.Errorf("order: %q", got)
	}
}

func TestTurnsOfClientsWithTwoImgd(t *testing.T) {
	a := open(t, Config{Dir: t.TempDir()})
	b := open(t, Config{Dir: a.dir})
	b.Rescan() // knows what is there
	backlog(t, a, 1000)
	submitAs(a, "one", "", "1", gray)
	if err := b.round(); err != nil {
		t.Fatal(err)
	}
	if got := nextClients(t, b, 2); !strings.Contains(got, "one") {
		t.Errorf("the other imgd began %q", got)
	}
}

func TestTurnsOfClientsAfterARestart(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	backlog(t, s, 1000)
	submitAs(s, "one", "", "1", gray)
	s = open(t, Config{Dir: s.dir})
	if got := nextClients(t, s, 2); got != "many one" {
		t.Errorf("order: %q", got)
	}
}

// While jobs of a client are at work, another's are next.
func TestClientWithJobsAtWorkWaits(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	backlog(t, s, 10)
	for range 3 {
		submitAs(s, "few", "", "f", gray)
	}
	var held []*Job
	order := ""
	for range 6 {
		j := s.Next()
		order += j.Client[:1]
		held = append(held, j)
	}
	if order != "mfmfmf" {
		t.Errorf("order: %s", order)
	}
	for _, j := range held {
		j.Release(0)
	}
	if len(s.clients) != 2 || !s.clients["many"].turn.Idle() || !s.clients["few"].turn.Idle() {
		t.Error("a client has jobs at work after all were released")
	}
}

// Records without a client are those of one client without a name.
func TestRecordsWithoutAClient(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	for range 5 {
		id, err := submitAs(s, "old", "", "o", gray)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(s.job(id, "job"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.job(id, "job"), []byte(strings.Replace(string(b), "client: old\n", "", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, Config{Dir: s.dir})
	submitAs(s, "new", "", "n", gray)
	if got := nextClients(t, s, 6); got != " new    " {
		t.Errorf("order: %q", got)
	}
	if len(s.clients) != 0 || len(s.turns) != 0 {
		t.Errorf("%d clients are left", len(s.clients))
	}
}

// checkTurns compares the waiting jobs with what they are made from.
func (s *Spool) checkTurns() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := 0
	for i, c := range s.turns {
		if len(c.jobs) == 0 || s.clients[c.name] != c {
			return fmt.Errorf("client %q is listed with %d jobs", c.name, len(c.jobs))
		}
		if i > 0 && nextTurn(s.turns[i-1], c) >= 0 {
			return fmt.Errorf("turn %d is not after the one before", i)
		}
		for k, e := range c.jobs {
			if e.client != c.name || s.jobs[e.id] != e || e.running || e.state != Pending || k > 0 && older(c.jobs[k-1], e) >= 0 {
				return fmt.Errorf("job %d of client %q is wrong: %+v", k, c.name, e)
			}
		}
		listed += len(c.jobs)
	}
	if listed != s.waitingJobs() {
		return fmt.Errorf("%d jobs are listed, %d wait", listed, s.waitingJobs())
	}
	for name, c := range s.clients {
		if len(c.jobs) == 0 && c.turn.Idle() {
			return fmt.Errorf("client %q has nothing here", name)
		}
	}
	return nil
}
