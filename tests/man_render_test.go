package tests

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// typesetters print a manual page for a terminal of a width: groff as man-db
// calls it, and mandoc. Both write bold as c BS c and underlined as _ BS c.
var typesetters = map[string]func(file string, width int) *exec.Cmd{
	"groff": func(file string, width int) *exec.Cmd {
		return exec.Command("groff", "-mandoc", "-Kutf8", "-Tutf8", "-P-c", fmt.Sprintf("-rLL=%dn", width), file)
	},
	"mandoc": func(file string, width int) *exec.Cmd {
		return exec.Command("mandoc", "-Tutf8", fmt.Sprintf("-Owidth=%d", width), file)
	},
}

// typesetLine is one line on the terminal. bold[i] belongs to text[i].
type typesetLine struct {
	text []rune
	bold []bool
}

// typeset runs a typesetter on a page. What it complains of is an error.
func typeset(program, file string, width int) (lines []typesetLine, err error) {
	var complaints bytes.Buffer
	cmd := typesetters[program](file, width)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err == nil && complaints.Len() > 0 {
		err = errors.New(strings.TrimSpace(complaints.String()))
	}
	for _, raw := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		var l typesetLine
		overstrike := false
		for _, r := range raw {
			switch last := len(l.text) - 1; {
			case r == '\b':
				overstrike = true
				continue
			case overstrike && last >= 0:
				l.bold[last] = l.bold[last] || l.text[last] == r
				l.text[last] = r
			default:
				if r == '\u2010' || r == '\u2212' { // a hyphen is a hyphen
					r = '-'
				}
				l.text, l.bold = append(l.text, r), append(l.bold, false)
			}
			overstrike = false
		}
		lines = append(lines, l)
	}
	return lines, err
}

// leastColumn is the least width, in characters, that a column of text may have.
const leastColumn = 8

var option = regexp.MustCompile(`(?:^|[\s([|])(--?[A-Za-z]\w*)`)

// typesettingFaults returns what a reader of the lines would stumble over: lines
// over the width, columns too narrow for text, and bold options that no command has.
func typesettingFaults(lines []typesetLine, width int, known func(flag string) bool) (faults []string) {
	for i, l := range lines {
		text := string(l.text)
		if len(l.text) > width {
			faults = append(faults, fmt.Sprintf("line %d has %d characters, over %d: %s", i+1, len(l.text), width, text))
		}
		if room := width - (len(l.text) - len([]rune(strings.TrimLeft(text, " ")))); len(l.text) > 0 && room < leastColumn {
			faults = append(faults, fmt.Sprintf("line %d is in a column of %d characters: %s", i+1, room, text))
		}
		// \w and the hyphen are ASCII, but bytes before them need not be.
		for _, m := range option.FindAllStringSubmatchIndex(text, -1) {
			word := text[m[2]:m[3]]
			if l.bold[len([]rune(text[:m[2]]))] && !known(strings.TrimLeft(word, "-")) {
				faults = append(faults, fmt.Sprintf("line %d: no command has the option %s: %s", i+1, word, strings.TrimSpace(text)))
			}
		}
	}
	return faults
}

var (
	tableStart  = regexp.MustCompile(`^\.Bl -column(?: -offset \S+)?(.*?)(?: -compact)?$`)
	tableWidth  = regexp.MustCompile(`"[^"]*"|\S+`)
	tableFlag   = regexp.MustCompile(`\bFl (\S+)`)
	tableFont   = regexp.MustCompile(`\b(?:Em|Sy|Cm|Li|Pa|No|Ic|Xr) `)
	tableSpaces = regexp.MustCompile(` +([,.;:)])`)
)

// tableFaults checks each .Bl -column of a page's source. Every cell but a row's
// last fits the width of its column, or it runs into the next one. The last column
// has no width: groff begins its further lines behind all the widths.
func tableFaults(source string) (faults []string) {
	var widths []string
	open := false
	for i, line := range strings.Split(source, "\n") {
		if m := tableStart.FindStringSubmatch(line); m != nil {
			open, widths = true, tableWidth.FindAllString(m[1], -1)
		} else if line == ".El" {
			open = false
		} else if row, ok := strings.CutPrefix(line, ".It "); open && ok {
			cells := strings.Split(row+" ", " Ta ")
			if len(cells) != len(widths)+1 {
				faults = append(faults, fmt.Sprintf("source line %d: %d cells, but %d widths, want one fewer than cells", i+1, len(cells), len(widths)))
				open = false // once for a table
			}
			for j, cell := range cells[:min(len(widths), len(cells)-1)] {
				shown := tableSpaces.ReplaceAllString(tableFont.ReplaceAllString(tableFlag.ReplaceAllString(unroff(cell), "-$1"), ""), "$1")
				if room := len(strings.Trim(widths[j], `"`)); len(strings.TrimSpace(shown)) > room {
					faults = append(faults, fmt.Sprintf("source line %d: %q is wider than its column of %d characters", i+1, shown, room))
				}
			}
		}
	}
	return faults
}

// lostExamples returns the examples of a page's source, one line each, that the
// lines on the terminal do not show as a person has to type them: roff takes away
// a double quote at the beginning of a macro's word.
func lostExamples(source string, lines []typesetLine) (lost []string) {
	var shown strings.Builder
	for _, l := range lines {
		shown.WriteString(string(l.text))
	}
	bare := func(s string) string { // a long line may be broken at any space
		return strings.NewReplacer(" ", "", "\t", "", "\u2019", "'").Replace(s)
	}
	text := bare(shown.String())
	literal := false
	for i, l := range strings.Split(source, "\n") {
		example, ok := "", false
		switch {
		case strings.HasPrefix(l, ".Bd -literal"):
			literal = true
		case l == ".Ed":
			literal = false
		case literal:
			example, ok = l, true
		default:
			if example, ok = strings.CutPrefix(l, ".Dl "); !ok {
				example, ok = strings.CutPrefix(strings.TrimPrefix(l, ".It "), ".Ql ")
			}
			example = macroOrPoint.ReplaceAllString(example, "")
		}
		if ok && !strings.HasPrefix(example, ".") && !strings.Contains(text, bare(unroff(example))) {
			lost = append(lost, fmt.Sprintf("source line %d is not shown as it is: %s", i+1, example))
		}
	}
	return lost
}

// macroOrPoint is the end of a macro's line that is not its own text.
var macroOrPoint = regexp.MustCompile(` (?:[,.;:)]+|(?:Ns|No|Pa|Ar|Ta|Cm) .*)$`)

// Each page is readable in man-db and in mandoc, on a usual and on a wide terminal.
func TestManRender(t *testing.T) {
	flags := map[string]bool{}
	for name := range page {
		_, _, of, _ := helpOf(t, name)
		for f := range of {
			flags[f] = true
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "man", "*.[1-8]"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no manual pages: %v", err)
	}
	for _, file := range pages {
		source := string(read(t, file))
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, f := range tableFaults(source) {
				t.Error(f)
			}
			for program := range typesetters {
				for _, width := range []int{80, 120} {
					t.Run(fmt.Sprint(program, width), func(t *testing.T) {
						lines, err := typeset(program, file, width)
						if err != nil {
							t.Error(err)
						}
						if len(lines) < 20 {
							t.Errorf("%d lines", len(lines))
						}
						for _, f := range typesettingFaults(lines, width, func(f string) bool { return flags[f] }) {
							t.Error(f)
						}
						for _, l := range lostExamples(source, lines) {
							t.Error(l)
						}
					})
				}
			}
		})
	}
}

// The checks of TestManRender find what they are there to find.
func TestManRenderFindsFaults(t *testing.T) {
	const head = ".Dd November 29, 2026\n.Dt FAULTY 7\n.Os\n.Sh NAME\n.Nm faulty\n.Nd page with a fault\n.Sh DESCRIPTION\n"
	wide := strings.Repeat("x", 76)
	for _, c := range []struct{ name, body, want string }{
		{"long literal line", ".Bd -literal\n" + wide + "\n.Ed\n", "over 80"},
		{"tag that leaves no room", ".Bl -tag -width " + wide[:70] + "\n.It tag\ntext in words\n.El\n", "in a column of"},
		{"text after a flag", "Raise\n.Fl t , or take less.\n", "no command has the option -or"},
		{"hyphen in a command", "Say\n.Cm -nosuch .\n", "no command has the option -nosuch"},
		{"width of the last column", ".Bl -column \"kind\" \"what\"\n.It kind Ta text\n.El\n", "want one fewer"},
		{"cell wider than its column", ".Bl -column \"kind\"\n.It Fl kind Ta text\n.El\n", `"-kind" is wider`},
		{"quotes in an example", ".Dl awk '$2 == \"queued\"'\n", "is not shown as it is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write(t, t.TempDir(), "faulty.7", []byte(head+c.body))
			for program := range typesetters {
				lines, err := typeset(program, file, 80)
				faults := append(tableFaults(c.body), typesettingFaults(lines, 80, func(f string) bool { return f == "t" || f == "kind" })...)
				faults = append(faults, lostExamples(c.body, lines)...)
				if err != nil && program == "groff" {
					faults = append(faults, err.Error())
				}
				if !strings.Contains(strings.Join(faults, "\n"), c.want) {
					t.Errorf("%s: faults %q, want %q", program, faults, c.want)
				}
			}
		})
	}
}
