package worker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

const sayTime = time.Second // for a client to take the line of an answer, and to close after it

// conn is one connection.
type conn struct {
	w     *Worker
	f     *os.File
	check bool // whether its peer may connect

	// Under w.mu:
	settled bool // no longer counted in w.settling
	dropped bool // another connection needed its place
	running bool // its operation runs and has not been ended by expire or cancel
	gone    bool // its client is gone
	// delivering: it is in Worker.gathering for its result, which its client takes.
	delivering bool
}

// serve takes one request, answers it, and closes the connection.
func (c *conn) serve() {
	defer func() {
		c.w.mu.Lock()
		c.w.forget(c)
		c.w.mu.Unlock()
		c.w.settle(c)
		c.f.Close()
	}()
	grace := time.AfterFunc(settleTime, func() { c.w.settle(c) })
	defer grace.Stop()
	req, lim, rest, fds, err := c.request()
	switch {
	case err == io.EOF: // no request: a probe
		return
	case err != nil:
		c.refuse(err)
	case fds != nil:
		c.files(req, lim, fds)
	default:
		c.stream(req, lim, rest)
	}
}

// bounds are what a request may use.
type bounds struct {
	time  time.Duration
	bytes int64 // of input; <0: no limit
}

// request reads the request line and what came with it: descriptors, which the
// caller closes, or the first bytes of a picture. With an error there are neither.
// The error is io.EOF if the client sent nothing.
func (c *conn) request() (req wire.Request, lim bounds, rest []byte, fds []int, err error) {
	defer func() {
		if err != nil {
			closeAll(fds)
			fds = nil
		}
	}()
	rc, err := c.f.SyscallConn()
	if err != nil {
		return req, lim, nil, nil, err
	}
	if c.check {
		if _, err := c.w.self.Admit(rc); err != nil {
			return req, lim, nil, nil, err
		}
	}
	line, rest, fds, err := c.line(rc)
	if err != nil {
		return req, lim, nil, fds, err
	}
	if req, err = wire.ParseRequest(line); err != nil {
		return req, lim, nil, fds, err
	}
	if req.Verb != c.w.cfg.Verb && req.Verb != wire.Info {
		return req, lim, nil, fds, fault.New(fault.Usage, "this daemon does %s, not %s", c.w.cfg.Verb, req.Verb)
	}
	lim, err = c.w.bounds(&req)
	return req, lim, rest, fds, err
}

// line receives a line. It returns the line without its newline, the bytes that
// came after it, and the descriptors, even with an error.
func (c *conn) line(rc syscall.RawConn) (line string, rest []byte, fds []int, err error) {
	c.readBy(time.Now().Add(lineTime))
	buf, n := make([]byte, 4096), 0
	for {
		m, got, err := fdpass.Recv(rc, buf[n:], maxFiles)
		n += m
		switch {
		case fds == nil:
			fds = got
		case got != nil:
			closeAll(got)
			return "", nil, fds, fault.New(fault.Usage, "descriptors twice")
		}
		if i := bytes.IndexByte(buf[:n], '\n'); err == nil && i >= 0 {
			return string(buf[:i]), buf[i+1 : n], fds, nil
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "", nil, fds, c.late("no line within %v", lineTime)
		case err == io.EOF && n > 0:
			return "", nil, fds, fault.New(fault.Usage, "a line without its end")
		case err != nil:
			return "", nil, fds, err
		case n >= wire.MaxLine:
			return "", nil, fds, fault.New(fault.Usage, "no end of line in %d bytes", wire.MaxLine)
		}
	}
}

// bounds takes the words out of req that lower the worker's own bounds.
func (w *Worker) bounds(req *wire.Request) (bounds, error) {
	lim := bounds{w.cfg.Timeout, -1}
	var others []ops.Word
	for _, word := range req.Words {
		switch word.Key {
		case "timeout":
			d, err := limits.ParseTime(word.Value)
			if err != nil || d <= 0 {
				return lim, fault.New(fault.Usage, "timeout %q: not a time over 0", word.Value)
			}
			lim.time = min(lim.time, d)
		case "maxbytes":
			n, err := strconv.ParseInt(word.Value, 10, 64)
			if err != nil || n <= 0 {
				return lim, fault.New(fault.Usage, "maxbytes %q: not a number over 0", word.Value)
			}
			lim.bytes = n
		default:
			others = append(others, word)
		}
	}
	req.Words = others
	return lim, nil
}

// files serves a request with open files: the picture and each result. They are closed
// before the answer.
func (c *conn) files(req wire.Request, lim bounds, fds []int) {
	err := explain(checkFiles(fds, req.Results(), lim))
	if err == nil && req.Len >= 0 {
		err = fault.New(fault.Usage, "len with descriptors")
	}
	if err != nil {
		closeAll(fds)
		c.refuse(err)
		return
	}
	c.readBy(time.Time{})
	go c.watch()
	if err := c.w.claim(c); err != nil {
		closeAll(fds)
		c.refuse(err)
		return
	}
	in := os.NewFile(uintptr(fds[0]), "in")
	var outs []output
	for _, fd := range fds[1:] {
		f := os.NewFile(uintptr(fd), "out")
		outs = append(outs, output{f, f})
	}
	reply, err := c.w.run(c, req, lim.time, in, outs)
	in.Close()
	for _, out := range outs {
		if cerr := out.file.Close(); err == nil {
			err = explain(cerr) // some file systems report only now that there is no space
		}
	}
	c.w.cfg.End(err == nil)
	if err == nil {
		err = c.say(reply.String())
	} else {
		err = c.say(wire.ErrLine(err))
	}
	c.w.release()
}

// watch waits for the client of a request in descriptor form to close the
// connection or shut down writing, which cancels the request. It also ends when
// serve closes the connection after the answer.
func (c *conn) watch() {
	buf := make([]byte, 512)
	for {
		if _, err := c.f.Read(buf); err != nil {
			c.w.cancel(c)
			return
		}
	}
}

// checkFiles refuses descriptors other than a regular file open for reading and, for
// each of results results, an empty one open for writing, all of them different; and a
// picture that is too large.
func checkFiles(fds []int, results int, lim bounds) error {
	if len(fds) != 1+results {
		return fault.New(fault.Usage, "%d descriptors, not %d", len(fds), 1+results)
	}
	type inode struct{ dev, ino uint64 }
	seen := map[inode]bool{}
	for i, fd := range fds {
		name := ordinals[i]
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("fstat: %w", err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG {
			return fault.New(fault.Usage, "the %s descriptor is not of a regular file", name)
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return fmt.Errorf("fcntl: %w", err)
		}
		mode := flags & unix.O_ACCMODE
		switch {
		case i == 0 && (mode == unix.O_WRONLY || flags&unix.O_PATH != 0):
			return fault.New(fault.Usage, "the first descriptor is not open for reading")
		case i == 0 && lim.bytes >= 0 && st.Size > lim.bytes:
			return fault.New(fault.TooLarge, "%d bytes > %d (maxbytes)", st.Size, lim.bytes)
		case i == 0:
			continue
		case mode == unix.O_RDONLY || flags&unix.O_PATH != 0:
			return fault.New(fault.Usage, "the %s descriptor is not open for writing", name)
		case st.Size != 0:
			return fault.New(fault.Usage, "the %s file is not empty", name)
		}
		if at, err := unix.Seek(fd, 0, io.SeekCurrent); err != nil || at != 0 {
			return fault.New(fault.Usage, "the %s file's offset is %d, not 0", name, at)
		}
		file := inode{uint64(st.Dev), st.Ino}
		if seen[file] {
			return fault.New(fault.Usage, "the %s file is that of another result", name)
		}
		seen[file] = true
	}
	return nil
}

// ordinals name the descriptors of a request.
var ordinals = [maxFiles]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"}

// refuse answers with an error and makes sure that the answer arrives.
func (c *conn) refuse(err error) {
	c.w.settle(c)
	if c.say(wire.ErrLine(err)) == nil {
		c.linger()
	}
}

// linger shuts down writing and reads, for up to sayTime, what the client still
// sends. A TCP connection that is closed with unread bytes is reset, and the client
// may lose the answer.
func (c *conn) linger() {
	c.w.mu.Lock()
	c.w.forget(c)
	c.w.wait(c)
	c.w.mu.Unlock()
	rc, err := c.f.SyscallConn()
	if err != nil {
		return
	}
	rc.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) })
	if err != nil {
		return
	}
	c.readBy(time.Now().Add(sayTime))
	for buf := make([]byte, 16<<10); err == nil; {
		_, err = c.f.Read(buf)
	}
}

// say sends a line.
func (c *conn) say(line string) error {
	c.f.SetWriteDeadline(time.Now().Add(sayTime))
	_, err := c.f.Write([]byte(line + "\n"))
	return err
}

// drop makes the reads and writes of c fail, so that it ends. c.w.mu is held.
func (c *conn) drop() {
	c.dropped = true
	c.f.SetDeadline(time.Now())
}

// late returns the error of a read that met its deadline: c was dropped, or its
// client was too slow.
func (c *conn) late(format string, args ...any) error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.dropped {
		return errDropped
	}
	return fault.New(fault.Timeout, format, args...)
}

// readBy sets the deadline of reads. A dropped connection keeps the one that ended it.
func (c *conn) readBy(t time.Time) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !c.dropped {
		c.f.SetReadDeadline(t)
	}
}

// writeBy sets the deadline of writes, as readBy does that of reads.
func (c *conn) writeBy(t time.Time) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !c.dropped {
		c.f.SetWriteDeadline(t)
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
