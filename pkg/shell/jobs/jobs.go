// Package jobs asks imgd for the state of many jobs, or takes them back, several
// at once and in order: what imgls and imgrm do.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/record"
)

// atOnce is how many jobs are asked about at the same time.
const atOnce = 8

// Patience is how long a server that is busy or lost is asked again.
const Patience = 10 * time.Second

// Config is what the command line says, beside the server.
type Config struct {
	Command string       // its name, for messages
	IDs     []string     // operands: job ids or URLs; "-" or none: from Stdin, one a line
	List    *record.List // the user's jobs: what is gone is taken out
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// runner is one run.
type runner struct {
	Config
	client *client.Client
	gone   map[string]bool // ids that the server doesn't have any more
	status int             // exit status, if anything failed
}

// answer is what became of one job.
type answer struct {
	ref client.Ref
	client.Status
	err error
}

func newRunner(c *client.Client, cfg Config) *runner {
	return &runner{Config: cfg, client: c, gone: map[string]bool{}}
}

// List writes a line for each job:
//
//	ID  STATE  PLACE  NAME
//
// PLACE is that in the queue, else "-", and so is NAME if there is none; for a
// failed job a colon and the reason follow it.
func List(c *client.Client, cfg Config) error {
	r := newRunner(c, cfg)
	return r.run(r.operands, r.state, func(a answer) error {
		if a.err != nil {
			return r.fail(a)
		}
		return r.print(a)
	})
}

// ListMine is List for the jobs that the user sent to this server, oldest first,
// and passes over what is gone.
func ListMine(c *client.Client, cfg Config) error {
	server, err := c.Home(context.Background())
	if err != nil {
		return err
	}
	sent, err := cfg.List.Jobs(server)
	if err != nil {
		return err
	}
	r := newRunner(c, cfg)
	source := func(f func(string) bool) error {
		for _, j := range sent {
			if !f(j.ID) {
				break
			}
		}
		return nil
	}
	return r.run(source, r.state, func(a answer) error {
		switch {
		case client.Gone(a.err):
			r.gone[a.ref.ID] = true
			return nil
		case a.err != nil:
			return r.fail(a)
		}
		return r.print(a)
	})
}

// Remove takes jobs back, each once: what is waiting or worked on is cancelled,
// and results are removed.
func Remove(c *client.Client, cfg Config) error {
	r := newRunner(c, cfg)
	seen := map[string]bool{}
	source := func(f func(string) bool) error {
		return r.operands(func(s string) bool {
			if seen[s] {
				return true
			}
			seen[s] = true
			return f(s)
		})
	}
	return r.run(source, r.remove, func(a answer) error {
		if a.ref.Own() && (a.err == nil || client.Gone(a.err)) {
			r.gone[a.ref.ID] = true
		}
		if a.err != nil {
			return r.fail(a)
		}
		return nil
	})
}

// errNone is the error of a pipeline whose first command failed.
var errNone = errors.New("no job ids on standard input")

// operands calls f with each operand, or line of standard input.
func (r *runner) operands(f func(string) bool) error {
	any := false
	err := input.IDs(r.IDs, r.Stdin, func(s string) bool { any = true; return f(s) })
	if err == nil && !any {
		return errNone
	}
	return err
}

// run calls ask for each id that source gives, some at the same time, and tell
// with each answer, in the order of the ids. An error of tell ends it.
func (r *runner) run(source func(func(string) bool) error, ask func(client.Ref) answer, tell func(answer) error) error {
	for _, s := range r.IDs { // wrong operands are found before anything is done
		if _, err := client.ParseRef(s); err != nil && s != "-" {
			return err
		}
	}
	defer r.prune()
	answers := make(chan chan answer, atOnce-1) // and the one that is waited for
	stop := make(chan struct{})
	defer close(stop)
	read := make(chan error, 1)
	go func() { // on its own, as it may wait for a line
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
		if err := tell(<-one); err != nil {
			return err
		}
	}
	if err := <-read; err != nil {
		return err
	}
	if r.status != 0 {
		return cli.Status(r.status)
	}
	return nil
}

// patiently calls try until it succeeds or there is no use in it. again tells try
// that it is not the first time.
func (r *runner) patiently(ref client.Ref, try func(again bool) error) error {
	ctx := context.Background()
	for tries := 0; ; tries++ {
		err := try(tries > 0)
		if err == nil {
			return nil
		}
		if err := r.client.Pause(ctx, ref.Since, tries, err); err != nil {
			return err
		}
	}
}

func (r *runner) state(ref client.Ref) answer {
	a := answer{ref: ref}
	a.err = r.patiently(ref, func(bool) (err error) {
		a.Status, err = r.client.Status(context.Background(), ref)
		return err
	})
	return a
}

func (r *runner) remove(ref client.Ref) answer {
	return answer{ref: ref, err: r.patiently(ref, func(again bool) error {
		err := r.client.Delete(context.Background(), ref)
		if again && client.Gone(err) {
			return nil // by us: the answer was lost
		}
		return err
	})}
}

// print writes the line of one job.
func (r *runner) print(a answer) error {
	place, name := "-", a.Name
	if a.Place > 0 {
		place = fmt.Sprint(a.Place)
	}
	if name == "" {
		name = "-"
	}
	if a.Error.Detail != "" {
		name += ": " + a.Error.Detail
	}
	_, err := fmt.Fprintln(r.Stdout, cli.Line(fmt.Sprintf("%s  %-7s  %5s  %s", a.ref.Text, a.State, place, name)))
	return err
}

// fail tells of a job that could not be asked about or removed. It returns the
// error if that is of all the others, too.
func (r *runner) fail(a answer) error {
	if errors.Is(a.err, client.ErrAway) && a.ref.Own() {
		return a.err
	}
	err := a.err
	if a.ref.ID != "" {
		err = fmt.Errorf("%s: %w", a.ref.Short(), err)
	}
	fmt.Fprintf(r.Stderr, "%s: %s\n", r.Command, cli.Line(err.Error()))
	if !fault.Of(err).Again() {
		r.status = fault.ExitFail
	} else if r.status == 0 {
		r.status = fault.ExitAgain
	}
	return nil
}

// prune takes out of the user's list what is gone. That the list can't be written
// is told to nobody: it is asked about again the next time.
func (r *runner) prune() {
	if len(r.gone) == 0 {
		return
	}
	if server, err := r.client.Home(context.Background()); err == nil {
		r.List.Remove(server, r.gone)
	}
}
