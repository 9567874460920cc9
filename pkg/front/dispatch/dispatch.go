// Package dispatch has pictures worked on by grayd and scaled: it calls a daemon
// with two open files, calls another when a worker died, puts gray before scale,
// and believes nothing it is told that it can check.
//
// It computes nothing of pictures: sizes and formats are copied from one daemon's
// answer into the request to the next.
package dispatch

import (
	"os"
	"strconv"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
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

// Dispatcher calls daemons.
type Dispatcher struct {
	c           Config
	gray, scale *pool
}

// New checks the addresses. Its error is of kind Usage.
func New(c Config) (*Dispatcher, error) {
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
	return &Dispatcher{c: c, gray: gray, scale: scale}, nil
}

// Result is a finished picture.
type Result struct {
	Type          string // of a picture
	Width, Height int
	Size          int64 // bytes
	Note          string
	File          File // which nobody writes any more; the caller closes it
}

// Deaths counts the workers that a picture has killed, or that ran out of time at
// it (timeout), this one included, and returns how many there were.
type Deaths func(timeout bool) (int, error)

// result reads what the last daemon said of the picture.
func (c *Dispatcher) result(reply wire.Reply, out File, err error) (Result, error) {
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
