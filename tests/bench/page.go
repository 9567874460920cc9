package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// figures are the files that a run is read from and drawn into; "" is none.
type figures struct {
	from, to, svg, man string
	tables             []string // NAME=FILE: the output of another measurement
}

func (f *figures) addTable(v string) error {
	if !strings.Contains(v, "=") {
		return errors.New("want name=FILE")
	}
	f.tables = append(f.tables, v)
	return nil
}

// keep writes a run that was just measured, to last.json in the cache or where the flag
// says, and draws it.
func (f *figures) keep(r run, cache string) error {
	path := f.to
	if path == "" {
		path = filepath.Join(cache, "last.json")
	}
	if err := r.write(path); err != nil {
		return err
	}
	return f.draw(r)
}

// redraw draws what earlier calls have measured.
func (f *figures) redraw(w io.Writer) error {
	if f.from != "" {
		r, err := readRun(f.from)
		if err != nil {
			return err
		}
		if f.svg == "" && f.man == "" {
			r.print(w)
		}
		if err := f.draw(r); err != nil {
			return err
		}
	}
	for _, t := range f.tables {
		name, path, _ := strings.Cut(t, "=")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		table, err := tableRows(string(text))
		if err == nil {
			err = putFigures(f.man, name, table)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

// draw writes the chart and the page of a run.
func (f *figures) draw(r run) error {
	if f.svg != "" {
		var b bytes.Buffer
		if err := r.chart(&b); err != nil {
			return err
		}
		if err := os.WriteFile(f.svg, b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	if f.man != "" {
		var b strings.Builder
		r.print(&b)
		return putFigures(f.man, "jobs", literal(b.String()))
	}
	return nil
}

// Figures in a manual page stand between two comments, of which the first names them:
//
//	.\" begin figures: jobs
//	...
//	.\" end figures
var figuresPart = regexp.MustCompile(`(?s)(\.\\" begin figures: ([a-z]+)\n).*?(\.\\" end figures\n)`)

// putFigures replaces the named figures of a manual page.
func putFigures(page, name string, lines []byte) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	found := false
	text = figuresPart.ReplaceAllFunc(text, func(part []byte) []byte {
		m := figuresPart.FindSubmatch(part)
		if string(m[2]) != name {
			return part
		}
		found = true
		return bytes.Join([][]byte{m[1], lines, m[3]}, nil)
	})
	if !found {
		return fmt.Errorf("%s: no figures called %q", page, name)
	}
	return os.WriteFile(page, text, 0o666)
}

// literal makes lines of text a block that a manual page shows as it is.
func literal(text string) []byte {
	var b bytes.Buffer
	b.WriteString(".Bd -literal\n")
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(line, `\`, `\e`)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line)
	}
	b.WriteString(".Ed\n")
	return b.Bytes()
}

// tableRows makes rows of a .Bl -column from the table that another measurement has
// printed: in Markdown (bench -http -markdown), or as lines with two spaces or more
// between their fields, below a line of dashes (make faults). Other lines are skipped.
// The first field comes last: of a row in a manual page only the last one may be long.
func tableRows(text string) ([]byte, error) {
	var b bytes.Buffer
	head, last := []string(nil), ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		split := func(line string) (fields []string) {
			if !strings.HasPrefix(line, "|") {
				return gaps.Split(line, -1)
			}
			for f := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
				fields = append(fields, strings.TrimSpace(f))
			}
			return fields
		}
		fields := split(line)
		switch {
		case head == nil && strings.HasPrefix(strings.TrimLeft(line, "|"), "---"):
			head = split(last)
		case head != nil && len(fields) == len(head):
			b.WriteString(".It")
			for _, f := range fields[1:] {
				fmt.Fprintf(&b, " %s Ta", cmp.Or(f, "-"))
			}
			fmt.Fprintf(&b, " %s\n", fields[0])
		}
		last = line
	}
	if b.Len() == 0 {
		return nil, errors.New("no table in it")
	}
	return b.Bytes(), nil
}

var gaps = regexp.MustCompile(`  +`)
