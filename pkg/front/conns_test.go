package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// ask sends a request on a connection that stays open.
func (s *site) ask(c net.Conn, br *bufio.Reader) error {
	fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", s.addr)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
		return fmt.Errorf("status %d, %v", resp.StatusCode, err)
	}
	return nil
}

func TestOldestIdleConnectionMakesRoom(t *testing.T) {
	const most = 4
	s := start(t, func(c *Config) { c.Conns = most })
	type client struct {
		net.Conn
		br *bufio.Reader
	}
	var clients []client
	for i := range 3 * most {
		c, br := s.bytes("")
		clients = append(clients, client{c, br})
		if i%2 == 0 { // the others send nothing at all
			if err := s.ask(c, br); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
		s.until("all to be idle", func() bool {
			s.conns.mu.Lock()
			defer s.conns.mu.Unlock()
			return s.conns.idle.Len() == min(i+1, most) && len(s.conns.all) == s.conns.idle.Len()
		})
	}
	for i, c := range clients[:len(clients)-most] {
		if _, err := c.br.ReadByte(); err != io.EOF {
			t.Errorf("connection %d of %d is still there: %v", i, len(clients), err)
		}
	}
	last := clients[len(clients)-1]
	if err := s.ask(last.Conn, last.br); err != nil {
		t.Errorf("the newest connection: %v", err)
	}
	if n := s.conns.refused.Load(); n != 0 {
		t.Errorf("%d were refused although others were idle", n)
	}
}

func TestConnectionsThatAreAllBusy(t *testing.T) {
	const most = 3
	s := start(t, func(c *Config) { c.Conns = most })
	for i := range most {
		s.raw("PUT /image HTTP/1.1\r\nContent-Length: 100\r\n\r\nsome")
		s.until("the upload", func() bool { return s.metrics.current.Load() == int64(i+1) })
	}
	_, br := s.raw("GET /healthz HTTP/1.1\r\n\r\n")
	if got, body := status(t, br); got != 503 || body != "too many connections (-conns)" {
		t.Errorf("%d %q", got, body)
	}
	if n := s.conns.refused.Load(); n != 1 {
		t.Errorf("%d were refused", n)
	}
}
