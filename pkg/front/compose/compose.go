// Package compose has pictures worked on by grayd and scaled: it calls a daemon
// with two open files, calls another when a worker died, puts gray before scale,
// and believes nothing it is told that it can check.
//
// It computes nothing of pictures: sizes and formats are copied from one daemon's
// answer into the request to the next.
package compose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Input is a complete regular file. Reader returns a new open file description of
// it, at its start, which the caller closes.
type Input interface {
	Reader() (*os.File, error)
}

// File is a regular file for a result, empty at first.
type File interface {
	Input
	// Writer gives the right to write away: the one open file description that has
	// it, which the caller closes. It is called once.
	Writer() (*os.File, error)
	Own() *os.File // after Writer: its own description for reading; not to be closed
	Size() (int64, error)
	Close()
}

// Config says where the daemons are and what they may be asked.
type Config struct {
	Gray, Scale []string      // addresses: unix:/path, /path, tcp:host:port
	Timeout     time.Duration // for the work on one picture
	MaxPixels   int64
	Patience    time.Duration          // how long a daemon is looked for; 0: 5 s
	Temp        func() (File, error)   // makes an empty file
	Died        func(kind, why string) // told of each death of a worker; may be nil
}

// Composer calls daemons.
type Composer struct {
	c           Config
	gray, scale *pool
}

// New checks the addresses. Its error is of kind Usage.
func New(c Config) (*Composer, error) {
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	if c.Died == nil {
		c.Died = func(string, string) {}
	}
	gray, err := newPool("grayd", c.Gray)
	if err != nil {
		return nil, err
	}
	scale, err := newPool("scaled", c.Scale)
	if err != nil {
		return nil, err
	}
	return &Composer{c: c, gray: gray, scale: scale}, nil
}

// Result is a finished picture.
type Result struct {
	Type          string // of a picture
	Width, Height int
	Size          int64 // bytes
	Note          string
	File          File // which nobody writes any more; the caller closes it
}

// isPicture reports whether a daemon may answer with that media type. A worker
// that was taken over must not make a web page of a picture.
func isPicture(mediaType string) bool {
	switch mediaType {
	case "image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/webp",
		"image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap",
		"image/x-portable-anymap", "image/x-portable-arbitrarymap":
		return true
	}
	return false
}

// Deaths counts the workers that a picture has killed, or that ran out of time at
// it (timeout), this one included, and returns how many there were.
type Deaths func(timeout bool) (int, error)

// MaxDeaths is how many there may be.
const MaxDeaths = 2

// Run does o to the picture in. Errors are of the kinds that daemons answer, of
// kind Busy when none can be reached or all say so, of kind Internal when the
// picture has killed MaxDeaths workers, or ctx's when that has ended. Ending ctx
// stops the worker.
func (c *Composer) Run(ctx context.Context, o ops.Ops, in Input, deaths Deaths) (Result, error) {
	if o.Gray == "" {
		return c.result(c.call(ctx, c.scale, c.scaleRequest(o, o.Scale), in, deaths))
	}
	gray := wire.Request{Verb: "gray", Len: -1}
	if o.Gray != ops.Lumas[0] {
		gray.Words = append(gray.Words, ops.Word{Key: "luma", Value: o.Gray})
	}
	if o.Scale == "" {
		gray.Words = append(gray.Words, pick(o, "format", "quality")...)
		gray.Words = append(gray.Words, c.limits()...)
		return c.result(c.call(ctx, c.gray, gray, in, deaths))
	}
	gray.Words = append(gray.Words, ops.Word{Key: "for", Value: o.Scale})
	gray.Words = append(gray.Words, pick(o, "kernel", "fine", "linear", "format")...)
	gray.Words = append(gray.Words, c.limits()...)
	reply, mid, err := c.call(ctx, c.gray, gray, in, deaths)
	if err != nil {
		return Result{}, err
	}
	defer mid.Close()
	goal := reply.Get("goal")
	if goal == "" || reply.Get("as") == "" {
		return Result{}, fault.New(fault.Internal, "grayd did not say goal= and as=")
	}
	o.Format = reply.Get("as")
	scale := c.scaleRequest(o, goal+"!")
	for _, w := range [][2]string{{"full", "of"}, {"reduced", "reduced"}} {
		if v := reply.Get(w[0]); v != "" {
			scale.Words = append(scale.Words, ops.Word{Key: w[1], Value: v})
		}
	}
	r, err := c.result(c.call(ctx, c.scale, scale, mid, deaths))
	if r.Note == "" {
		r.Note = reply.Get("note")
	}
	return r, err
}

func (c *Composer) scaleRequest(o ops.Ops, geometry string) wire.Request {
	words := pick(o, "kernel", "fine", "linear", "format", "quality")
	return wire.Request{Verb: "scale", Geometry: geometry, Words: append(words, c.limits()...), Len: -1}
}

// limits are the words that only lower what the daemon itself allows.
func (c *Composer) limits() []ops.Word {
	return []ops.Word{
		{Key: "maxpixels", Value: strconv.FormatInt(c.c.MaxPixels, 10)},
		{Key: "timeout", Value: c.c.Timeout.String()},
	}
}

// pick returns those words of o that are among keys.
func pick(o ops.Ops, keys ...string) []ops.Word {
	return slices.DeleteFunc(o.Words(), func(w ops.Word) bool { return !slices.Contains(keys, w.Key) })
}

// result reads what the last daemon said of the picture.
func (c *Composer) result(reply wire.Reply, out File, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	r := Result{Type: reply.Get("type"), Size: reply.Len, Note: reply.Get("note"), File: out}
	r.Width, _ = strconv.Atoi(reply.Get("width"))
	r.Height, _ = strconv.Atoi(reply.Get("height"))
	if r.Width < 1 || r.Height < 1 || r.Size < 1 {
		out.Close()
		return Result{}, fault.New(fault.Internal, "a daemon answered with a picture of %d × %d pixels and %d bytes", r.Width, r.Height, r.Size)
	}
	return r, nil
}

// away says that a daemon was not there, or had no room, or went away before it
// could have begun: nothing that the picture is to blame for.
type away struct{ err error }

func (a *away) Error() string { return a.err.Error() }
func (a *away) Unwrap() error { return a.err }

// death says that a worker died of the picture, lied, or ran out of time.
type death struct {
	err     error
	timeout bool
}

func (d *death) Error() string { return d.err.Error() }
func (d *death) Unwrap() error { return d.err }

// call has one daemon of a pool do req to in, and returns its answer and the
// file it filled, which the caller closes. After a death it tries once
// more, with a new file; while all are away it goes on for c.Patience.
func (c *Composer) call(ctx context.Context, p *pool, req wire.Request, in Input, deaths Deaths) (wire.Reply, File, error) {
	start := time.Now()
	var wait backoff
	for {
		reply, out, err := c.try(ctx, p, req, in)
		if err == nil {
			return reply, out, nil
		}
		if ctx.Err() != nil {
			return wire.Reply{}, nil, ctx.Err()
		}
		if d, ok := errors.AsType[*death](err); ok {
			c.c.Died(p.name, d.Error())
			n, err := deaths(d.timeout)
			switch {
			case err != nil:
				return wire.Reply{}, nil, err
			case n >= MaxDeaths && d.timeout:
				return wire.Reply{}, nil, fault.As(fault.Timeout, d.err)
			case n >= MaxDeaths:
				return wire.Reply{}, nil, fault.New(fault.Internal, "%d workers died of this picture; the last: %w", n, d.err)
			}
			continue
		}
		if _, ok := errors.AsType[*away](err); !ok {
			return wire.Reply{}, nil, err
		}
		if time.Since(start) > c.c.Patience {
			return wire.Reply{}, nil, fault.New(fault.Busy, "no %s: %w", p.name, err)
		}
		if err := wait.sleep(ctx); err != nil {
			return wire.Reply{}, nil, err
		}
	}
}

// try calls one daemon once.
func (c *Composer) try(ctx context.Context, p *pool, req wire.Request, in Input) (reply wire.Reply, out File, err error) {
	conn, stream, err := p.dial(ctx)
	if err != nil {
		return wire.Reply{}, nil, &away{err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // cancels the work
	defer stop()
	// The daemon itself keeps the time of the work. This ends only what hangs:
	// queued behind other fronts' pictures, or a daemon that was stopped.
	conn.SetDeadline(time.Now().Add(4*c.c.Timeout + 10*time.Second))

	out, err = c.c.Temp()
	if err != nil {
		return wire.Reply{}, nil, err
	}
	defer func() {
		if err != nil {
			out.Close()
			out = nil
		}
	}()
	begun := time.Now()
	if stream {
		reply, err = callStream(conn, req, in, out)
	} else {
		reply, err = callFiles(conn, req, in, out)
	}
	if d, ok := errors.AsType[*death](err); ok && !d.timeout && time.Since(begun) >= c.c.Timeout {
		// Killed by its supervisor, most likely, and that is why.
		d.timeout, d.err = true, fmt.Errorf("%s took longer than %v (-t)", req.Verb, c.c.Timeout)
	}
	if d, ok := errors.AsType[*death](err); ok && stream && !d.timeout && emptyBalancer(ctx, conn.(*net.TCPConn).RemoteAddr()) {
		err = &away{errors.New("the balancer has nobody to give it to")}
	}
	if err == nil {
		err = check(reply, out)
	}
	return reply, out, err
}
