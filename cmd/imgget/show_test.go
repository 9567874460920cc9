package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/client/fakeimgd"
	"imgtools/pkg/shell/faketerm"
)

// halves returns a PNG file of w × h, red at the left and blue at the right.
func halves(t *testing.T, w, h int) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// same is a server whose results are the originals.
func same() *fakeimgd.Server {
	return &fakeimgd.Server{Result: func(in []byte) []byte { return in }}
}

const da1 = "\x1b[c"

func TestTerminalShowsHalfBlocks(t *testing.T) {
	s := same()
	s.Add(id(0), "a.png", halves(t, 400, 300))
	s.Add(id(1), "small.png", halves(t, 4, 3))
	address := s.StartUnix(t)
	for i, want := range []string{
		// 400 × 300 in 40 × 30 half-blocks, less a line for the prompt: 37 × 28.
		strings.Repeat(strings.Repeat("▀", 37)+"\n", 14),
		"▀▀▀▀\n▀▀▀▀\n", // not enlarged
	} {
		term := faketerm.Open(t, 40, 15, 0, 0)
		term.Answer(da1, "\x1b[?62;22c")
		cmd := imgget(t, t.TempDir(), address, id(i))
		term.Start(cmd)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %q", err, term.Said())
		}
		said := term.Await("picture", func(said string) bool {
			return strings.HasSuffix(said, "\x1b[0m\r\n") && strings.Count(said, "\n") >= strings.Count(want, "\n")
		})
		_, shown, _ := strings.Cut(said, da1)
		if got := faketerm.Screen(shown); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		first := regexp.MustCompile(`38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m`).FindStringSubmatch(shown)
		if len(first) != 7 || strings.Join(first[1:], " ") != "255 0 0 255 0 0" {
			t.Errorf("the first block is %v", first)
		}
	}
}

func TestTerminalWithKittyShowsThePicture(t *testing.T) {
	s := same()
	s.Add(id(0), "a.png", halves(t, 400, 300))
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{1000, 800, 400, 300},
		{100, 150, 100, 75},
		{0, 0, 373, 280}, // 40 × 15 of 10 × 20, less a line
	} {
		t.Run(fmt.Sprint(c.w, "x", c.h), func(t *testing.T) {
			term := faketerm.Open(t, 40, 15, uint16(c.w), uint16(c.h))
			term.Answer("\x1b_Gi=31", "\x1b_Gi=31;OK\x1b\\")
			term.Answer(da1, "\x1b[?62c")
			cmd := imgget(t, t.TempDir(), s.StartUnix(t), "-o", "-", id(0))
			before, err := unix.IoctlGetTermios(int(term.Near.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			term.Start(cmd)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %q", err, term.Said())
			}
			said := term.Await("picture", func(said string) bool { return regexp.MustCompile("m=0;[^\x1b]*\x1b\\\\\r\n$").MatchString(said) })
			_, shown, _ := strings.Cut(said, da1)
			text := regexp.MustCompile("\x1b_G[^;]*;|\x1b\\\\|\r\n").ReplaceAllString(shown, "")
			file, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatalf("%v in %.200q", err, shown)
			}
			m, err := png.Decode(bytes.NewReader(file))
			if err != nil || m.Bounds().Dx() != c.wantW || m.Bounds().Dy() != c.wantH {
				t.Errorf("a window of %d × %d: %v, %v; want %d × %d", c.w, c.h, m.Bounds(), err, c.wantW, c.wantH)
			}
			after, err := unix.IoctlGetTermios(int(term.Near.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("the terminal was left otherwise: %+v, before %+v", after, before)
			}
		})
	}
}

// A dumb terminal, or several ids, or a result that is no picture: nothing is
// spilled.
func TestTerminalIsSpared(t *testing.T) {
	s := same()
	s.Add(id(0), "a.png", halves(t, 40, 30))
	s.Add(id(1), "b.png", "\x1b[31mno picture")
	address := s.StartUnix(t)
	for _, c := range []struct {
		term, want string
		status     int
		ids        []string
	}{
		{"dumb", "imgget: a picture is not written to a terminal: -o FILE, or a pipe\nsee imgget -h\n", 2, []string{id(0)}},
		{"xterm", "imgget: several job ids need -d\nsee imgget -h\n", 2, []string{id(0), id(1)}},
		{"linux", "imgget: b.png (aaaaaa…): no picture", 1, []string{id(1)}},
	} {
		t.Run(c.term, func(t *testing.T) {
			term := faketerm.Open(t, 80, 24, 0, 0)
			cmd := imgget(t, t.TempDir(), address, c.ids...)
			cmd.Env = append(cmd.Env, "TERM="+c.term)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			term.Start(cmd)
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != c.status || !strings.HasPrefix(stderr.String(), c.want) || term.Said() != "" {
				t.Errorf("%s %v: status %d, %q, on the terminal %q", c.term, c.ids, status, stderr.String(), term.Said())
			}
		})
	}
}

// Progress of waiting: the place in the queue, and done of total; nothing of it
// is left.
func TestProgressOnTerminal(t *testing.T) {
	s := same()
	s.State = map[string]fakeimgd.State{id(0): {State: "queued", Place: 7}}
	s.Add(id(0), "a.png", halves(t, 40, 30))
	s.Add(id(1), "b.png", halves(t, 40, 30))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"place 7 in the queue, ", []string{"-o", "out", id(0)}},
		{"imgget: [....................] 0 of 2, place 7 in the queue", []string{"-d", "out", id(0), id(1)}},
	} {
		t.Run(c.want, func(t *testing.T) {
			release := s.Hold()
			term := faketerm.Open(t, 80, 24, 0, 0)
			cmd := imgget(t, t.TempDir(), s.StartUnix(t), c.args...)
			term.Start(cmd)
			term.Await("place", func(said string) bool { return strings.Contains(faketerm.Screen(said), c.want) })
			release()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %q", err, term.Said())
			}
			term.Await("nothing left", func(said string) bool { return faketerm.Screen(said) == "" })
		})
	}
}

// -quiet is silent on a terminal too.
func TestQuietOnTerminal(t *testing.T) {
	s := same()
	s.Add(id(0), "a.png", halves(t, 40, 30))
	release := s.Hold()
	term := faketerm.Open(t, 80, 24, 0, 0)
	cmd := imgget(t, t.TempDir(), s.StartUnix(t), "-quiet", "-w", "1", "-o", "out", id(0))
	term.Start(cmd) // waits for a second, long enough for a line
	cmd.Wait()
	release()
	want := id(0) + ": still pending\r\n"
	if said := term.Await("pending", func(said string) bool { return strings.HasSuffix(said, want) }); said != "imgget: "+want || cmd.ProcessState.ExitCode() != 75 {
		t.Errorf("%q, status %d", said, cmd.ProcessState.ExitCode())
	}
}
