package client

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"imgtools/pkg/jobid"
	"imgtools/pkg/shell/client/fakeimgd"
)

// The zone of an IPv6 address reaches the connection, and not the Host header.
func TestIPv6Zone(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	s := &fakeimgd.Server{}
	host := ""
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ int) bool { host = r.Host; return false }
	ts := httptest.NewUnstartedServer(s)
	ts.Listener.Close()
	ts.Listener = l
	ts.Start()
	defer ts.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for _, address := range []string{"tcp:[::1%lo]:" + port, "http://[::1%lo]:" + port, "http://[::1%25lo]:" + port} {
		t.Run(address, func(t *testing.T) {
			c := connect(t, Config{Address: address, Forever: true})
			if _, err := c.Put(ctx, time.Now(), jobid.New(), "", section("a")); err != nil || host != "[::1]:"+port {
				t.Errorf("%v, Host %s", err, host)
			}
		})
	}
}
