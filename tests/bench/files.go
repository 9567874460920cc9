package main

import (
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed sharpserver.js
var sharpServerJS string

// filesClients is how many ask at the same time. Each has a picture of its own, since
// equal requests would share one work.
const filesClients = 8

// files prints the table of pictures by URL: a photograph of a folder at a quarter of its
// size, by imgd with one worker and by a server of sharp, each on one core, and what an
// answer "not modified" costs imgd.
func (b *bench) files(long time.Duration) error {
	dir, err := os.MkdirTemp("", "bench-files-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	photograph, err := filepath.Abs(filepath.Join(b.cache, "photo12.jpg"))
	if err != nil {
		return err
	}
	for i := range filesClients {
		if err := copyFile(photograph, filepath.Join(dir, name(i))); err != nil {
			return err
		}
	}
	d, err := startImgd(dir, "-root", dir)
	if err != nil {
		return err
	}
	defer d.stop()
	fmt.Fprintf(b.w, "\n%s; pictures by URL: 12 Mpixel JPEG to 1/4, %d clients, all servers on one core\n\n", machine(), filesClients)
	fmt.Fprintf(b.w, "%-22s %10s %9s %9s\n", "files", "requests/s", "median ms", "bytes out")
	row := func(tool string, l traffic) {
		fmt.Fprintf(b.w, "%-22s %10.1f %9.1f %9d\n", tool, float64(l.requests)/l.wall.Seconds(), ms(l.median), l.out)
	}
	url := func(i int) string { return d.url + "/files/" + name(i) + "?scale=1/4" }
	for _, quality := range []string{"", "&quality=85"} {
		l, err := fetch(filesClients, long, func(i int) (int64, error) { return get(d.http, nil, 200, url(i)+quality) })
		if err != nil {
			return err
		}
		row("imgd"+quality, l)
	}
	resp, err := d.http.Head(url(0))
	if err != nil {
		return err
	}
	resp.Body.Close()
	known := http.Header{"If-None-Match": {resp.Header.Get("ETag")}}
	before, err := d.cpu()
	if err != nil {
		return err
	}
	l, err := fetch(filesClients, long, func(int) (int64, error) { return get(d.http, known, 304, url(0)) })
	if err != nil {
		return err
	}
	after, err := d.cpu()
	if err != nil {
		return err
	}
	row("imgd, not modified", l)
	each := (after.front - before.front) / time.Duration(l.requests)
	fmt.Fprintf(b.w, "%-22s %10.1f µs of CPU, at most 60\n", "", float64(each.Nanoseconds())/1e3)
	d.stop()

	modules := sharpDir(b.cache)
	if modules == "" {
		fmt.Fprintln(b.w, "sharp: not installed (tests/bench/peers.sh)")
		return nil
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	s, err := start([]string{"NODE_PATH=" + filepath.Join(modules, "node_modules"), "UV_THREADPOOL_SIZE=8"}, "node", "-e", sharpServerJS, dir, strconv.Itoa(port))
	if err != nil {
		return err
	}
	defer s.stop()
	for _, quality := range []string{"", "?quality=85"} {
		one := func(i int) (int64, error) {
			return get(http.DefaultClient, nil, 200, fmt.Sprintf("http://127.0.0.1:%d/%s%s", port, name(i), quality))
		}
		if err := within(15*time.Second, func() error { _, err := one(0); return err }); err != nil {
			return fmt.Errorf("sharp: %w %s", err, &s.said)
		}
		l, err := fetch(filesClients, long, one)
		if err != nil {
			return err
		}
		row("sharp"+quality, l)
	}
	return nil
}

func name(i int) string { return fmt.Sprintf("photo%d.jpg", i) }

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o666)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
