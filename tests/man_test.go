package tests

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is the manual page of each command.
var page = map[string]string{
	"gray": "gray.1", "scale": "scale.1", "imgput": "imgput.1", "imgget": "imgget.1", "imgls": "imgls.1", "imgrm": "imgrm.1",
	"imginfo": "imginfo.1", "imgsign": "imgsign.1",
	"grayd": "grayd.8", "scaled": "scaled.8", "heifd": "heifd.8", "imgd": "imgd.8",
}

// flags that -h or a manual page shows: each spelling with its argument's name.
type flagSet map[string]string

// helpOf runs NAME -h and returns its synopsis, its line of what it is, and its flags.
func helpOf(t *testing.T, name string) (usage, about string, flags flagSet, pairs [][2]string) {
	t.Helper()
	r := run(t, nil, name, "-h")
	if r.status != 0 || r.err != "" {
		t.Fatalf("%s -h: exit %d, stderr %q", name, r.status, r.err)
	}
	lines := strings.Split(strings.TrimSuffix(string(r.out), "\n"), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "usage: "+name+" ") {
		t.Fatalf("%s -h prints\n%s", name, r.out)
	}
	flags = flagSet{}
	for _, l := range lines[2:] {
		spellings := tag(l)
		if len(spellings) == 0 {
			t.Errorf("%s -h: %q shows no flag", name, l)
		}
		var pair [2]string
		for i, s := range spellings {
			flags[s[0]] = strings.ToLower(s[1])
			pair[min(i, 1)] = s[0]
		}
		if pair[1] != "" {
			pairs = append(pairs, pair)
		}
	}
	return strings.TrimPrefix(lines[0], "usage: "), lines[1], flags, pairs
}

var spelling = regexp.MustCompile(`^(?:, +)?--?([A-Za-z0-9]+)(?: +([A-Za-z0-9|]+))?`)

// tag reads the flags at the beginning of a line, `  -i IP, --ip IP   text`, as
// pairs of name and argument. At least two spaces, or the end, follow the tag.
func tag(line string) (spellings [][2]string) {
	line = strings.ReplaceAll(strings.TrimLeft(line, " "), " | ", "|")
	if i := strings.Index(line, "  "); i >= 0 {
		line = line[:i]
	}
	for line != "" {
		m := spelling.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		spellings = append(spellings, [2]string{m[1], m[2]})
		line = line[len(m[0]):]
	}
	for i := len(spellings) - 1; i > 0; i-- { // "-i, --ip ip": one argument for both
		if spellings[i-1][1] == "" {
			spellings[i-1][1] = spellings[i][1]
		}
	}
	return spellings
}

// render returns a manual page as text with lines as long as they like.
func render(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("mandoc", "-T", "ascii", "-O", "width=1000", filepath.Join(root, "man", name)).Output()
	if err != nil {
		t.Fatalf("mandoc %s: %v", name, err)
	}
	return string(regexp.MustCompile(".\x08").ReplaceAll(out, nil))
}

// section returns the lines of one section of a rendered page.
func section(text, name string) string {
	_, after, ok := strings.Cut(text, "\n"+name+"\n")
	if !ok {
		return ""
	}
	if i := regexp.MustCompile(`(?m)^[A-Z]`).FindStringIndex(after); i != nil {
		after = after[:i[0]]
	}
	return after
}

// plain brings a synopsis to one form: one space between words, lower case.
func plain(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	return strings.NewReplacer(" ...", "...", "[ ", "[", " ]", "]", " | ", "|").Replace(s)
}

// -h and the manual page say the same; the package comment says what the command is.
func TestManAgreesWithHelp(t *testing.T) {
	for name, file := range page {
		usage, about, flags, _ := helpOf(t, name)
		text := render(t, file)
		if got := section(text, "SYNOPSIS"); plain(got) != plain(usage) {
			t.Errorf("SYNOPSIS of %s:\n  %s\nand %s -h:\n  %s", file, plain(got), name, plain(usage))
		}
		inMan := flagSet{}
		for _, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimLeft(l, " "), "-") && strings.HasPrefix(l, "  ") {
				for _, s := range tag(l) {
					inMan[s[0]] = strings.ToLower(s[1])
				}
			}
		}
		for f, arg := range flags {
			if a, ok := inMan[f]; !ok {
				t.Errorf("%s: -%s of -h is not in %s", name, f, file)
			} else if a != arg {
				t.Errorf("%s: -%s takes %q in -h and %q in %s", name, f, arg, a, file)
			}
		}
		for f := range inMan {
			if _, ok := flags[f]; !ok {
				t.Errorf("%s: -%s of %s is not in -h", name, f, file)
			}
		}
		for _, word := range regexp.MustCompile(`\[?(-[A-Za-z]+)`).FindAllStringSubmatch(usage, -1) {
			if _, ok := flags[strings.TrimPrefix(word[1], "-")]; !ok {
				t.Errorf("%s: %s of the synopsis is not explained in -h", name, word[1])
			}
		}

		doc := packageComment(t, name)
		if first := strings.SplitN(doc, "\n\n", 2)[0]; !strings.HasPrefix(first, strings.ToUpper(name[:1])+name[1:]+" ") && !strings.HasPrefix(first, name+" ") && !strings.HasPrefix(first, "Command "+name) {
			t.Errorf("cmd/%s/main.go: the package comment begins %q", name, first)
		}
		if about == "" || strings.HasPrefix(about, " ") {
			t.Errorf("%s -h: second line %q, want one line what it is", name, about)
		}
		if v := run(t, nil, name, "-version"); v.status != 0 || len(bytes.TrimSpace(v.out)) == 0 || v.err != "" {
			t.Errorf("%s -version: exit %d, %q, %q", name, v.status, v.out, v.err)
		}
		for _, h := range []string{"--help", "--h", "-help"} {
			if r := run(t, nil, name, h); r.status != 0 || !strings.Contains(string(r.out), "usage: ") {
				t.Errorf("%s %s: exit %d, %q", name, h, r.status, r.out)
			}
		}
		bad := run(t, nil, name, "-nosuchflag")
		if lines := strings.Split(strings.TrimSuffix(bad.err, "\n"), "\n"); bad.status != 2 || len(bad.out) > 0 || len(lines) != 2 || lines[1] != "see "+name+" -h" {
			t.Errorf("%s -nosuchflag: exit %d, %q", name, bad.status, bad.err)
		}
	}
}

func packageComment(t *testing.T, name string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "cmd", name, "main.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	return f.Doc.Text()
}

// longNames is the table of interfaces: one letter means one thing everywhere.
var longNames = map[string]string{
	"C": "check", "a": "address", "d": "dir", "f": "format", "g": "gray", "h": "help", "i": "ip", "k": "kernel", "l": "luma",
	"n": "workers", "o": "output", "p": "port", "q": "quality", "r": "recursive", "s": "scale", "t": "timeout", "w": "wait",
}

func TestManOneLetterOneMeaning(t *testing.T) {
	meaning := map[string]string{} // a flag of any command → its argument
	for name := range page {
		_, _, flags, pairs := helpOf(t, name)
		for f, arg := range flags {
			if was, ok := meaning[f]; ok && was != arg {
				t.Errorf("-%s takes %q in %s and %q elsewhere", f, arg, name, was)
			}
			meaning[f] = arg
			if len(f) == 1 && longNames[f] == "" {
				t.Errorf("%s: letter -%s is in no table", name, f)
			}
		}
		for _, p := range pairs {
			if longNames[p[0]] != p[1] {
				t.Errorf("%s: -%s is --%s, want --%s", name, p[0], p[1], longNames[p[0]])
			}
		}
		for letter, long := range longNames {
			_, short := flags[letter]
			_, full := flags[long]
			if short != full {
				t.Errorf("%s has only one of -%s and --%s", name, letter, long)
			}
		}
	}
}

// mandoc finds nothing to complain of. It is told not to look for the pages that
// others refer to: those of the system need not be installed.
func TestManLint(t *testing.T) {
	pages, _ := filepath.Glob(filepath.Join(root, "man", "*.[1-8]"))
	var names []string
	for _, p := range pages {
		names = append(names, filepath.Base(p))
		out, _ := exec.Command("mandoc", "-T", "lint", "-W", "style", p).CombinedOutput()
		for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			if l != "" && !strings.Contains(l, "referenced manual not found") && !strings.Contains(l, "outdated mandoc.db") {
				t.Error(strings.ReplaceAll(l, root+"/", ""))
			}
		}
	}
	want := []string{"gray.1", "grayd.8", "heifd.8", "imgbench.7", "imgchanges.7", "imgd.8", "imgget.1", "imginfo.1", "imgls.1", "imgproto.7", "imgput.1", "imgrm.1", "imgsign.1", "imgspool.5", "imgtools-operating.7", "imgtools.7", "scale.1", "scaled.8"}
	if !slices.Equal(names, want) {
		t.Errorf("manual pages %v, want %v", names, want)
	}
	// A page of the project that another one refers to exists.
	for _, p := range pages {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\.(?:It )?Xr (\S+) ([1-8])`).FindAllStringSubmatch(string(b), -1) {
			ours := strings.HasPrefix(m[1], "img") || m[1] == "gray" || m[1] == "scale" || m[1] == "grayd" || m[1] == "scaled" || m[1] == "heifd"
			if ours && !slices.Contains(names, m[1]+"."+m[2]) {
				t.Errorf("%s refers to %s(%s)", filepath.Base(p), m[1], m[2])
			}
		}
	}
	// Every page of a command has the sections that people look for.
	for name, file := range page {
		text := render(t, file)
		for _, s := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} {
			if section(text, s) == "" {
				t.Errorf("%s has no %s", file, s)
			}
		}
		if !strings.Contains(section(text, "NAME"), name) {
			t.Errorf("%s: NAME is not %s", file, name)
		}
	}
}

// localServer is the address of imgd in examples.
var localServer = regexp.MustCompile(`(?:http://)?localhost:8080`)

// Every line of the filters' and clients' EXAMPLES that calls a program of the project runs.
func TestManExamples(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	for _, name := range []string{"gray", "scale", "imgput", "imgget", "imgls", "imgrm", "imginfo"} {
		dir := exampleFolder(t)
		ran := 0
		for _, line := range examples(t, page[name]) {
			if !regexp.MustCompile(`\b(gray|scale|imgput|imgget|imgls|imgrm|imginfo|curl)\b`).MatchString(line) {
				continue
			}
			line = localServer.ReplaceAllLiteralString(line, s.url)
			if r := sh(t, dir, line); r.status != 0 {
				t.Errorf("%s: %s: exit %d\n%s", page[name], line, r.status, r.err)
			}
			ran++
		}
		if ran == 0 {
			t.Errorf("%s has no example that runs", page[name])
		}
	}
}

// examples returns the literal lines of a page's EXAMPLES.
func examples(t *testing.T, file string) (lines []string) {
	t.Helper()
	src := string(read(t, filepath.Join(root, "man", file)))
	_, src, _ = strings.Cut(src, "\n.Sh EXAMPLES\n")
	src, _, _ = strings.Cut(src, "\n.Sh ")
	literal := false
	for _, l := range strings.Split(src, "\n") {
		switch {
		case strings.HasPrefix(l, ".Bd -literal"):
			literal = true
		case strings.HasPrefix(l, ".Ed"):
			literal = false
		case strings.HasPrefix(l, ".Dl "):
			lines = append(lines, unroff(strings.TrimPrefix(l, ".Dl ")))
		case literal:
			lines = append(lines, unroff(l))
		}
	}
	return lines
}

// unroff takes roff's escapes out of a literal line.
func unroff(s string) string {
	return strings.TrimPrefix(strings.NewReplacer(`\&`, "", `\-`, "-", `\(aq`, "'", `\(dq`, `"`, `\e`, `\`, `\(ti`, "~", `\(ha`, "^").Replace(s), "$ ")
}

// exampleFolder has the files that examples speak of.
func exampleFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	m := photo(640, 480, 8)
	for _, name := range []string{"foo.jpg", "foo.png", "IMG_1.jpg", "IMG_2.jpg", "photo.jpg", "logo.png", "screenshot.png", "photos/a.jpg", "photos/b.jpg"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		save(t, dir, name, m)
	}
	return dir
}
