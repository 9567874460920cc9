package tests

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"imgtools/pkg/jobid"
)

// sysCall is one system call of a log of strace -f -y: where in the log it began
// and ended. One that another thread interrupted takes two lines.
type sysCall struct {
	text       string // name and arguments, and its result behind " = "
	begin, end int
}

var (
	straceLine    = regexp.MustCompile(`^(\d+) +(.*)$`)
	straceResumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
)

// parseStrace reads the calls that a log has, in the order in which they began.
func parseStrace(t *testing.T, log string) []sysCall {
	t.Helper()
	var calls []sysCall
	open := map[string]int{} // by thread
	for i, line := range lines(t, log) {
		m := straceLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %d of strace: %q", i+1, line)
		}
		thread, text := m[1], m[2]
		if before, ok := strings.CutSuffix(text, "<unfinished ...>"); ok {
			open[thread] = len(calls)
			calls = append(calls, sysCall{before, i, len(line) << 32})
		} else if r := straceResumed.FindStringSubmatch(text); r != nil {
			c := &calls[open[thread]]
			c.text, c.end = c.text+r[1], i
		} else {
			calls = append(calls, sysCall{text, i, i})
		}
	}
	return calls
}

// The order that makes a job survive a loss of power, read from the log of imgd's
// system calls: each step has ended, well, before the next begins.
func TestFaultDurableBeforeTold(t *testing.T) {
	d := startDaemons(t)
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	log := filepath.Join(t.TempDir(), "log")
	args := []string{"-f", "-y", "-qq", "-s", "100", "-o", log, "-e", "trace=write,fsync,fdatasync,rename,renameat,renameat2,link,linkat",
		filepath.Join(binDir, "imgd"), "-p", "0", "-n", "1", "-spool", spool}
	s := spawn(t, run, "strace", append(args, d.flags()...)...)
	if err := s.attach(t); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "p.png", photo(60, 40, 1)))
	id := jobid.New()
	s.want(t, 202, "PUT", "/jobs/"+id+"?gray", bytes.NewReader(picture))
	s.want(t, 200, "GET", "/jobs/"+id+"/image?wait=60", nil)
	for _, p := range children(s.cmd.Process.Pid) { // strace -o keeps the signal to itself
		syscall.Kill(p.pid, syscall.SIGTERM)
	}
	<-s.gone

	q := regexp.QuoteMeta
	in, job := q(filepath.Join(spool, "incoming", id)), q(filepath.Join(spool, "jobs", id))
	unnamed := q(filepath.Join(spool, "incoming")) + `/#\d+>?\S*\)`
	check := func(what string, calls []sysCall, steps ...string) {
		t.Helper()
		at := -1
		for _, step := range steps {
			re := regexp.MustCompile(step)
			found := false
			for _, c := range calls {
				if c.begin > at && re.MatchString(c.text) {
					at, found = c.end, true
					break
				}
			}
			if !found {
				var all []string
				for _, c := range calls {
					all = append(all, c.text)
				}
				t.Errorf("%s: no %s after what goes before it:\n%s", what, step, strings.Join(all, "\n"))
				return
			}
		}
	}
	calls := parseStrace(t, log)
	check("a job", calls,
		`^fsync\(\d+<`+unnamed+`.* = 0$`,
		`^linkat\(.*"`+in+`/in", .* = 0$`,
		`^fsync\(\d+<`+in+`/job>.* = 0$`,
		`^fsync\(\d+<`+in+`>.* = 0$`,
		`^rename\w*\(.*"`+in+`", .*"`+job+`".* = 0$`,
		`^fsync\(\d+<`+q(filepath.Join(spool, "jobs"))+`>.* = 0$`,
		`^write\(\d+<socket:.*"HTTP/1.1 202 `)
	check("a result", calls,
		`^rename\w*\(.*"`+in+`", .*"`+job+`".* = 0$`,
		`^fsync\(\d+<`+unnamed+`.* = 0$`,
		`^fsync\(\d+<`+job+`/result\.[^>]*>.* = 0$`,
		`^linkat\(.*"`+job+`/out\.[^"]*", .* = 0$`,
		`^linkat\(.*"`+job+`/result\.[^"]*", .*"`+job+`/end".* = 0$`,
		`^linkat\(.*"`+job+`/out\.[^"]*", .*"`+job+`/out".* = 0$`,
		`^fsync\(\d+<`+job+`>.* = 0$`,
		`^write\(\d+<socket:.*"HTTP/1.1 200 OK.*`)
}
