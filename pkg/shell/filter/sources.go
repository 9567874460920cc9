package filter

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"imgtools/pkg/filename"
	"imgtools/pkg/shell/input"
)

// source is a file to work on.
type source struct {
	operand string   // as package input takes it: a path, or "-"
	sub     string   // the folder below that of -d which its result is for
	found   bool     // in a folder, and not named by the user
	unknown bool     // it is no picture, as far as has been seen
	to      []string // the names of its results, where they have been decided
	err     error    // why nothing can be done with it, or of any step so far

	was fs.FileInfo // with -inplace: the file before it was read
}

// name returns the source's name in messages.
func (s source) name() string { return input.Name(s.operand) }

// notEntered are folders whose pictures are not the user's: thumbnails that a Synology
// NAS makes, and what a Mac adds to a ZIP archive.
var notEntered = map[string]bool{"@eaDir": true, "__MACOSX": true}

// sources returns the files that the operands mean. Those in a folder follow each
// other sorted by name.
func (c *runner) sources() []source {
	var all []source
	var out fs.FileInfo // the folder of -d; nil while it is missing
	if c.Recurse {
		out, _ = os.Stat(c.Dir)
	}
	for _, operand := range c.Files {
		if c.Recurse && operand != "-" {
			if st, err := os.Stat(operand); err == nil && st.IsDir() {
				all = append(all, walk(operand, baseOf(operand), out)...)
				continue
			}
		}
		all = append(all, source{operand: operand})
	}
	if c.Inplace {
		return unique(all)
	}
	return all
}

// baseOf returns the name under which a folder is kept below that of -d: its last
// element, and for "." or "/" none.
func baseOf(folder string) string {
	switch base := filepath.Base(folder); base {
	case ".", "..", "/":
		return ""
	default:
		return base
	}
}

// walk returns the files in a folder and the folders in it, but for those whose name
// begins with a dot, links, and special files. The results are for the folder sub. The
// folder out, into which results are written, is not entered. A folder that can't be
// read is a source with an error.
func walk(path, sub string, out fs.FileInfo) []source {
	entries, err := os.ReadDir(path)
	if err != nil {
		return []source{{operand: path, err: fmt.Errorf("read the folder: %w", input.Cause(err))}}
	}
	var all []source
	for _, e := range entries {
		in := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && !notEntered[e.Name()]:
			if st, err := e.Info(); err == nil && out != nil && os.SameFile(st, out) {
				continue
			}
			all = append(all, walk(in, filepath.Join(sub, e.Name()), out)...)
		case e.Type().IsRegular():
			all = append(all, source{operand: in, sub: sub, found: true})
		}
	}
	return all
}

// pictureName reports whether a file is called a picture. One that is, and isn't one,
// is a failure and not passed over.
func pictureName(name string) bool { return filename.Extension(name) != "" }
