package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Names of our rows. Process is a whole filter as the shell starts it; warm is
// the work of a worker of grayd or scaled that is running, asked by the bench as
// imgproto(7) has it; through imgd is the same workers' asked over HTTP. The plain build
// is the whole filter without vector code.
const (
	process = "imgtools"
	plain   = "imgtools, plain build"
	warm    = "imgtools warm"
	byHTTP  = "imgtools warm, workers of imgd"
	front   = "imgtools warm, imgd itself too"
)

// used is what one request to a running program took.
type used struct{ cpu, front time.Duration }

// servers are ours, on sockets of their own.
type servers struct {
	dir         string
	gray, scale *service
	imgd        *imgd
}

// startOurs starts grayd, scaled and an imgd with two daemons of its own; each
// has one worker, and all have one core.
func startOurs() (s *servers, err error) {
	s = &servers{}
	defer func(started *servers) { // s is nil after an error
		if err != nil {
			started.stop()
		}
	}(s)
	if s.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	if s.gray, err = startDaemon(s.dir, "grayd"); err != nil {
		return nil, err
	}
	if s.scale, err = startDaemon(s.dir, "scaled"); err != nil {
		return nil, err
	}
	s.imgd, err = startImgd(s.dir)
	return s, err
}

func (s *servers) stop() {
	if s.imgd != nil {
		s.imgd.stop()
	}
	for _, d := range []*service{s.gray, s.scale} {
		if d != nil {
			d.stop()
		}
	}
	os.RemoveAll(s.dir)
}

// imgd is a running front with daemons of its own.
type imgd struct {
	*service
	url  string
	http *http.Client
}

// startImgd runs imgd on a TCP port, with sockets and spool in dir, and with more flags.
func startImgd(dir string, more ...string) (*imgd, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		return nil, err
	}
	args := []string{"imgd", "-n", "1", "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-spool", filepath.Join(dir, "spool")}
	s, err := start([]string{"IMGTOOLS_RUN=" + run}, append(args, more...)...)
	if err != nil {
		return nil, err
	}
	d := &imgd{service: s, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	d.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}}}
	if err := within(15*time.Second, func() error {
		resp, err := d.http.Get(d.url + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != 200 {
				err = fmt.Errorf("imgd is not ready: %s", resp.Status)
			}
		}
		return err
	}); err != nil {
		d.stop()
		return nil, fmt.Errorf("%w %s", err, &d.said)
	}
	return d, nil
}

// cpu returns what imgd itself and the workers of its daemons have used.
func (d *imgd) cpu() (u used, err error) {
	if u.front, err = cpuOf(d.cmd.Process.Pid); err != nil {
		return u, err
	}
	for _, daemon := range children(d.cmd.Process.Pid) {
		pid, err := worker(daemon)
		if err != nil {
			return u, err
		}
		w, err := cpuOf(pid)
		if err != nil {
			return u, err
		}
		u.cpu += w
	}
	return u, nil
}

// image posts a picture and returns the answer's length; to is where it goes.
func (d *imgd) image(ops string, picture []byte, to io.Writer) (int64, error) {
	resp, err := d.http.Post(d.url+"/image?"+ops, "", bytes.NewReader(picture))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(to, resp.Body)
	if err == nil && (resp.StatusCode != 200 || n == 0) {
		err = fmt.Errorf("/image?%s: %s, %d bytes", ops, resp.Status, n)
	}
	return n, err
}

// ops returns a job's words for HTTP.
func (j job) ops() string {
	factor := fmt.Sprintf("scale=%d/%d", j.num, j.den)
	if j.fast {
		factor += "&fast"
	}
	if j.quality > 0 {
		factor += fmt.Sprintf("&quality=%d", j.quality)
	}
	return map[string]string{"gray": "gray", "scale": factor, "both": "gray&" + factor}[j.kind]
}

// ours returns our ways to do a job.
func (b *bench) ours(p picture, j job) []command {
	if j.ours > 0 {
		j.quality = j.ours
	}
	scale, q := "scale ", ""
	if j.fast {
		scale = "scale -fast "
	}
	if j.quality > 0 && p.jpeg() {
		q = fmt.Sprintf("-q %d ", j.quality)
	}
	factor := fmt.Sprintf("%d/%d", j.num, j.den)
	add := func(tool, line string) command { return command{tool: tool, line: line, luma: true} }
	var cs []command
	if j.kind == "both" {
		// All the ways by hand to compose two filters; through PNM no JPEG is made between.
		f := strings.TrimPrefix(filepath.Ext(p.name), ".")
		if f == "jpg" {
			f = "jpeg"
		}
		cs = append(cs,
			add("gray | scale", "gray < $in | "+scale+q+factor+" > $out"),
			add("gray -f pgm | scale", "gray -f pgm < $in | "+scale+"-f "+f+" "+q+factor+" > $out"),
			add("scale | gray", scale+q+factor+" < $in | gray > $out"),
			add("scale -f pgm | gray", scale+"-f pgm "+factor+" < $in | gray "+q+"-f "+f+" > $out"),
			add("scale -f ppm | gray", scale+"-f ppm "+factor+" < $in | gray "+q+"-f "+f+" > $out"))
	} else {
		line := "gray < $in > $out" // of a JPEG without loss, whatever the quality
		if j.kind == "scale" {
			line = scale + q + factor + " < $in > $out"
		}
		cs = append(cs, add(process, line))
		if b.plain != "" {
			cs = append(cs, add(plain, filepath.Join(b.plain, line)))
		}
	}
	if b.servers == nil {
		return cs
	}
	cs = append(cs, command{tool: warm, luma: true, warm: func(in, out string) (used, error) { return b.servers.wire(j, in, out) }})
	if j.kind == "both" {
		over := func(whole bool) func(in, out string) (used, error) {
			return func(in, out string) (used, error) {
				u, err := b.servers.imgd.one(j, in, out)
				if whole {
					u.cpu += u.front
				}
				return u, err
			}
		}
		cs = append(cs, command{tool: byHTTP, luma: true, warm: over(false)}, command{tool: front, luma: true, warm: over(true)})
	}
	return cs
}

// wire has the daemons do a job; the answer of grayd is copied into the request
// to scaled as imgd does.
func (s *servers) wire(j job, in, out string) (u used, err error) {
	before, err := workersCPU(s.gray, s.scale)
	if err != nil {
		return u, err
	}
	words := ""
	if j.fast {
		words = " fast"
	}
	quality := ""
	if j.quality > 0 && strings.HasSuffix(in, ".jpg") {
		quality = fmt.Sprintf(" quality=%d", j.quality)
	}
	switch j.kind {
	case "gray":
		_, err = s.gray.request("gray", in, out)
	case "scale":
		_, err = s.scale.request(fmt.Sprintf("scale %d/%d%s", j.num, j.den, words+quality), in, out)
	default:
		between := filepath.Join(s.dir, "between")
		var a map[string]string
		if a, err = s.gray.request(fmt.Sprintf("gray for=%d/%d%s", j.num, j.den, words), in, between); err == nil {
			line := fmt.Sprintf("scale %s!%s of=%s format=%s", a["goal"], words+quality, a["full"], a["as"])
			if a["reduced"] != "" {
				line += " reduced=" + a["reduced"]
			}
			_, err = s.scale.request(line, between, out)
		}
	}
	if err != nil {
		return u, err
	}
	after, err := workersCPU(s.gray, s.scale)
	return used{cpu: after - before}, err
}

// one has imgd do a job.
func (d *imgd) one(j job, in, out string) (u used, err error) {
	picture, err := os.ReadFile(in)
	if err != nil {
		return u, err
	}
	before, err := d.cpu()
	if err != nil {
		return u, err
	}
	var b bytes.Buffer
	if _, err := d.image(j.ops(), picture, &b); err != nil {
		return u, err
	}
	after, err := d.cpu()
	if err != nil {
		return u, err
	}
	return used{after.cpu - before.cpu, after.front - before.front}, os.WriteFile(out, b.Bytes(), 0o666)
}
