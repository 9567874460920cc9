// Mutants puts one small fault after another into the project's code and runs the
// tests that should notice it.
//
//	go run ./tests/mutants [-v] [ID]...
//
// For each mutant it prints a line: its id, "killed" with the test that failed,
// "survived" if all tests passed, or "stale" if the code that it changes is not there
// any more or it does not build. A test counts if it passes without the mutant and
// fails twice with it. A survivor is a fault that no test would notice: a test is
// missing, or the mutant is equivalent to the code and leaves the list. It is "unclear"
// when no test failed twice but some could not be used: they fail without the mutant,
// or again and again by chance. The exit status is 0 if all were killed.
//
// The files of the project are not touched: the go command compiles a changed copy in
// place of a file (-overlay), also when the tests themselves build the commands.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mutant is a small fault.
type mutant struct {
	id, what string
	dir      string // the package with the code
	old, new string // old is in exactly one place of the package
	add      string // added at the end of the file, for code that new needs
	tests    []run  // tried in this order until one fails
}

// run is a call of go test.
type run struct {
	pkg     string // "./pkg/fault", or a pattern
	pattern string // of -run; "" is all tests
}

// most is how long the tests of one run may take.
const most = 4 * time.Minute

// attempts is how often a run is tried in which tests fail by chance.
const attempts = 3

func main() {
	verbose := flag.Bool("v", false, "print the output of failing tests")
	dry := flag.Bool("n", false, "run no tests: print the mutants that are stale")
	flag.Parse()
	known := map[string]bool{}
	for _, m := range mutants {
		if known[m.id] {
			fmt.Fprintf(os.Stderr, "mutants: two have the id %s\n", m.id)
			os.Exit(2)
		}
		known[m.id] = true
	}
	for _, id := range flag.Args() {
		if !known[id] {
			fmt.Fprintf(os.Stderr, "mutants: no mutant %s\n", id)
			os.Exit(2)
		}
	}
	if *dry {
		for _, m := range mutants {
			if file, _, err := m.find(); err != nil || file == "" {
				fmt.Printf("%-4s stale  %s: %s\n", m.id, m.dir, m.what)
			}
		}
		return
	}
	count, err := all(flag.Args(), *verbose)
	if err != nil {
		fmt.Fprintf(os.Stderr, "mutants: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("%d killed, %d survived, %d unclear, %d stale\n", count["killed"], count["survived"], count["unclear"], count["stale"])
	if count["survived"]+count["unclear"]+count["stale"] > 0 {
		os.Exit(1)
	}
}

// all tries the mutants with these ids, or all, and returns how many had each outcome.
func all(ids []string, verbose bool) (map[string]int, error) {
	tmp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	count := map[string]int{}
	passes := map[run]bool{} // whether it does so without a mutant
	for _, m := range mutants {
		if len(ids) > 0 && !slices.Contains(ids, m.id) {
			continue
		}
		start := time.Now()
		outcome, by, err := m.try(tmp, passes, verbose)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.id, err)
		}
		count[outcome]++
		fmt.Printf("%-4s %-8s %4.0fs  %s%s\n", m.id, outcome, time.Since(start).Seconds(), m.what, by)
	}
	return count, nil
}

// try returns the outcome of one mutant, and which test noticed it.
func (m mutant) try(tmp string, passes map[run]bool, verbose bool) (outcome, by string, err error) {
	file, text, err := m.find()
	if err != nil || file == "" {
		return "stale", "", err
	}
	changed := filepath.Join(tmp, m.id+".go")
	if err := os.WriteFile(changed, []byte(strings.Replace(text, m.old, m.new, 1)+m.add), 0o600); err != nil {
		return "", "", err
	}
	overlay := filepath.Join(tmp, m.id+".json")
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		return "", "", err
	}
	outcome = "survived"
	for _, r := range m.tests {
		usable, known := passes[r]
		if !known {
			usable = r.baseline()
			passes[r] = usable
		}
		if !usable {
			outcome = "unclear"
			continue
		}
		passed := false
		for range attempts {
			out, ok := r.test(overlay)
			if passed = ok; ok {
				break
			}
			if strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]") {
				return "stale", ": it does not build:\n" + strings.TrimSpace(out), nil
			}
			if r.again(overlay, out) {
				if verbose {
					fmt.Print(out)
				}
				return "killed", ": " + failed(out), nil
			}
			// Another test failed by chance, and hid those behind it.
		}
		if !passed {
			outcome = "unclear"
		}
	}
	return outcome, "", nil
}

// baseline reports whether the tests pass without a mutant, in one of the attempts.
func (r run) baseline() bool {
	var failures []string
	for range attempts {
		out, ok := r.test("")
		if ok {
			return true
		}
		failures = append(failures, failed(out))
	}
	fmt.Printf("     %s fails without a mutant: %s\n", r.pkg, strings.Join(failures, "; "))
	return false
}

// again reports whether the first test that failed fails once more. A test that
// depends on time may fail once on a loaded machine.
func (r run) again(overlay, out string) bool {
	if m := failLine.FindStringSubmatch(out); m != nil {
		name, _, _ := strings.Cut(m[1], "/")
		r.pattern = "^" + name + "$"
	}
	_, ok := r.test(overlay)
	return !ok
}

// find returns the one file of the package that has the code, and its text; "" if
// none has, or several places do.
func (m mutant) find() (file, text string, err error) {
	files, err := filepath.Glob(filepath.Join(m.dir, "*.go"))
	if err != nil {
		return "", "", err
	}
	places := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", "", err
		}
		if n := strings.Count(string(b), m.old); n > 0 && !strings.HasSuffix(f, "_test.go") {
			places += n
			file, text = f, string(b)
		}
	}
	if places != 1 {
		return "", "", nil
	}
	file, err = filepath.Abs(file)
	return file, text, err
}

// test runs go test with an overlay, or "", and reports whether all tests passed.
func (r run) test(overlay string) (output string, ok bool) {
	args := []string{"test", "-vet=off", "-failfast", "-timeout", most.String()}
	if r.pattern != "" {
		args = append(args, "-run", r.pattern)
	}
	cmd := exec.Command("go", append(args, r.pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS=-overlay="+overlay) // reaches go build in tests as well
	}
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}

var failLine = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// failed returns the names of the tests that failed.
func failed(out string) string {
	var names []string
	for _, m := range failLine.FindAllStringSubmatch(out, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	switch {
	case len(names) > 0:
		return strings.Join(names[:min(len(names), 2)], ", ")
	case strings.Contains(out, "test timed out"):
		return "timed out"
	}
	return strings.TrimSpace(out[max(0, len(out)-100):])
}
