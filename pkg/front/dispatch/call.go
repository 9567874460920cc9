package dispatch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

// callFiles sends the request and both files, and waits for the answer.
func callFiles(c connection, req wire.Request, in Input, out File) (wire.Reply, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return wire.Reply{}, err
	}
	if err := sendFiles(raw, req, in, out); err != nil {
		return wire.Reply{}, err
	}
	return readReply(bufio.NewReaderSize(c, wire.MaxLine), true)
}

// sendFiles opens both files anew, passes them and closes them.
func sendFiles(raw syscall.RawConn, req wire.Request, in Input, out File) error {
	r, err := in.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := out.Writer()
	if err != nil {
		return err
	}
	defer w.Close()
	line, err := requestLine(req)
	if err != nil {
		return err
	}
	if err := fdpass.Send(raw, line, int(r.Fd()), int(w.Fd())); err != nil {
		return &away{err}
	}
	return nil
}

// callStream sends the request and the picture's bytes, and receives the answer
// and the result's bytes.
func callStream(c connection, req wire.Request, in Input, out File) (wire.Reply, error) {
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
	w, err := out.Writer()
	if err != nil {
		return wire.Reply{}, err
	}
	n, err := io.Copy(w, io.LimitReader(br, reply.Len))
	if cerr := w.Close(); cerr != nil {
		return wire.Reply{}, cerr
	}
	if _, ok := errors.AsType[*os.PathError](err); ok { // of w
		return wire.Reply{}, err
	}
	if err != nil || n < reply.Len {
		return wire.Reply{}, &away{fmt.Errorf("the connection ended after %d of %d bytes of the result", n, reply.Len)}
	}
	return reply, nil
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
		return wire.Reply{}, &death{err: errors.New("a worker answered with a line that has no end")}
	case errors.Is(err, io.EOF) && sent:
		// It had the picture and is gone without a word. (A connection that nobody
		// had accepted would have been reset, as it holds unread bytes.)
		return wire.Reply{}, &death{err: errors.New("a worker died")}
	case err != nil:
		return wire.Reply{}, &away{err}
	}
	reply, err := wire.ParseReply(line)
	switch kind := fault.Of(err); {
	case err == nil:
		return reply, nil
	case kind == fault.Busy, kind == fault.Timeout && !sent: // its memory was needed for another
		return wire.Reply{}, &away{err}
	case kind == fault.Timeout:
		return wire.Reply{}, &death{err: err, timeout: true}
	case kind == fault.Internal && !strings.HasPrefix(line, "err internal "):
		return wire.Reply{}, &death{err: err} // it talks nonsense
	}
	return wire.Reply{}, err
}

// emptyBalancer reports whether address takes a connection and ends it without a
// word, also when asked what every worker refuses at once. So does a TCP balancer
// that has no daemon to give it to, and its end of a request looks like the death
// of a worker. Where nothing can be told it says no: a picture that takes its
// workers with it must not be tried for ever.
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

// askTime is how long a worker may take to refuse; by then one that died has been
// replaced.
const askTime = 2 * time.Second
