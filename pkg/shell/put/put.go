// Package put sends many pictures to imgd, several at once, and tells their job
// ids in order: what imgput does.
package put

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/progress"
	"imgtools/pkg/shell/record"
)

// atOnce is how many pictures are on their way at the same time.
const atOnce = 4

// Config is what imgput's command line says, beside the server.
type Config struct {
	Files  []string // operands; none is standard input
	Words  []ops.Word
	Quiet  bool         // no closing line, and no progress
	List   *record.List // the user's jobs; nil is none
	Stdout io.Writer    // takes the ids, one a line
	Stderr io.Writer
}

// sender sends files. Each has a goroutine, at most atOnce; their turns come in
// the order of the files. The one whose turn it is is the head.
type sender struct {
	Config
	client *client.Client

	mu       sync.Mutex
	moved    sync.Cond
	head     int
	acked    map[int]string // sent, after the head: their job ids
	again    map[int]bool   // taken back: to be sent once more
	crowded  bool           // the server refuses: only the head is sent
	progress time.Time      // when the server last took a picture; -w counts from here
	failed   int
	status   int // exit status, if anything failed
	away     error
	firstErr error
	sent     int // files that the server has

	start time.Time
	all   int64        // bytes of the files, as far as that is known before
	done  atomic.Int64 // bytes that the server was sent
}

// Run sends the files and writes their ids, in order, each as soon as all before
// it are settled. A file that fails is told on stderr and the others go on.
func Run(c *client.Client, cfg Config) error {
	if len(cfg.Files) == 0 {
		cfg.Files = []string{"-"}
	}
	s := &sender{Config: cfg, client: c, acked: map[int]string{}, again: map[int]bool{}, status: fault.ExitAgain, progress: time.Now(), start: time.Now()}
	s.moved.L = &s.mu
	if line := progress.Start(cfg.Stderr, cfg.Quiet, s.line); line != nil {
		defer line.Stop()
		all := total(cfg.Files)
		s.mu.Lock()
		s.all = all
		s.mu.Unlock()
		s.Stdout, s.Stderr = line.Over(cfg.Stdout), line.Over(cfg.Stderr)
	}
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, file := range cfg.Files {
		slots <- struct{}{}
		if s.gone() != nil {
			break
		}
		wg.Go(func() {
			id, err := s.send(i, file)
			s.settle(i, file, id, err)
			<-slots
		})
	}
	wg.Wait()
	return s.result()
}

// send sends a file until the server has it, and returns its id when it is the
// head.
func (s *sender) send(i int, file string) (id string, err error) {
	in, err := input.Open(file)
	if err != nil {
		s.await(i)
		return "", err
	}
	defer in.Close()
	words := s.Words
	if in.Base != "" {
		words = append(words[:len(words):len(words)], ops.Word{Key: "name", Value: in.Base})
	}
	ctx := context.Background()
	query := client.Query(words)
	picture := io.NewSectionReader(&counted{ReaderAt: in, done: &s.done}, 0, in.Size)
	s.queue(i)
	id = jobid.New()
	for tries := 0; ; tries++ {
		err := s.client.Put(ctx, s.since(), id, query, picture)
		if err == nil {
			if s.keep(i, id) {
				return id, nil
			}
			// Taken back while it waited for its turn. An id is used once.
			id, tries = jobid.New(), 0
			continue
		}
		s.crowd(client.Repeatable(err))
		refused := time.Now()
		s.await(i)
		since := s.since()
		if client.Repeatable(err) && since.After(refused) {
			tries = -1
			continue // others got through since
		}
		if client.Full(err) {
			s.takeBack(ctx)
		}
		if err := s.client.Pause(ctx, since, tries, err); err != nil {
			return "", err
		}
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

// queue returns when file i may be sent for the first time: at once, unless the
// server refuses.
func (s *sender) queue(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.crowded && s.head != i {
		s.moved.Wait()
	}
}

func (s *sender) crowd(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crowded = s.crowded || yes
}

func (s *sender) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress
}

// keep notes that file i is on the server and waits until it is the head. It
// reports false if the file was taken back in between.
func (s *sender) keep(i int, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = time.Now()
	if s.head == i {
		s.crowded = false
	}
	s.acked[i] = id
	for s.head != i {
		s.moved.Wait()
	}
	delete(s.acked, i)
	again := s.again[i]
	delete(s.again, i)
	return !again
}

// takeBack removes the pictures behind the head from a full server. Nobody knows
// their ids before the head's is told, so nobody could fetch them and make room:
// in a spool with room for fewer pictures than we send at once, the head would
// wait for ever.
func (s *sender) takeBack(ctx context.Context) {
	s.mu.Lock()
	behind := map[int]string{}
	for i, id := range s.acked {
		if i != s.head && !s.again[i] {
			behind[i] = id
		}
	}
	s.mu.Unlock()
	for i, id := range behind {
		if s.client.Delete(ctx, client.Ref{ID: id}) == nil {
			s.mu.Lock()
			s.again[i] = true // it looks when it is the head, so not before we go on
			s.mu.Unlock()
		}
	}
}

// settle tells what became of the head and passes the turn on.
func (s *sender) settle(i int, file, id string, err error) {
	if err == nil {
		s.record(id)
		_, err = fmt.Fprintln(s.Stdout, id)
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
		s.failed++
		s.firstErr = err
		if !fault.Of(err).Again() {
			s.status = fault.ExitFail
		}
		if len(s.Files) > 1 && s.away == nil {
			fmt.Fprintf(s.Stderr, "imgput: %s\n", cli.Line(err.Error()))
		}
	}
	s.head = i + 1
	s.moved.Broadcast()
}

// record adds a job to the user's list. That this can't be done is told to
// nobody: the id is printed, and is what counts.
func (s *sender) record(id string) {
	if s.List == nil {
		return
	}
	if server, err := s.client.Home(context.Background()); err == nil {
		s.List.Add(record.Job{ID: id, Server: server, Sent: time.Now()})
	}
}

// gone returns the error of a server that was never there.
func (s *sender) gone() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// result returns the error of all files together.
func (s *sender) result() error {
	switch {
	case s.away != nil:
		return s.away
	case s.failed == 0:
		return nil
	case len(s.Files) == 1:
		return s.firstErr
	}
	if !s.Quiet {
		fmt.Fprintf(s.Stderr, "imgput: %d sent, %d failed\n", len(s.Files)-s.failed, s.failed)
	}
	return cli.Status(s.status)
}
