// Package plantest writes requests for tests of what package plan does.
package plantest

import (
	"fmt"
	"strings"

	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/raster"
)

// Ask reads a request as words with a space between them: "gray scale=1/4 fine". A
// value may be left empty, and a number 0, for a word that is not given. The word
// handover asks for gray only, of gray and scale; ahead lets the decoder have a CPU of
// its own; of=WxH, reduced=N and origin=XxY are those of the wire. It panics when package ops
// refuses the words.
func Ask(text string) plan.Request {
	var r plan.Request
	var words []ops.Word
	for _, f := range strings.Fields(text) {
		key, value, valued := strings.Cut(f, "=")
		switch {
		case valued && value == "" || key == "quality" && value == "0":
		case key == "handover":
			r.HandOver = true
		case key == "ahead":
			r.Ahead = true
		case key == "of":
			fmt.Sscanf(value, "%dx%d", &r.OfW, &r.OfH)
		case key == "origin":
			fmt.Sscanf(value, "%dx%d", &r.OriginX, &r.OriginY)
		case key == "reduced":
			fmt.Sscan(value, &r.Reduced)
		default:
			words = append(words, ops.Word{Key: key, Value: value})
		}
	}
	var err error
	if r.Ops, err = ops.Parse(words); err != nil {
		panic(err)
	}
	return r
}

// Within is Ask with limits.
func Within(lim raster.Limits, text string) plan.Request {
	r := Ask(text)
	r.Limits = lim
	return r
}
