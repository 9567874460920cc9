package spool

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// The test binary runs itself as the one that is killed.
const victimEnv = "SPOOL_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		victim(dir)
		return
	}
	os.Exit(m.Run())
}

// victim submits, works on and removes jobs until it is killed, and says on
// stdout what it has acknowledged.
func victim(dir string) {
	s, err := Open(Config{Dir: dir, TTL: time.Hour, Quota: 1 << 30})
	if err != nil {
		panic(err)
	}
	fmt.Println("open")
	body := strings.Repeat("picture ", 1000)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				id, err := trySubmit(s, "", body, []ops.Ops{gray, sized}[rand.N(2)])
				if err != nil {
					panic(err)
				}
				os.Stdout.WriteString("+" + id + "\n")
				if j := s.Next(); j != nil {
					work(s, j)
				}
				if rand.N(4) == 0 {
					if err := s.Remove(id); err == nil {
						os.Stdout.WriteString("-" + id + "\n")
					}
				}
			}
		})
	}
	wg.Wait()
}

func work(s *Spool, j *Job) {
	tmp, err := s.Temp()
	if err != nil {
		panic(err)
	}
	w, err := tmp.Writer()
	if err != nil {
		panic(err)
	}
	n, _ := io.WriteString(w, strings.Repeat("result ", 1000))
	w.Close()
	if rand.N(5) == 0 {
		tmp.Close()
		j.Fail(fault.New(fault.Format, "no picture"))
		return
	}
	r := Result{Output: Output{Type: "image/png", Size: int64(n), Width: 1, Height: 1}}
	if len(j.Ops.Sizes()) == 0 {
		j.Done(tmp, r)
		return
	}
	small, err := crashFile(s, "small")
	if err != nil {
		panic(err)
	}
	r.More = []Output{{Type: "image/png", Size: 5, Width: 1, Height: 1}}
	j.Done(tmp, r, small)
}

// startVictim starts a process that submits and does jobs, and reports each on the
// returned lines.
func startVictim(t *testing.T, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// After a kill at any moment every acknowledged job is done, failed with a
// reason, or pending, and no removed one comes back.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	acknowledged, removed := map[string]bool{}, map[string]bool{}
	for round := range 8 {
		cmd, lines := startVictim(t, dir)
		for n := rand.N(60); ; n-- {
			line, err := lines.ReadString('\n')
			if err != nil { // all that it said before it was killed
				break
			}
			line = strings.TrimSuffix(line, "\n")
			switch line[0] {
			case '+':
				acknowledged[line[1:]] = true
			case '-':
				removed[line[1:]] = true
			}
			if n == 0 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()

		s := open(t, Config{Dir: dir})
		for id := range acknowledged {
			st, err := s.Status(id)
			switch {
			case removed[id]:
				if fault.Of(err) != fault.Gone {
					t.Errorf("round %d: a removed job is back: %+v %v", round, st, err)
				}
			case fault.Of(err) == fault.Gone: // its removal was not yet said
			case err != nil:
				t.Errorf("round %d: %v", round, err)
			case st.State == Done:
				f, err := s.Result(st, 1)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
					continue
				}
				if b, _ := io.ReadAll(f); int64(len(b)) != st.Result.Size || len(b) != 7000 {
					t.Errorf("round %d: a result of %d bytes", round, len(b))
				}
				f.Close()
				if len(st.Meta.Ops.Sizes()) > 0 {
					if all := results(t, s, id); len(all) != 2 || all[1] != "small" {
						t.Errorf("round %d: results %q", round, all)
					}
				}
			case st.State == Failed && st.Failure.Detail == "":
				t.Errorf("round %d: failed without a reason", round)
			}
		}
		for j := s.Next(); j != nil; j = s.Next() {
			work(s, j)
		}
		if u := s.Usage(); u.Pending+u.Running != 0 {
			t.Errorf("round %d: %+v after all was done", round, u)
		}
		if n, _ := readNames(s.path("trash")); len(n) != 0 {
			t.Errorf("round %d: trash %q", round, n)
		}
		s.sweepIncoming(time.Now().Add(2 * staleAfter))
		if n, _ := readNames(s.path("incoming")); len(n) != 0 {
			t.Errorf("round %d: incoming %q", round, n)
		}
	}
	if len(acknowledged) < 60 || len(removed) == 0 {
		t.Errorf("only %d jobs were acknowledged, %d removed", len(acknowledged), len(removed))
	}
}

// Two processes work on one folder; one is killed and the other takes its job over.
func TestLockOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startVictim(t, dir)
	_, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Dir: dir})
	id := submit(t, s, "", "x", gray)
	for range 50 { // both submit and work at once
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line[0] != '+' {
			continue
		}
		s.Rescan()
		if j := s.Next(); j != nil {
			work(s, j)
		}
	}
	cmd.Process.Kill()
	for err == nil {
		_, err = lines.ReadString('\n')
	}
	cmd.Wait()
	now := time.Now().Add(RescanEvery)
	s.now = func() time.Time { return now }
	s.Rescan()
	for j := s.Next(); j != nil; j = s.Next() {
		work(s, j)
	}
	if u := s.Usage(); u.Pending+u.Running != 0 {
		t.Errorf("%+v", u)
	}
	if st, err := s.Status(id); err != nil || st.Pending() {
		t.Errorf("%+v %v", st, err)
	}
}
