package dispatch

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

// Bounds of a worker's answer. A worker that a picture has taken over may answer
// anything, so each answer is checked against these bounds and the file it wrote.

// bytesPerPixel is the most that a result has: four samples of 16 bits.
const bytesPerPixel = 8

// resultHead is room for the header, palettes, profile and metadata of a result.
const resultHead = 16 << 20

// maxResult bounds the bytes of a result of at most pixels pixels, all frames
// included.
func maxResult(pixels int64) int64 {
	if pixels > (math.MaxInt64-resultHead)/bytesPerPixel {
		return math.MaxInt64
	}
	return pixels*bytesPerPixel + resultHead
}

// checkLine parses a reply line and refuses what a worker can't mean.
func checkLine(line string, sent bool) (wire.Reply, error) {
	reply, err := wire.ParseReply(line)
	if err == nil {
		return reply, nil
	}
	kind := fault.Of(err)
	if kind == fault.Internal && !strings.HasPrefix(line, "err internal ") { // no reply at all
		return wire.Reply{}, &failure{event: lied, err: err}
	}
	if !kind.Worker() {
		return wire.Reply{}, &failure{event: lied, err: fmt.Errorf("a worker answered with the kind %s, which only the front uses", kind)}
	}
	return wire.Reply{}, &failure{event: refused, err: err, sent: sent}
}

var errNoEnd = errors.New("a worker answered with a line that has no end")
