package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
)

const (
	readyTime  = 10 * time.Second // for the answer of a running imgd
	readyBytes = 4 << 10          // of its answer
)

// Ready asks a running imgd for /readyz and returns nil when it answers 200, else
// an error with the reason. The server is at addr, or, when addr is "", behind the
// first imgd.sock in the folders where clients look.
func Ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if addr != "" {
		a, err := address.DialURL(addr)
		if err != nil {
			return err
		}
		return askReady(ctx, a)
	}
	for _, d := range address.RunDirs(os.Getenv, os.Geteuid()) {
		a := address.Address{Path: d.Socket("imgd")}
		if _, err := os.Lstat(a.Path); err == nil {
			return askReady(ctx, a)
		}
	}
	return errors.New("no imgd.sock in " + address.Run(os.Getenv, os.Geteuid()).Path + "; name its address with -a")
}

func askReady(ctx context.Context, a address.Address) error {
	transport := &http.Transport{DisableKeepAlives: true}
	if a.Path != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", a.Path)
		}
	}
	req, err := http.NewRequestWithContext(ctx, "GET", a.Base()+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, readyBytes))
	return fmt.Errorf("%s: %d: %s", a, resp.StatusCode, fault.Line(strings.TrimSpace(string(b))))
}
