package jail

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
)

// A message is one packet: fields with a zero byte between them. The client sends
//
//	run ID TIME MEMORY OUTPUT INNAME OUTNAME PATH ARG...   with In and Out
//	kill ID                                                end the program of that ID
//	pipe ID
//	memory ID
//
// and the launcher answers each but kill once:
//
//	done ID KIND TEXT   KIND is empty for success, TEXT then too; with the new files
const (
	maxMessage = 16 << 10 // bytes
	runFields  = 8        // before the arguments
)

var errMessage = errors.New("a message that is none")

func join(fields ...string) ([]byte, error) {
	for _, f := range fields {
		if strings.ContainsRune(f, 0) {
			return nil, fmt.Errorf("a zero byte in %q", f)
		}
	}
	p := []byte(strings.Join(fields, "\x00"))
	if len(p) >= maxMessage { // a packet of that size may have been cut
		return nil, fmt.Errorf("a message of %d bytes > %d", len(p), maxMessage-1)
	}
	return p, nil
}

func split(p []byte) []string {
	var fields []string
	for f := range bytes.SplitSeq(p, []byte{0}) {
		fields = append(fields, string(f))
	}
	return fields
}

// runMessage returns the message that asks for c; its files go beside it.
func runMessage(id string, c Command) ([]byte, error) {
	return join(append([]string{
		"run", id, strconv.FormatInt(int64(c.Time), 10), strconv.FormatUint(c.Memory, 10), strconv.FormatUint(c.Output, 10),
		c.InName, c.OutName, c.Path}, c.Args...)...)
}

// parseRun reads a run message's fields.
func parseRun(fields []string) (c Command, err error) {
	if len(fields) < runFields {
		return c, errMessage
	}
	ns, err1 := strconv.ParseInt(fields[2], 10, 64)
	memory, err2 := strconv.ParseUint(fields[3], 10, 64)
	output, err3 := strconv.ParseUint(fields[4], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return c, errMessage
	}
	c = Command{
		Time: time.Duration(ns), Memory: memory, Output: output,
		InName: fields[5], OutName: fields[6], Path: fields[7], Args: fields[runFields:],
	}
	return c, c.check()
}

// check refuses a command that makes no sense.
func (c Command) check() error {
	switch {
	case !filepath.IsAbs(c.Path):
		return fmt.Errorf("program %q: not an absolute path", c.Path)
	case !plainName(c.InName) || !plainName(c.OutName) || c.InName == c.OutName:
		return fmt.Errorf("files %q and %q: not two names in a folder", c.InName, c.OutName)
	case c.Time <= 0 || c.Memory == 0 || c.Output == 0:
		return fmt.Errorf("limits of %v, %d and %d bytes: must be over 0", c.Time, c.Memory, c.Output)
	}
	return nil
}

// plainName reports whether s names a file in the current folder.
func plainName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 64 && !strings.ContainsAny(s, "/\x00")
}

// fields returns caps as arguments of a launcher.
func (caps Caps) fields() []string {
	return append([]string{
		strconv.FormatInt(int64(caps.Time), 10), strconv.FormatUint(caps.Memory, 10), strconv.FormatUint(caps.Output, 10)}, caps.Programs...)
}

func parseCaps(fields []string) (caps Caps, err error) {
	if len(fields) < 3 {
		return caps, errMessage
	}
	ns, err1 := strconv.ParseInt(fields[0], 10, 64)
	memory, err2 := strconv.ParseUint(fields[1], 10, 64)
	output, err3 := strconv.ParseUint(fields[2], 10, 64)
	return Caps{Time: time.Duration(ns), Memory: memory, Output: output, Programs: fields[3:]}, errors.Join(err1, err2, err3)
}

// lower lowers the limits of c to those of caps. It fails if the program is not
// among those of caps.
func (caps Caps) lower(c *Command) error {
	if len(caps.Programs) > 0 && !slices.Contains(caps.Programs, c.Path) {
		return fmt.Errorf("program %q: not one that this launcher may start", c.Path)
	}
	if caps.Time > 0 {
		c.Time = min(c.Time, caps.Time)
	}
	if caps.Memory > 0 {
		c.Memory = min(c.Memory, caps.Memory)
	}
	if caps.Output > 0 {
		c.Output = min(c.Output, caps.Output)
	}
	return nil
}

// doneMessage returns the answer to the message with an ID.
func doneMessage(id string, err error) []byte {
	kind, text := "", ""
	if err != nil {
		kind, text = fault.Of(err).String(), strings.ReplaceAll(err.Error(), "\x00", "")
	}
	p, err := join("done", id, kind, text)
	if err != nil {
		p, _ = join("done", id, fault.Internal.String(), err.Error())
	}
	return p
}

// parseDone reads an answer.
func parseDone(p []byte) (id string, result error, ok bool) {
	f := split(p)
	if len(f) != 4 || f[0] != "done" {
		return "", nil, false
	}
	if f[2] != "" {
		kind, _ := fault.Parse(f[2])
		result = fault.New(kind, "%s", f[3])
	}
	return f[1], result, true
}
