package filter

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/output"
)

// list writes to w what would be done, and does nothing: a line for each picture,
//
//	IN -> OUT WIDTHxHEIGHT FORMAT
//
// Only headers are read, so a picture that is damaged further on is listed.
func (c *runner) list(sources []source, w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, s := range sources {
		line, err := c.line(s)
		if err != nil {
			c.report.Fail(fmt.Errorf("%s: %w", s.name(), err))
		}
		if line != "" {
			fmt.Fprintln(out, cli.Line(line))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	c.sum("to write")
	return c.report.Status()
}

// line returns the line of a source, or "" if nothing would be written.
func (c *runner) line(s source) (string, error) {
	switch {
	case s.err != nil:
		return "", s.err
	case s.unknown:
		c.others++
		return "", nil
	case c.isDone(s):
		c.left++
		return "", nil
	}
	p, in, prepared, ok := c.open(s, false)
	if in != nil {
		defer in.Close()
	}
	if p.unknown {
		c.others++
	}
	if !ok {
		return "", p.err
	}
	c.written++
	to := "-"
	switch {
	case s.to != "":
		to = filepath.Join(c.Dir, s.sub, s.to)
	case c.Inplace:
		to = s.operand
	case c.dir != nil:
		to = c.dir.Propose(s.sub, output.Name(p.base, prepared.Format, "stdin"))
	case c.Output != "":
		to = c.Output
	}
	return fmt.Sprintf("%s -> %s %dx%d %s", s.name(), to, prepared.W, prepared.H, prepared.Format), nil
}
