// Package derived tests that what depends on the table of formats (package format) and
// on the registry of operations (package ops) is derived from them: a row that is added
// is seen everywhere, and no list of formats is kept a second time. It also writes the
// parts of the manual pages that derive from them:
//
//	go test ./tests/derived -update
package derived

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/format"
	"imgtools/pkg/ops"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/output"
)

var update = flag.Bool("update", false, "write the derived parts of the manual pages")

const root = "../.."

// fake is a format that no code knows.
var fake = format.Format{Name: "fake", Aliases: []string{"fk"}, Title: "Fake", Exts: []string{"fak"}, Media: "image/x-fake",
	Read: true, Write: true, Alpha: true, Quality: 40, About: "nothing"}

func TestAddedFormatIsSeenEverywhere(t *testing.T) {
	defer format.Set(append(slices.Clone(format.All()), fake))()
	o, err := ops.Parse([]ops.Word{{Key: "format", Value: "FK"}})
	if err != nil || o.Get("format") != "fake" {
		t.Errorf("format=FK is %v, %v", o, err)
	}
	for _, operation := range []string{"gray", "scale", ""} {
		help := helpOf(operation)
		if !regexp.MustCompile(`one of [a-z ]*\bfake\b`).MatchString(help) || !strings.Contains(help, "40 of Fake") {
			t.Errorf("-h does not offer the format and its quality:\n%s", help)
		}
	}
	ofOutput, err := output.FormatOf("x/y.fak")
	if err != nil {
		t.Error(err)
	}
	for what, got := range map[string]string{
		"name of a result":          output.Name("a.png", "fake", "id"),
		"extension of the original": output.Name("a.FAK", "fake", "id"),
		"replaced extension":        output.Name("a.fak", "png", "id"),
		"format of -o":              ofOutput,
		"format of a media type":    output.Format("image/x-fake"),
		"name over HTTP":            filename.SetExtension("Dr. Who", fake),
	} {
		want := map[string]string{"name of a result": "a.fak", "extension of the original": "a.FAK", "replaced extension": "a.png",
			"format of -o": "fake", "format of a media type": "fake", "name over HTTP": "Dr. Who.fak"}[what]
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	if !strings.Contains(format.ReadTitles(), "Fake") {
		t.Errorf("the message for unknown files names %s", format.ReadTitles())
	}
	if !strings.Contains(blocks["formats"](), "fake Ta yes Ta yes") || !strings.Contains(blocks["format words"](), "fk") {
		t.Error("the manual's tables lack the format")
	}
}

func TestAddedOptionIsSeenEverywhere(t *testing.T) {
	blur := ops.Option{Key: "blur", Short: "b", Arg: "kind", Help: "blur the picture", Values: func() []string { return []string{"weak", "strong"} }, Of: "scale"}
	i := slices.IndexFunc(ops.All(), func(o ops.Option) bool { return o.Key == "kernel" })
	defer ops.Set(slices.Insert(slices.Clone(ops.All()), i, blur))()
	o, err := ops.Parse([]ops.Word{{Key: "blur", Value: "strong"}, {Key: "scale", Value: "1/2"}})
	if err != nil || o.Get("blur") != "strong" {
		t.Errorf("blur=strong is %v, %v", o, err)
	}
	if _, err := ops.Parse([]ops.Word{{Key: "blur", Value: "strong"}, {Key: "gray"}}); err == nil {
		t.Error("blur without scale is accepted")
	}
	if help := helpOf("scale"); !strings.Contains(help, "[-b weak|strong]") || !strings.Contains(help, "-b KIND, --blur KIND") {
		t.Errorf("scale -h has no -b:\n%s", help)
	}
	if help := helpOf("gray"); strings.Contains(help, "blur") {
		t.Errorf("gray -h has an option of scale:\n%s", help)
	}
	if flags := ops.FlagsFor(ops.Word{Key: "blur", Value: "strong"}); len(flags) != 1 || flags[0] != (ops.Flag{Name: "-b", Value: "strong"}) {
		t.Errorf("flags of blur=strong: %v", flags)
	}
	if !strings.Contains(blocks["synopsis scale"](), ".Op Fl b Cm weak|strong\n") {
		t.Errorf("synopsis:\n%s", blocks["synopsis scale"]())
	}
}

func TestAddedOperationIsAVerb(t *testing.T) {
	spin := ops.Option{Key: "spin", Arg: "degrees", Help: "turn the picture", Parse: func(_, s string) (string, error) { return s, nil }, Daemon: "spind"}
	defer ops.Set(slices.Insert(slices.Clone(ops.All()), 2, spin))()
	if r, err := wire.ParseRequest("img/1 spin 90 format=png"); err != nil || r.Geometry != "90" {
		t.Errorf("request: %+v, %v", r, err)
	}
	o := ops.Must("gray spin=90")
	if o.Label() != "gray+spin" || !slices.Equal(ops.Daemons(), []string{"grayd", "spind", "scaled"}) {
		t.Errorf("label %s, daemons %v", o.Label(), ops.Daemons())
	}
}

func helpOf(operation string) string {
	f := cli.New("x", "", "[file]...")
	f.Options(operation)
	return f.Help()
}

// listed are the only files with a list of formats: the table itself, and the code that
// reads and writes each.
var listed = []string{"pkg/format/table.go", "pkg/picture/codec/formats.go"}

// TestNoOtherListOfFormats looks for three or more formats that code reads or writes:
// in a text that says little else, in the strings of one literal, call or switch, or
// on a line of a script or template.
func TestNoOtherListOfFormats(t *testing.T) {
	known := map[string]string{} // a word, extension or media type, and its format
	for _, f := range format.All() {
		if f.Read || f.Write {
			for _, w := range slices.Concat([]string{f.Name, f.Media, strings.TrimPrefix(f.Media, "image/")}, f.Aliases, f.Exts) {
				known[w] = f.Name
			}
		}
	}
	separators := regexp.MustCompile(`[^a-zA-Z0-9/-]+`)
	count := func(text string) int {
		seen, words := map[string]bool{}, 0
		for _, w := range separators.Split(text, -1) {
			if w == "" || w == "or" || w == "and" {
				continue
			}
			words++
			if name := known[strings.ToLower(w)]; name != "" {
				seen[name] = true
			}
		}
		if 2*len(seen) < words { // a sentence
			return 0
		}
		return len(seen)
	}
	for _, top := range []string{"cmd", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				if err == nil {
					err = fs.SkipDir
				}
				return err
			}
			name, _ := filepath.Rel(root, path)
			if d.IsDir() || slices.Contains(listed, filepath.ToSlash(name)) || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "test/") {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if filepath.Ext(path) != ".go" {
				for i, line := range strings.Split(string(b), "\n") {
					if count(line) >= 3 {
						t.Errorf("%s:%d lists formats: %s", name, i+1, strings.TrimSpace(line))
					}
				}
				return nil
			}
			literals(t, path, b, func(line int, text string) {
				if count(text) >= 3 {
					t.Errorf("%s:%d lists formats: %s", name, line, text)
				}
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// literals calls f with the strings of each composite literal, call or switch of a Go
// file, joined.
func literals(t *testing.T, path string, src []byte, f func(line int, text string)) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.CompositeLit, *ast.CallExpr, *ast.SwitchStmt:
		case *ast.BasicLit:
		default:
			return true
		}
		var text []string
		ast.Inspect(n, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					text = append(text, s)
				}
			}
			return true
		})
		f(fset.Position(n.Pos()).Line, strings.Join(text, " "))
		return false
	})
}

// blocks are the derived parts of manual pages by their names. A part stands between
// the comments `begin derived: NAME` and `end derived`.
var blocks = map[string]func() string{
	"formats":         formatTable,
	"errors":          errorTable,
	"advice":          errorAdvice,
	"format words":    formatWords,
	"kernels":         func() string { return ".Cm " + strings.Join(ops.Kernels(), " , ") + "\n" },
	"synopsis gray":   func() string { return synopsis("gray") },
	"synopsis scale":  func() string { return synopsis("scale") },
	"synopsis imgput": func() string { return synopsis("") },
}

func formatTable() string {
	var b strings.Builder
	yes := map[bool]string{true: "yes", false: "no"}
	for _, f := range format.All() {
		if f.About == "" {
			continue
		}
		about := f.About
		if f.Quality != 0 {
			about += ", quality " + strconv.Itoa(f.Quality)
		}
		b.WriteString(".It " + f.Name + " Ta " + yes[f.Read || f.Programs != nil] + " Ta " + yes[f.Write] + " Ta " + about + "\n")
	}
	return b.String()
}

func formatWords() string {
	var words []string
	for _, f := range format.All() {
		if f.Write {
			words = append(append(words, f.Name), f.Aliases...)
		}
	}
	return ".Cm " + strings.Join(words, " , ") + "\n"
}

// errorTable has a row for each kind of error: its status and what it means.
func errorTable() string {
	var b strings.Builder
	for _, k := range fault.Kinds() {
		header := ""
		switch {
		case k.Again():
			header = ", Retry-After"
		case k == fault.Method:
			header = ", Allow"
		}
		fmt.Fprintf(&b, ".It %s Ta %d%s Ta %s\n", k, k.HTTP(), header, k.Advice().Means)
	}
	return b.String()
}

// errorAdvice has an item for each kind of error: what it means and what to do.
func errorAdvice() string {
	var b strings.Builder
	for _, k := range fault.Kinds() {
		again := ""
		if k.Again() {
			again = ", try again"
		}
		a := k.Advice()
		fmt.Fprintf(&b, ".It Cm %s Pq status %d, exit status %d%s\n", k, k.HTTP(), k.Exit(), again)
		b.WriteString(prose(strings.ToUpper(a.Means[:1])+a.Means[1:]+".") + prose(a.Do))
	}
	return b.String()
}

var (
	flagWord    = regexp.MustCompile(`^-([a-z]+)([,.:;]?)$`)
	sentenceEnd = regexp.MustCompile(`[.:]$`)
)

// prose writes sentences as mdoc: lines of at most 80 characters, a new line for each
// sentence, and Fl for each flag.
func prose(text string) string {
	var b strings.Builder
	line := ""
	flush := func() {
		if line != "" {
			b.WriteString(line + "\n")
		}
		line = ""
	}
	for word := range strings.FieldsSeq(text) {
		if m := flagWord.FindStringSubmatch(word); m != nil {
			flush()
			b.WriteString(strings.TrimSpace(".Fl "+m[1]+" "+m[2]) + "\n")
			continue
		}
		if len(line)+1+len(word) > 80 {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
		if sentenceEnd.MatchString(word) {
			flush()
		}
	}
	flush()
	return b.String()
}

func synopsis(operation string) string {
	var b strings.Builder
	for _, opt := range ops.Flags(operation) {
		b.WriteString(".Op Fl ")
		if opt.Short != "" {
			b.WriteString(opt.Short)
		} else {
			b.WriteString(opt.Key)
		}
		switch {
		case opt.Switch():
		case opt.Values != nil && len(opt.FlagValues(operation)) <= 3:
			b.WriteString(" Cm " + strings.Join(opt.FlagValues(operation), "|"))
		default:
			b.WriteString(" Ar " + opt.Arg)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var derivedPart = regexp.MustCompile(`(?s)(\.\\" begin derived: ([a-z ]+)\n)(.*?)(\.\\" end derived\n)`)

func TestManualPagesAreDerived(t *testing.T) {
	used := map[string]bool{}
	pages, _ := filepath.Glob(filepath.Join(root, "man", "*.[1-8]"))
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		want := derivedPart.ReplaceAllFunc(b, func(part []byte) []byte {
			m := derivedPart.FindSubmatch(part)
			block, ok := blocks[string(m[2])]
			if !ok {
				t.Errorf("%s: no derived part is called %q", filepath.Base(page), m[2])
				return part
			}
			used[string(m[2])] = true
			return slices.Concat(m[1], []byte(block()), m[4])
		})
		if bytes.Equal(b, want) {
			continue
		}
		if *update {
			if err := os.WriteFile(page, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s is older than the tables: run go test ./tests/derived -update", filepath.Base(page))
	}
	for name := range blocks {
		if !used[name] {
			t.Errorf("no manual page has the part %q", name)
		}
	}
}
