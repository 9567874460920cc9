// Package history keeps the list of a user's jobs. imgput adds to it, imgls reads it,
// and imgls and imgrm remove jobs that are gone.
//
// It is a text file with a line for each job, oldest first:
//
//	ID TAB SERVER TAB SECONDS TAB NAME LF
//
// SERVER is an address as -a takes it, SECONDS count from 1970, and NAME is the picture's;
// older lines end without the last tab and a name. Anyone who knows
// an id may read and delete the picture, so only the user can read the file.
package history

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/filename"
	"imgtools/pkg/shell/system"
)

// Max is the number of jobs in a list. The oldest are dropped.
const Max = 1000

// List is a list of jobs. Its methods may be called at the same time, by several
// processes.
type List struct{ path string }

// Job is a job that was sent.
type Job struct {
	ID     string
	Server string // its address
	Sent   time.Time
	Name   string // the picture's file; its base name is kept; "" is none
}

// errNone is the error of a user without a place for the list.
var errNone = errors.New("no list: neither XDG_STATE_HOME nor HOME is set")

// Open returns the user's list, whose file need not exist:
// $XDG_STATE_HOME/imgput/jobs, by default in ~/.local/state (XDG Base Directory
// Specification 0.8). Without a home there is no file, and every method fails.
func Open() *List {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := os.Getenv("HOME")
		if !filepath.IsAbs(home) {
			return &List{}
		}
		state = filepath.Join(home, ".local/state")
	}
	return &List{filepath.Join(state, "imgput", "jobs")}
}

// Add puts jobs at the end of the list.
func (l *List) Add(jobs ...Job) error {
	return l.change(func(old []Job) []Job { return append(old, jobs...) })
}

// Remove removes the jobs with these ids on one server from the list.
func (l *List) Remove(server string, ids map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	return l.change(func(old []Job) (kept []Job) {
		for _, j := range old {
			if j.Server != server || !ids[j.ID] {
				kept = append(kept, j)
			}
		}
		return kept
	})
}

// Jobs returns the jobs on a server, oldest first.
func (l *List) Jobs(server string) (jobs []Job, err error) {
	if l.path == "" {
		return nil, errNone
	}
	b, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, j := range parse(b) {
		if j.Server == server {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// parse reads the lines of a list and skips those of another form.
func parse(b []byte) (jobs []Job) {
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) == 3 {
			f = append(f, "")
		}
		if len(f) != 4 {
			continue
		}
		seconds, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil || f[0] == "" || f[1] == "" {
			continue
		}
		jobs = append(jobs, Job{f[0], f[1], time.Unix(seconds, 0), f[3]})
	}
	return jobs
}

// change replaces the list by what f returns for it. Other processes that change
// the list wait.
func (l *List) change(f func([]Job) []Job) error {
	if l.path == "" {
		return errNone
	}
	lock, err := l.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	old, err := io.ReadAll(lock)
	if err != nil {
		return err
	}
	jobs := f(parse(old))
	var b bytes.Buffer
	for _, j := range jobs[max(0, len(jobs)-Max):] {
		if !strings.ContainsAny(j.ID+j.Server, "\t\n") { // else parse would skip the line
			fmt.Fprintf(&b, "%s\t%s\t%d", j.ID, j.Server, j.Sent.Unix())
			if name := filename.Clean(j.Name); name != "" {
				b.WriteString("\t" + name)
			}
			b.WriteByte('\n')
		}
	}
	if bytes.HasPrefix(b.Bytes(), old) {
		_, err = lock.Write(b.Bytes()[len(old):]) // the usual case: only lines at the end
		return err
	}
	return l.replace(b.Bytes())
}

// lock opens the list, creating it if need be. Until the file is closed, other
// processes wait in lock.
func (l *List) lock() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, err
	}
	for {
		f, err := system.OpenNoLink(l.path, 0o600)
		if err != nil {
			return nil, err
		}
		if err := system.Lock(f); err != nil {
			f.Close()
			return nil, &os.PathError{Op: "lock", Path: l.path, Err: err}
		}
		mine, err := f.Stat()
		if now, err2 := os.Stat(l.path); err == nil && err2 == nil && os.SameFile(mine, now) {
			return f, nil
		}
		f.Close() // it was replaced while we waited
	}
}

// replace writes the list to a new file and renames that, so that a kill can't leave
// half a list.
func (l *List) replace(b []byte) error {
	tmp := l.path + "." + rand.Text()[:12]
	err := os.WriteFile(tmp, b, 0o600)
	if err == nil {
		err = os.Rename(tmp, l.path)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
