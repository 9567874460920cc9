package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
)

// questions is the number of jobs that are asked about, or deleted, at the same
// time.
const questions = 8

// Patience is how long imgls and imgrm repeat a request to a server that is busy
// or lost.
const Patience = 10 * time.Second

// JobsConfig is what the command line of imgls or imgrm says, beside the server.
type JobsConfig struct {
	Command string        // its name, for messages
	IDs     []string      // operands: job ids or URLs; "-" or none: from Stdin, one a line
	List    *history.List // the user's jobs: those that are gone are removed from it
	State   string        // of imgls: show jobs in this state only; "" is all
	Long    bool          // of imgls: more columns
	JSON    bool          // of imgls: what the server says, as JSON
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// inquiry is one run of List, ListMine or Remove.
type inquiry struct {
	JobsConfig
	client *client.Client
	report cli.Report
	gone   map[string]bool // ids that the server doesn't have any more
}

// answer is what the server said of one job.
type answer struct {
	ref client.Ref
	client.Status
	err error
}

func newInquiry(c *client.Client, cfg JobsConfig) *inquiry {
	return &inquiry{JobsConfig: cfg, client: c, report: cli.Report{Command: cfg.Command, Stderr: cfg.Stderr}, gone: map[string]bool{}}
}

func (q *inquiry) ids() jobIDs { return jobIDs{q.IDs, q.Stdin} }

// List writes a line for each job (jobs_line.go).
func List(c *client.Client, cfg JobsConfig) error {
	q := newInquiry(c, cfg)
	return q.run(q.ids().each, q.state, func(a answer) error {
		if a.err != nil {
			return q.fail(a)
		}
		return q.print(a)
	})
}

// ListMine is List for the jobs that the user sent to this server, oldest first.
// Jobs that are gone are left out.
func ListMine(c *client.Client, cfg JobsConfig) error {
	server, err := c.Home(context.Background())
	if err != nil {
		return err
	}
	sent, err := cfg.List.Jobs(server)
	if err != nil {
		return err
	}
	q := newInquiry(c, cfg)
	source := func(f func(string) bool) error {
		for _, j := range sent {
			if !f(j.ID) {
				break
			}
		}
		return nil
	}
	return q.run(source, q.state, func(a answer) error {
		switch {
		case client.Gone(a.err):
			q.gone[a.ref.ID] = true
			return nil
		case a.err != nil:
			return q.fail(a)
		}
		return q.print(a)
	})
}

// Remove deletes jobs, each once and as a whole, also when one of several sizes is named:
// one that is waiting or running is cancelled, and all results are removed.
func Remove(c *client.Client, cfg JobsConfig) error {
	q := newInquiry(c, cfg)
	seen := map[string]bool{}
	source := func(f func(string) bool) error {
		return q.ids().each(func(s string) bool {
			key := s
			if ref, err := client.ParseRef(s); err == nil {
				key = ref.Job()
			}
			if seen[key] {
				return true
			}
			seen[key] = true
			return f(s)
		})
	}
	return q.run(source, q.remove, func(a answer) error {
		if a.ref.Own() && (a.err == nil || client.Gone(a.err)) {
			q.gone[a.ref.ID] = true
		}
		if a.err != nil {
			return q.fail(a)
		}
		return nil
	})
}

// run calls ask for each id that source gives, several at the same time, and use
// with each answer in the order of the ids. An error of use ends the run.
func (q *inquiry) run(source func(func(string) bool) error, ask func(client.Ref) answer, use func(answer) error) error {
	if err := q.ids().check(); err != nil {
		return err
	}
	defer q.prune()
	answers := make(chan chan answer, questions-1) // beside the one that is waited for
	stop := make(chan struct{})
	defer close(stop)
	read := make(chan error, 1)
	// In a goroutine, which may still wait for a line of standard input when the
	// run ends.
	go func() {
		defer close(answers)
		read <- source(func(s string) bool {
			one := make(chan answer, 1)
			select {
			case answers <- one:
			case <-stop:
				return false
			}
			go func() {
				ref, err := client.ParseRef(s)
				if err != nil {
					one <- answer{err: err}
					return
				}
				one <- ask(ref)
			}()
			return true
		})
	}()
	for one := range answers {
		if err := use(<-one); err != nil {
			return err
		}
	}
	if err := <-read; err != nil {
		return err
	}
	return q.report.Status()
}

func (q *inquiry) state(ref client.Ref) answer {
	a := answer{ref: ref}
	ctx := context.Background()
	a.err = q.client.Retry(ctx, ref.Since, func(bool) (err error) {
		a.Status, err = q.client.Status(ctx, ref)
		return err
	})
	if all := max(1, len(a.Outs)); a.err == nil && a.State == "done" && ref.N > all {
		a.err = fault.New(fault.NotFound, "no result %d of %d", ref.N, all)
	}
	if a.err == nil && ref.N <= len(a.Outs) {
		a.Out = a.Outs[ref.N-1]
	}
	return a
}

func (q *inquiry) remove(ref client.Ref) answer {
	ctx := context.Background()
	return answer{ref: ref, err: q.client.Retry(ctx, ref.Since, func(again bool) error {
		err := q.client.Delete(ctx, ref)
		if again && client.Gone(err) {
			return nil // the first request deleted it, and its answer was lost
		}
		return err
	})}
}

// fail reports a job that could not be asked about or deleted. It returns the
// error if no other job of this server can be reached either.
func (q *inquiry) fail(a answer) error {
	if errors.Is(a.err, client.ErrAway) && a.ref.Own() {
		return a.err
	}
	err := a.err
	if a.ref.ID != "" {
		err = fmt.Errorf("%s: %w", a.ref.Short(), err)
	}
	q.report.Fail(err)
	return nil
}

// prune removes from the user's list the jobs that are gone. An error of that is
// not reported: the next imgls finds them gone again.
func (q *inquiry) prune() {
	if len(q.gone) == 0 {
		return
	}
	if server, err := q.client.Home(context.Background()); err == nil {
		q.List.Remove(server, q.gone)
	}
}
