package cost

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// The parent's own memory is not taken for the command's.
func TestPeakIsOfTheCommandAlone(t *testing.T) {
	large := make([]byte, 300<<20)
	for i := 0; i < len(large); i += 4096 {
		large[i] = 1
	}
	small, err := Run(Command{Args: []string{"true"}})
	if err != nil || small.Exit != 0 || small.Peak > 40<<20 {
		t.Errorf("true: %+v, %v", small, err)
	}
	dd, err := Run(Command{Args: []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"}})
	if err != nil || dd.Peak < 100<<20 || dd.Peak > 150<<20 || dd.CPU <= 0 || dd.Wall <= 0 {
		t.Errorf("dd of 100 MiB: %+v, %v", dd, err)
	}
	if large[0] == 0 {
		t.Error("never")
	}
}

func TestHowItEnded(t *testing.T) {
	var out, said bytes.Buffer
	r, err := Run(Command{Args: []string{"sh", "-c", "cat; echo no >&2; exit 7"}, Stdin: strings.NewReader("in"), Out: &out, Err: &said})
	if err != nil || r.Exit != 7 || out.String() != "in" || said.String() != "no\n" || r.TimedUp {
		t.Errorf("%+v %q %q %v", r, &out, &said, err)
	}
	if r, err = Run(Command{Args: []string{"sh", "-c", "kill -9 $$"}}); err != nil || r.Exit != -1 || r.Ended != "signal: killed" || r.TimedUp {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = Run(Command{Args: []string{"sleep", "60"}, Time: 100 * time.Millisecond}); err != nil || !r.TimedUp || r.Wall > 30*time.Second {
		t.Errorf("%+v %v", r, err)
	}
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if err := os.WriteFile(from, []byte("a\nb\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err = Run(Command{Pipe: [][]string{{"cat"}, {"sh", "-c", "tac; exit 3"}, {"cat"}}, From: from, To: to, Core: 1})
	if got, _ := os.ReadFile(to); err != nil || r.Exit != 3 || string(got) != "b\na\n" {
		t.Errorf("a pipe: %+v %q %v", r, got, err)
	}
	if _, err = Run(Command{Args: []string{"/nowhere/to/be/found"}}); err == nil {
		t.Error("a command that is not there ran")
	}
	if r, err = Run(Command{Args: []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"}, Data: 200 << 20}); err != nil || r.Exit == 0 {
		t.Errorf("beyond its limit of memory: %+v %v", r, err)
	}
}
