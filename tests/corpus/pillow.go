package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

//go:embed pillow.py
var pillowScript string

// pythonWithPillow returns a Python that has Pillow, or "".
var pythonWithPillow = sync.OnceValue(func() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import PIL").Run() == nil {
			return name
		}
	}
	return ""
})

// pillow is a Python that reads one file after another: starting it takes longer than
// most pictures.
type pillow struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startPillow() (*pillow, error) {
	p := &pillow{cmd: exec.Command(pythonWithPillow(), "-c", pillowScript)}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<20)
	return p, p.cmd.Start()
}

func (p *pillow) stop() {
	p.in.Close()
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// read asks for one file. When the answer takes too long, or can't be read, the Python
// is stopped and lost is true.
func (p *pillow) read(path string) (s seen, lost bool, err error) {
	if strings.Contains(path, "\n") {
		return s, false, errors.New("a name of two lines")
	}
	tooLong := time.AfterFunc(peerTime, func() { p.cmd.Process.Kill() })
	defer tooLong.Stop()
	if _, err := fmt.Fprintln(p.in, path); err != nil {
		return s, true, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return s, true, fmt.Errorf("not done in %v, or died", peerTime)
	}
	var answer struct {
		Error                                     string
		Width, Height, Frames, Orientation, Bytes int
		Profile                                   bool
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return s, true, err
	}
	if answer.Error != "" {
		return s, false, errors.New(answer.Error)
	}
	s = seen{upright: true, orientation: answer.Orientation, frames: answer.Frames, profile: no}
	if answer.Profile {
		s.profile = yes
	}
	s.pix = image.NewNRGBA(image.Rect(0, 0, answer.Width, answer.Height))
	if len(s.pix.Pix) != answer.Bytes {
		return s, true, fmt.Errorf("%d bytes of %d×%d pixels", answer.Bytes, answer.Width, answer.Height)
	}
	if _, err := io.ReadFull(p.out, s.pix.Pix); err != nil {
		return s, true, err
	}
	return s, false, nil
}
