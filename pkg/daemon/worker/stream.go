package worker

import (
	"errors"
	"io"
	"os"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

const (
	numStores  = 4                // requests of the stream form at once
	streamTime = 10 * time.Second // for a whole picture, or a whole result
	streamRate = 64 << 10         // bytes per second: the slowest pace
	streamLag  = 2 * time.Second  // a client may be behind that pace
)

// take returns a store for c. If there is none left it drops the oldest connection
// that may be dropped. If none may, since all pictures are whole and wait for their
// turn, the error is of kind Busy.
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
			w.gate.Wait() // for give, which the dropped connection calls soon
		}
	}
	s := w.stores[0]
	w.stores = w.stores[1:]
	w.limitHeap(heapWithFiles)
	w.gathering = append(w.gathering, c)
	return s, nil
}

// give empties the store of c and returns it to the free ones.
func (w *Worker) give(c *conn, s *store) {
	err := errors.Join(w.clear(&s.in), w.clearResults(s))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(c)
	if err != nil { // the store is lost; not known to happen
		w.cfg.Log("memory file: %v", err)
		return
	}
	w.stores = append(w.stores, s)
	w.gate.Broadcast()
}

// stream serves a request whose picture follows its line. rest is the beginning of
// the picture, as far as it came with the line.
func (c *conn) stream(req wire.Request, lim bounds, rest []byte) {
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

// through gathers the picture, runs the operation and delivers the result. It
// returns an error that the client must still be told, or nil.
func (c *conn) through(req wire.Request, lim bounds, rest []byte, s *store) error {
	if err := c.gather(&s.in, req.Len, lim, rest); err != nil {
		return err
	}
	if err := c.w.claim(c); err != nil {
		return err
	}
	outs := make([]output, req.Results())
	for i := range outs {
		f := &s.outs[i]
		outs[i] = output{result{c.w, s, f}, f.File}
	}
	reply, err := c.w.run(c, req, lim.time, s.in.File, outs)
	c.w.cfg.End(err == nil)
	if err == nil {
		c.w.mu.Lock()
		c.delivering = true
		c.w.gathering = append(c.w.gathering, c) // may be dropped again
		c.w.mu.Unlock()
	}
	c.w.release()
	if err == nil {
		err = c.w.clear(&s.in)
	}
	if err != nil {
		return err
	}
	if err := c.deliver(reply, outs); err != nil {
		c.f.SetReadDeadline(time.Now()) // the client is gone or dropped: no need to linger
	}
	return nil
}

// gather writes the picture to f: n bytes or, if n < 0, all bytes until the client
// shuts down writing. rest is its beginning.
func (c *conn) gather(f *memFile, n int64, lim bounds, rest []byte) error {
	most, flag := c.w.share(), "a quarter of -maxmem"
	if lim.bytes >= 0 && lim.bytes <= most {
		most, flag = lim.bytes, "maxbytes"
	}
	if n > most {
		return fault.New(fault.TooLarge, "%d bytes > %d (%s)", n, most, flag)
	}
	start, buf := time.Now(), make([]byte, 64<<10)
	var got int64
	for {
		if n >= 0 {
			rest = rest[:min(int64(len(rest)), n-got)]
		}
		got += int64(len(rest))
		if got > most {
			return fault.New(fault.TooLarge, "over %d bytes (%s)", most, flag)
		}
		if err := c.w.growPicture(f, int64(len(rest))); err != nil {
			return err
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

// deliver sends the answer's line and the bytes of each result.
func (c *conn) deliver(reply wire.Reply, outs []output) error {
	results, all := []io.Reader{}, int64(0)
	for i, n := range reply.Lens() {
		results = append(results, io.NewSectionReader(outs[i].file, 0, n))
		all += n
	}
	from := io.MultiReader(results...)
	buf := make([]byte, 64<<10)
	// The line and the first bytes go together: a small answer is one packet.
	n := copy(buf, reply.String()+"\n")
	start := time.Now()
	for at := int64(0); ; {
		m, err := io.ReadFull(from, buf[n:min(int64(len(buf)), int64(n)+all-at)])
		if err != nil {
			return err
		}
		at += int64(m)
		c.writeBy(pace(start, at))
		if _, err := c.f.Write(buf[:n+m]); err != nil {
			return err
		}
		if n = 0; at == all {
			return nil
		}
	}
}

// pace returns the deadline for the next byte of a transfer that began at start,
// after n bytes.
func pace(start time.Time, n int64) time.Time {
	slow := streamLag + time.Duration(float64(n)/streamRate*float64(time.Second))
	return start.Add(min(streamTime, slow))
}
