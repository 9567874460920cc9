package filter

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"

	"imgtools/pkg/filename"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/output"
)

// list writes to w what would be done, and does nothing: a line for each result,
//
//	IN -> OUT WIDTHxHEIGHT FORMAT
//
// Only headers are read, so a picture that is damaged further on is listed.
func (c *runner) list(sources []source, w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, s := range sources {
		lines, err := c.lines(s)
		if err != nil {
			c.report.Fail(fmt.Errorf("%s: %w", s.name(), err))
		}
		for _, line := range lines {
			fmt.Fprintln(out, cli.Line(line))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	c.sum("to write")
	return c.report.Status()
}

// lines returns the lines of a source: none if nothing would be written.
func (c *runner) lines(s source) ([]string, error) {
	switch {
	case s.err != nil:
		return nil, s.err
	case s.unknown:
		c.others++
		return nil, nil
	case c.isDone(s):
		c.left++
		return nil, nil
	}
	p, in, prepared, ok := c.open(s, false)
	if in != nil {
		defer in.Close()
	}
	if p.unknown {
		c.others++
	}
	if !ok {
		return nil, p.err
	}
	c.written++
	var lines []string
	for i, suffix := range c.suffixes() {
		to := "-"
		switch {
		case s.to != nil:
			to = filepath.Join(c.Dir, s.sub, s.to[i])
		case c.Inplace:
			to = s.operand
		case c.dir != nil:
			to = c.dir.Propose(s.sub, filename.Suffixed(output.Name(p.base, prepared.Format, "stdin"), suffix))
		case c.Output != "":
			to = c.Output
		}
		size := prepared.Sizes[i]
		lines = append(lines, fmt.Sprintf("%s -> %s %dx%d %s", s.name(), to, size.W, size.H, prepared.Format))
	}
	return lines, nil
}
