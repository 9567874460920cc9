package journal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("JOURNAL_TEST") != "" {
		fmt.Print(IsStderr())
		return
	}
	os.Exit(m.Run())
}

func TestLines(t *testing.T) {
	for journal, want := range map[bool]string{
		false: "imgd: one\nimgd: two 2\nimgd: more\n",
		true:  "<6>one\n<4>two 2\n<4>more\n",
	} {
		t.Run(fmt.Sprint(journal), func(t *testing.T) {
			var b strings.Builder
			l := New(&b, "imgd", journal)
			l.Info("one")
			l.Warn("two %d\nmore\n", 2)
			if b.String() != want {
				t.Errorf("%q, want %q", &b, want)
			}
		})
	}
}

// The variable alone says nothing: it is inherited by commands whose standard
// error is another.
func TestStandardErrorIsTheJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := fi.Sys().(*syscall.Stat_t)
	for stream, want := range map[string]string{
		fmt.Sprintf("%d:%d", st.Dev, st.Ino):   "true",
		fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): "false",
		"":                                     "false",
	} {
		t.Run(stream, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "JOURNAL_TEST=1", "JOURNAL_STREAM="+stream)
			cmd.Stderr = f
			if out, err := cmd.Output(); err != nil || string(out) != want {
				t.Errorf("%s, %v; want %s", out, err, want)
			}
		})
	}
}
