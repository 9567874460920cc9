// Package dispatch has pictures processed by the daemons grayd and scaled, and HEIC and
// AVIF decoded by heifd (decode.go). It plans which daemon is asked for what (plan.go),
// passes a daemon the open files of the picture and of its result (pool.go, call.go),
// checks the answer against the file (bounds.go, verify.go), and tries again as the policy
// says (policy.go, retry.go).
//
// One call is a row of attempts:
//
//	dial ----> send ----> reply ----> verify ----> done
//	  |         |           |           |
//	  v         v           v           v
//	 again     again   again, death   death
//	  |         |       or final        |
//	  +---------+-----------+-----------+--> next attempt, or the error
//
// It computes nothing about pictures: sizes and formats are copied from one
// daemon's reply into the request to the next.
package dispatch

import (
	"os"
	"strconv"
	"time"

	"imgtools/pkg/daemon/wire"
)

// Input is a complete regular file. Reader returns a new open file description at
// its start. The caller closes it.
type Input interface {
	Reader() (*os.File, error)
}

// File is a regular file for a result, empty at first.
type File interface {
	Input
	// Writer returns the only open file description that can write. It is called
	// once, and the caller closes it.
	Writer() (*os.File, error)
	Own() *os.File // after Writer: a description for reading, which stays the File's
	Size() (int64, error)
	Close()
}

// Config has the addresses of the daemons and the bounds of their work.
type Config struct {
	Gray, Scale []string      // addresses: unix:/path, /path, tcp:host:port
	HEIF        []string      // of heifd; none: HEIC and AVIF are unsupported
	Timeout     time.Duration // for the work on one picture
	MaxPixels   int64
	MaxResult   int64                    // bytes of a result; 0: what MaxPixels may give
	Patience    time.Duration            // how long daemons that refuse are asked again; 0: 5 s
	Temp        func() (File, error)     // makes an empty file
	Died        func(daemon, why string) // called at each death of a worker; may be nil
}

// Dispatcher calls daemons.
type Dispatcher struct {
	c     Config
	pools map[string]*pool // by the daemon's name
}

// New checks the addresses. Its error is of kind Usage.
func New(c Config) (*Dispatcher, error) {
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if most := maxResult(c.MaxPixels); c.MaxResult <= 0 || c.MaxResult > most {
		c.MaxResult = most
	}
	if c.Died == nil {
		c.Died = func(string, string) {}
	}
	d := &Dispatcher{c: c, pools: map[string]*pool{}}
	for name, addresses := range map[string][]string{"grayd": c.Gray, "scaled": c.Scale, Heifd: c.HEIF} {
		if name == Heifd && len(addresses) == 0 {
			continue
		}
		p, err := newPool(name, addresses)
		if err != nil {
			return nil, err
		}
		d.pools[name] = p
	}
	return d, nil
}

// Picture is a finished picture.
type Picture struct {
	Type          string // of a picture
	Width, Height int
	Size          int64 // bytes
	File          File  // no process can write it any more
}

// Result is the finished picture, or the first of several sizes. The caller closes it.
type Result struct {
	Picture
	More   []Picture // the second and later sizes of a list
	Note   string
	Stages []Stage // what was done, in this order
}

// Stage is the work of one daemon on a picture. Its time is what the worker says that it
// took, in milliseconds; the time in the daemon's queue does not count.
type Stage struct {
	Operation string
	Took      time.Duration
}

// All returns the picture, or all sizes in the order of the request.
func (r Result) All() []Picture { return append([]Picture{r.Picture}, r.More...) }

// Close closes the files.
func (r Result) Close() {
	for _, p := range r.All() {
		p.File.Close()
	}
}

// Deaths counts one worker that died of a picture, or ran out of time at it
// (timeout), and returns how many there were, this one included.
type Deaths func(timeout bool) (int, error)

// result makes a Result of the reply of the last daemon, which verify has checked.
func result(reply wire.Reply, outs files) Result {
	all := make([]Picture, len(outs))
	for i, out := range outs {
		all[i] = pictureOf(reply, i+1)
		all[i].File = out
	}
	return Result{Picture: all[0], More: all[1:]}
}

// pictureOf reads what a reply says of result n, from 1. What is missing is zero. Only
// the first need have a type: the others have the same.
func pictureOf(reply wire.Reply, n int) Picture {
	p := Picture{Type: reply.Get(wire.Numbered("type", n))}
	if p.Type == "" {
		p.Type = reply.Get("type")
	}
	if lens := reply.Lens(); n <= len(lens) {
		p.Size = lens[n-1]
	}
	p.Width, _ = strconv.Atoi(reply.Get(wire.Numbered("width", n)))
	p.Height, _ = strconv.Atoi(reply.Get(wire.Numbered("height", n)))
	return p
}

// files are those of the results of one call.
type files []File

func (fs files) close() {
	for _, f := range fs {
		f.Close()
	}
}
