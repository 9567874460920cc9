package show

import (
	"bytes"
	"time"
)

// patience is how long to wait for the terminal's answer, which may come over a slow
// line.
const patience = time.Second

// question asks kitty's protocol whether a picture of one pixel could be shown, and
// then for the device attributes (DA1, ECMA-48 8.3.24), which every terminal reports.
// When those arrive without an answer to the first question, the answer is no.
const question = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" + "\x1b[c"

// answered reports whether said holds an answer to DA1: ESC [ ? numbers c.
func answered(said []byte) bool {
	_, rest, ok := bytes.Cut(said, []byte("\x1b[?"))
	end := bytes.TrimLeft(rest, "0123456789;")
	return ok && len(end) > 0 && end[0] == 'c'
}

// kitty reports whether said holds the answer that kitty's protocol is known.
func kitty(said []byte) bool { return bytes.Contains(said, []byte("\x1b_Gi=31;OK\x1b\\")) }
