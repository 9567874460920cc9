// Package show puts pictures on a terminal: with half-block characters in true
// colour on any, and as they are on one that answers that it knows kitty's
// graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/).
// It is given pixels or a PNG file, already of the size that Screen says.
package show

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/cli"
)

// Screen is a terminal's window.
type Screen struct {
	W, H  int  // pixels that a picture may have: real ones with Kitty, else half-blocks
	Kitty bool // a PNG file may be sent
}

// Can reports whether f is a terminal that pictures can be shown on.
func Can(f *os.File) bool {
	term := os.Getenv("TERM")
	return cli.Terminal(f) && term != "" && term != "dumb"
}

// Cells of a terminal that doesn't say: the window in characters, and one
// character in pixels.
const (
	defaultCols, defaultRows = 80, 24
	cellW, cellH             = 10, 20
)

// Look returns what is known of the window of f, for which Can. One line is left
// for the prompt that follows.
func Look(f *os.File) Screen {
	var ws unix.Winsize
	if got, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
		ws = *got
	}
	cols, rows := int(ws.Col), int(ws.Row)
	if cols == 0 || rows == 0 {
		cols, rows = defaultCols, defaultRows
	}
	left := max(rows-1, 1)
	if !mayAsk(os.Getenv("TERM"), os.Getenv("TMUX")) || !ask(f) {
		return Screen{W: cols, H: 2 * left}
	}
	w, h := int(ws.Xpixel), int(ws.Ypixel)
	if w == 0 || h == 0 {
		w, h = cols*cellW, rows*cellH
	}
	return Screen{W: w, H: max(h*left/rows, 1), Kitty: true}
}

// mayAsk reports whether a terminal of that kind can be asked for kitty's
// protocol. tmux and screen take the question for a title, and others show it.
func mayAsk(term, tmux string) bool {
	if tmux != "" {
		return false
	}
	for _, no := range []string{"screen", "tmux", "linux", "vt", "cons25"} {
		if strings.HasPrefix(term, no) {
			return false
		}
	}
	return true
}

// Blocks writes a picture, rows of width RGB pixels of 3 bytes from top to
// bottom, with a character for each two pixels one over the other: an upper half
// block whose foreground is the upper pixel and whose background is the lower
// one.
func Blocks(w io.Writer, pix []byte, width int) error {
	b := bufio.NewWriter(w)
	stride := 3 * width
	for ; len(pix) >= stride && stride > 0; pix = pix[min(2*stride, len(pix)):] {
		upper, lower := pix[:stride], pix[stride:]
		if len(lower) < stride {
			lower = nil // an odd height
		}
		was := ""
		for i := 0; i < stride; i += 3 {
			sgr := fmt.Sprintf("\x1b[38;2;%d;%d;%d", upper[i], upper[i+1], upper[i+2])
			if lower != nil {
				sgr += fmt.Sprintf(";48;2;%d;%d;%d", lower[i], lower[i+1], lower[i+2])
			}
			if sgr != was {
				b.WriteString(sgr + "m")
				was = sgr
			}
			b.WriteString("▀")
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.Flush()
}

// chunk is how much of a picture one of kitty's escape codes may carry, in
// letters of base64.
const chunk = 4096

// Kitty writes a PNG file as it is to a terminal with kitty's protocol.
func Kitty(w io.Writer, png []byte) error {
	b := bufio.NewWriter(w)
	text := base64.StdEncoding.EncodeToString(png)
	keys := "a=T,f=100,q=2," // transmit and show, PNG, no answers
	for more := true; more; keys = "" {
		n := min(chunk, len(text))
		more = n < len(text)
		m := 0
		if more {
			m = 1
		}
		fmt.Fprintf(b, "\x1b_G%sm=%d;%s\x1b\\", keys, m, text[:n])
		text = text[n:]
	}
	b.WriteByte('\n')
	return b.Flush()
}
