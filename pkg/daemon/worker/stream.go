package worker

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

const (
	numStores  = 4                // requests of the stream form at once
	streamTime = 10 * time.Second // for a whole body, or a whole result
	streamLag  = 2 * time.Second  // to be behind the slowest pace
	streamRate = 64 << 10         // bytes a second, the slowest pace
)

// store is two files in memory, the picture that came and the one that goes.
type store struct{ in, out *os.File }

func newStore() (*store, error) {
	var fs [2]*os.File
	for i, name := range []string{"in", "out"} {
		fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
		if err != nil {
			return nil, os.NewSyscallError("memfd_create", err)
		}
		fs[i] = os.NewFile(uintptr(fd), name)
	}
	return &store{fs[0], fs[1]}, nil
}

// empty frees the memory of f, and sets its offset to 0.
func empty(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// take gives c a store, dropping the oldest of those that have one when there is
// none left. When all are whole, waiting for their turn, the error is of kind
// Busy.
func (w *Worker) take(c *conn) (*store, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.dropped {
		return nil, errDropped
	}
	w.forget(c)
	if len(w.stores) == 0 {
		if len(w.gathering) == 0 {
			return nil, fault.New(fault.Busy, "%d pictures are in work already", numStores)
		}
		w.gathering[0].drop()
		w.gathering = w.gathering[1:]
		for len(w.stores) == 0 {
			w.gate.Wait() // for give: the dropped one is on its way
		}
	}
	s := w.stores[0]
	w.stores = w.stores[1:]
	w.gathering = append(w.gathering, c)
	return s, nil
}

// give takes a store back.
func (w *Worker) give(c *conn, s *store) {
	err := errors.Join(empty(s.in), empty(s.out))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(c)
	if err != nil { // a file in memory that can't be emptied: not seen to happen
		w.cfg.Log("memory file: %v", err)
		return
	}
	w.stores = append(w.stores, s)
	w.gate.Broadcast()
}

// stream serves a request whose picture follows its line; rest is what came of it
// with the line.
func (c *conn) stream(req wire.Request, lim limits, rest []byte) {
	c.w.settle(c)
	s, err := c.w.take(c)
	if err != nil {
		c.refuse(err)
		return
	}
	err = c.through(req, lim, rest, s)
	c.w.give(c, s)
	if err != nil {
		c.refuse(err)
	} else {
		c.linger()
	}
}

// through gathers, works and delivers. It returns an error when that is still to
// be told to the client.
func (c *conn) through(req wire.Request, lim limits, rest []byte, s *store) error {
	if err := c.gather(s.in, req.Len, lim, rest); err != nil {
		return err
	}
	if err := c.w.claim(c); err != nil {
		return err
	}
	reply, err := c.w.run(c, req, lim.time, s.in, s.out)
	c.w.cfg.End(err == nil)
	if err == nil {
		c.w.mu.Lock()
		c.w.gathering = append(c.w.gathering, c) // may be dropped again
		c.w.mu.Unlock()
	}
	c.w.release()
	if err != nil {
		return err
	}
	if err := c.deliver(reply, s.out); err != nil {
		c.f.SetReadDeadline(time.Now()) // nothing to linger for
	}
	return nil
}

// gather writes the body to f: n bytes, or, when n < 0, all until the client
// shuts down writing. rest is its beginning.
func (c *conn) gather(f *os.File, n int64, lim limits, rest []byte) error {
	most := c.w.cfg.MaxBody
	if lim.bytes >= 0 {
		most = min(most, lim.bytes)
	}
	if n > most {
		return tooLong(n, most)
	}
	start, buf := time.Now(), make([]byte, 64<<10)
	var got int64
	for {
		if n >= 0 {
			rest = rest[:min(int64(len(rest)), n-got)]
		}
		got += int64(len(rest))
		if got > most {
			return fault.New(fault.TooLarge, "over %d bytes (maxbytes)", most)
		}
		if _, err := f.Write(rest); err != nil {
			return explain(err)
		}
		if got == n {
			return nil
		}
		c.readBy(pace(start, got))
		m, err := c.f.Read(buf)
		switch {
		case err == io.EOF && n < 0:
			return nil
		case err == io.EOF:
			return fault.New(fault.Usage, "the picture ended after %d of %d bytes", got, n)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return c.late("%d bytes of the picture in %.1f s: whole within %v, and %d KiB/s at least",
				got, time.Since(start).Seconds(), streamTime, streamRate>>10)
		case err != nil:
			return err
		}
		rest = buf[:m]
	}
}

// deliver sends the answer's line and the bytes of f.
func (c *conn) deliver(reply wire.Reply, f *os.File) error {
	buf := make([]byte, 64<<10)
	// The line goes with the first bytes, so that a small answer is one packet.
	n := copy(buf, reply.String()+"\n")
	start := time.Now()
	for at := int64(0); ; {
		m, err := f.ReadAt(buf[n:min(int64(len(buf)), int64(n)+reply.Len-at)], at)
		if err != nil && err != io.EOF {
			return err
		}
		at += int64(m)
		c.writeBy(pace(start, at))
		if _, err := c.f.Write(buf[:n+m]); err != nil {
			return err
		}
		if n = 0; at == reply.Len {
			return nil
		}
	}
}

// pace returns until when the next byte must have moved, of a transfer that
// began at start, when n have.
func pace(start time.Time, n int64) time.Time {
	slow := streamLag + time.Duration(float64(n)/streamRate*float64(time.Second))
	return start.Add(min(streamTime, slow))
}
