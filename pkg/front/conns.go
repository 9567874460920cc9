package front

import (
	"container/list"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/limits"
)

// conns bounds the connections of all listeners. A connection is
//
//	new ----> active <----> idle ----> closed
//
// where new has sent nothing and idle waits for its next request. When there are
// most connections and another comes, the one that has been new or idle for longest
// is closed. When all are active, the newcomer is answered 503 and closed.
type conns struct {
	most    int
	refused atomic.Int64

	mu   sync.Mutex
	all  map[net.Conn]*list.Element // nil: active
	idle *list.List                 // of net.Conn: new and idle ones, oldest first
}

// newConns bounds connections to most; 0 means limits.Conns. No more than a quarter
// of the process's descriptors is used, since a request needs several.
func newConns(most int) *conns {
	if most <= 0 {
		most = limits.Conns
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && uint64(most) > files.Cur/4 {
		most = int(max(files.Cur/4, 1))
	}
	return &conns{most: most, all: map[net.Conn]*list.Element{}, idle: list.New()}
}

// state follows a connection; it is the ConnState of an http.Server.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.all[conn]; e != nil {
		c.idle.Remove(e)
		c.all[conn] = nil
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.all[conn] = nil
	default:
		delete(c.all, conn)
	}
}

// room makes room for one more connection and reports whether there is.
func (c *conns) room() bool {
	c.mu.Lock()
	if len(c.all) < c.most {
		c.mu.Unlock()
		return true
	}
	oldest := c.idle.Front()
	if oldest == nil {
		c.mu.Unlock()
		return false
	}
	conn := oldest.Value.(net.Conn)
	c.idle.Remove(oldest)
	delete(c.all, conn)
	c.mu.Unlock()
	conn.Close()
	return true
}

// count returns the number of connections.
func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// boundedListener accepts connections as far as conns has room.
type boundedListener struct {
	net.Listener
	conns *conns
	tls   bool
}

// Accept returns the next connection that there is room for.
func (l boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.conns.room() {
			return conn, err
		}
		l.conns.refused.Add(1)
		if !l.tls { // a few bytes that fit the socket's buffer: this does not wait
			conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
			io.WriteString(conn, tooMany)
		}
		conn.Close()
	}
}

// tooMany is the whole answer to a connection that there is no room for.
const tooMany = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 29\r\n\r\ntoo many connections (-conns)"
