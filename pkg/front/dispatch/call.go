package dispatch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

// callFiles sends the request and the files, and waits for the answer.
func callFiles(c connection, req wire.Request, in Input, outs files) (wire.Reply, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return wire.Reply{}, err
	}
	if err := sendFiles(raw, req, in, outs); err != nil {
		return wire.Reply{}, err
	}
	return readReply(bufio.NewReaderSize(c, wire.MaxLine), true)
}

// sendFiles opens the files again, passes the descriptors and closes them.
func sendFiles(raw syscall.RawConn, req wire.Request, in Input, outs files) error {
	r, err := in.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	fds := []int{int(r.Fd())}
	for _, out := range outs {
		w, err := out.Writer()
		if err != nil {
			return err
		}
		defer w.Close()
		fds = append(fds, int(w.Fd()))
	}
	line, err := requestLine(req)
	if err != nil {
		return err
	}
	if err := fdpass.Send(raw, line, fds...); err != nil {
		return &failure{event: unsent, err: err}
	}
	return nil
}

// callStream sends the request and the picture's bytes, and receives the answer
// and the bytes of each result, at most limit of each.
func callStream(c connection, req wire.Request, in Input, outs files, limit int64) (wire.Reply, error) {
	r, err := in.Reader()
	if err != nil {
		return wire.Reply{}, err
	}
	defer r.Close()
	fi, err := r.Stat()
	if err != nil {
		return wire.Reply{}, err
	}
	req.Len = fi.Size()
	line, err := requestLine(req)
	if err != nil {
		return wire.Reply{}, err
	}
	_, sent := c.Write(line)
	if sent == nil {
		var n int64
		if n, sent = io.Copy(c, io.LimitReader(r, req.Len)); sent == nil && n < req.Len {
			return wire.Reply{}, fault.New(fault.Internal, "the picture shrank from %d to %d bytes", req.Len, n)
		}
	}
	// Also when not all could be sent there may be an answer that says why.
	br := bufio.NewReaderSize(c, 64<<10)
	reply, err := readReply(br, sent == nil)
	if err != nil {
		return wire.Reply{}, err
	}
	lens := reply.Lens()
	if err := checkResults(lens, outs); err != nil {
		return wire.Reply{}, err
	}
	if n := slices.Max(lens); n > limit {
		return wire.Reply{}, &failure{event: lied, err: fmt.Errorf("a worker announced a result of %d bytes > %d", n, limit)}
	}
	for i, n := range lens {
		if err := receive(br, outs[i], n); err != nil {
			return wire.Reply{}, err
		}
	}
	return reply, nil
}

// receive copies the n bytes of a result to its file.
func receive(br *bufio.Reader, out File, n int64) error {
	w, err := out.Writer()
	if err != nil {
		return err
	}
	got, err := io.Copy(w, io.LimitReader(br, n))
	if cerr := w.Close(); cerr != nil {
		return cerr
	}
	if _, ok := errors.AsType[*os.PathError](err); ok { // of w
		return err
	}
	if err != nil || got < n {
		return &failure{event: cut, err: fmt.Errorf("the connection ended after %d of %d bytes of the result", got, n)}
	}
	return nil
}

func requestLine(req wire.Request) ([]byte, error) {
	line := req.String() + "\n"
	if len(line) > wire.MaxLine {
		return nil, fault.New(fault.Internal, "a request line of %d bytes > %d", len(line), wire.MaxLine)
	}
	return []byte(line), nil
}

// readReply reads the answer's line. sent says that the daemon had everything it
// needed to work.
func readReply(br *bufio.Reader, sent bool) (wire.Reply, error) {
	b, err := br.ReadSlice('\n')
	line := strings.TrimSuffix(string(b), "\n")
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || err == nil && len(b) > wire.MaxLine:
		return wire.Reply{}, &failure{event: lied, err: errNoEnd}
	case errors.Is(err, io.EOF) && sent:
		// (A connection that no worker had accepted would have been reset, because it
		// holds unread bytes.)
		return wire.Reply{}, &failure{event: silent, err: errors.New("a worker died")}
	case err != nil:
		return wire.Reply{}, &failure{event: unsent, err: err}
	}
	return checkLine(line, sent)
}

// emptyBalancer reports whether a TCP balancer without a daemon answers at address.
// Such a balancer accepts a connection and closes it without a word, which looks
// like the death of a worker. To tell them apart it sends a request that every
// worker refuses at once: a balancer closes that connection silently, too. When in
// doubt it reports false, because a picture that kills its workers must not be
// tried for ever.
func emptyBalancer(ctx context.Context, address net.Addr) bool {
	conn, err := dialTCP(ctx, address.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(askTime))
	if _, err := io.WriteString(conn, "img/1 ask len=0\n"); err != nil {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}
