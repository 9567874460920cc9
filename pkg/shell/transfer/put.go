package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/backoff"
	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/progress"
)

// uploads is the number of pictures that are sent at the same time.
const uploads = 4

// PutConfig is what imgput's command line says, beside the server.
type PutConfig struct {
	Files  []string // operands; none is standard input
	Words  []ops.Word
	Quiet  bool          // no closing line, and no progress
	List   *history.List // the user's jobs; nil is none
	Stdout io.Writer     // takes the ids, one a line; of several sizes ID/2 and so on, too
	Stderr io.Writer
}

// sender is one run of Put. Each file has a goroutine, at most uploads of them at
// once, and they take their turns in the order of the files: the file whose turn
// it is is the head.
type sender struct {
	PutConfig
	client *client.Client
	report cli.Report

	mu       sync.Mutex
	moved    sync.Cond
	head     int
	accepted map[int]*accepted // by file, until it is settled
	refused  bool              // the server takes no more: only the head is sent
	toldWait bool              // that the server is waited for was said, or is shown
	progress time.Time         // when the server last took a picture; -w counts from here
	away     error
	firstErr error
	sent     int // files that the server has

	start time.Time
	all   int64        // bytes of the files, as far as that is known before
	done  atomic.Int64 // bytes that the server was sent
}

// accepted is a job that the server has and whose id is not printed yet.
type accepted struct {
	id       string
	deleting bool // a DELETE was sent; whether it was carried out may be unknown
	deleted  bool
}

// Put sends the files and writes their ids, in order, each as soon as all before
// it are settled. A file that fails is named on stderr, and the others go on.
func Put(c *client.Client, cfg PutConfig) error {
	if len(cfg.Files) == 0 {
		cfg.Files = []string{"-"}
	}
	s := &sender{PutConfig: cfg, client: c, accepted: map[int]*accepted{}, progress: time.Now(), start: time.Now()}
	s.moved.L = &s.mu
	if line := progress.Start(cfg.Stderr, cfg.Quiet, s.line); line != nil {
		defer line.Stop()
		s.toldWait = true
		all := total(cfg.Files)
		s.mu.Lock()
		s.all = all
		s.mu.Unlock()
		s.Stdout, s.Stderr = line.Over(cfg.Stdout), line.Over(cfg.Stderr)
	}
	s.report = cli.Report{Command: "imgput", Stderr: s.Stderr}
	slots := make(chan struct{}, uploads)
	var wg sync.WaitGroup
	for i, file := range cfg.Files {
		slots <- struct{}{}
		if s.serverAway() != nil {
			break
		}
		wg.Go(func() {
			results, err := s.send(i, file)
			s.settle(i, file, results, err)
			<-slots
		})
	}
	wg.Wait()
	return s.result()
}

// send sends file i until the server has it, and returns what names its results, the id
// of its job first, when it is the head.
func (s *sender) send(i int, file string) (results []string, err error) {
	in, err := input.Open(file, isPicture)
	if err == nil && in.Cut {
		in.Close()
		err = fault.New(fault.Format, "no picture known here; %s are read", format.ReadTitles())
	}
	if err != nil {
		s.await(i)
		return nil, err
	}
	defer in.Close()
	words := s.Words
	if in.Base != "" {
		words = append(words[:len(words):len(words)], ops.Word{Key: "name", Value: in.Base})
	}
	ctx := context.Background()
	query := client.Query(words)
	picture := io.NewSectionReader(&counted{ReaderAt: in, done: &s.done}, 0, in.Size)
	s.admit(i)
	id := jobid.New()
	for tries := 0; ; tries++ {
		results, err := s.client.Put(ctx, s.since(), id, query, picture)
		if err == nil {
			deleted, err := s.keep(ctx, i, id)
			if !deleted {
				return results, err
			}
			id, tries = jobid.New(), 0 // an id is used once
			continue
		}
		s.refuse(client.Repeatable(err))
		at := time.Now()
		s.await(i)
		since := s.since()
		if client.Repeatable(err) && since.After(at) {
			tries = -1
			continue // the server took another picture since
		}
		if client.Full(err) {
			s.makeRoom(ctx)
		}
		pause, failed := s.client.Delay(since, tries, err)
		if failed != nil {
			return nil, failed
		}
		s.waiting(since, pause, err)
		if err := backoff.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// longWait is a wait for the server that a person wants to be told of.
const longWait = 2 * time.Second

// waiting reports, once in a run and where no progress is shown, that the server has taken
// nothing since a time and that it will be asked again after a pause, for which reason.
func (s *sender) waiting(since time.Time, pause time.Duration, reason error) {
	s.mu.Lock()
	say := !s.toldWait && !s.Quiet && time.Since(since)+pause >= longWait
	s.toldWait = s.toldWait || say
	s.mu.Unlock()
	if say {
		s.report.Line(fmt.Sprintf("waiting, then sending again: %v (-w TIME limits the wait)", reason))
	}
}

// await returns when file i is the head.
func (s *sender) await(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.head != i {
		s.moved.Wait()
	}
}

// admit returns when file i may be sent for the first time: at once, unless the
// server refuses.
func (s *sender) admit(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.refused && s.head != i {
		s.moved.Wait()
	}
}

func (s *sender) refuse(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = s.refused || yes
}

func (s *sender) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress
}

// keep records that the server has file i as job id, and returns when i is the
// head. deleted reports that makeRoom deleted the job in the meantime.
func (s *sender) keep(ctx context.Context, i int, id string) (deleted bool, err error) {
	s.mu.Lock()
	s.progress = time.Now()
	if s.head == i {
		s.refused = false
	}
	job := &accepted{id: id}
	s.accepted[i] = job
	for s.head != i {
		s.moved.Wait()
	}
	delete(s.accepted, i)
	s.mu.Unlock()
	if !job.deleting || job.deleted {
		return job.deleted, nil
	}
	// The answer to our DELETE was lost: the job may be gone already, or go when
	// the server comes to it. Only a DELETE that is answered settles that.
	since := s.since()
	err = s.client.Retry(ctx, since, func(bool) error { return s.client.Delete(ctx, client.Ref{ID: id}) })
	if err == nil || client.Gone(err) {
		return true, nil
	}
	if client.Repeatable(err) || fault.Of(err).Again() {
		return false, err
	}
	return false, nil // the server doesn't delete: the job is there
}

// makeRoom deletes the jobs behind the head on a full server; their pictures are
// sent again later. Nobody can fetch them and so make room, as their ids are
// printed after the head's: in a spool with room for fewer pictures than we send
// at once the head would wait for ever.
func (s *sender) makeRoom(ctx context.Context) {
	s.mu.Lock()
	var behind []*accepted
	for i, job := range s.accepted {
		if i != s.head && !job.deleted {
			job.deleting = true
			behind = append(behind, job)
		}
	}
	s.mu.Unlock()
	for _, job := range behind {
		err := s.client.Delete(ctx, client.Ref{ID: job.id})
		// keep reads these when its file is the head, not before we return.
		s.mu.Lock()
		switch {
		case err == nil || client.Gone(err):
			job.deleted = true
		case !client.Repeatable(err):
			job.deleting = false
		}
		s.mu.Unlock()
	}
}

// isPicture reports whether in begins as a picture. Whatever else is short enough is sent
// all the same, and the server says what it is.
func isPicture(in io.ReaderAt, size int64) bool {
	head := make([]byte, min(size, 4096))
	n, _ := in.ReadAt(head, 0)
	return format.Begins(head[:n])
}

// settle writes what names the results of the head, or its error, and makes the next file
// the head.
func (s *sender) settle(i int, file string, results []string, err error) {
	if err == nil {
		s.record(results[0], file)
		_, err = fmt.Fprintln(s.Stdout, strings.Join(results, "\n"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.sent++
	case errors.Is(err, client.ErrAway):
		s.away = err
	default:
		err = fmt.Errorf("%s: %w", input.Name(file), err)
		s.firstErr = err
		if len(s.Files) > 1 && s.away == nil {
			s.report.Fail(err)
		}
	}
	s.head = i + 1
	s.moved.Broadcast()
}

// record adds the job of a file to the user's list. An error of that is not reported: the id
// is printed, and that is what counts.
func (s *sender) record(id, file string) {
	if s.List == nil {
		return
	}
	if file == "-" {
		file = ""
	}
	if server, err := s.client.Home(context.Background()); err == nil {
		s.List.Add(history.Job{ID: id, Server: server, Sent: time.Now(), Name: file})
	}
}

// serverAway returns the error of a server that never answered.
func (s *sender) serverAway() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// result returns the error of all files together.
func (s *sender) result() error {
	switch {
	case s.away != nil:
		return s.away
	case s.firstErr == nil:
		return nil
	case len(s.Files) == 1:
		return s.firstErr
	}
	if !s.Quiet {
		failed := s.report.Failed()
		s.report.Line(fmt.Sprintf("%d sent, %d failed", len(s.Files)-failed, failed))
	}
	return s.report.Status()
}
