package filter

import (
	"os"
	"path/filepath"
	"sync"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/format"
	"imgtools/pkg/shell/output"
)

// name decides the names of all results. It reads the header of each source, since the
// format to write depends on that.
func (c *runner) name(sources []source) {
	suffixes := c.suffixes()
	looks := make([]look, len(sources)*len(suffixes))
	c.each(len(sources), nil, func(i int) {
		if sources[i].err == nil && c.amongOriginals(sources[i]) {
			sources[i].err = fault.New(fault.Usage, "it lies in the folder that its result is for; -skip and -update need another (-d)")
		}
		if sources[i].err != nil {
			return
		}
		p, in, prepared, ok := c.open(sources[i], false)
		if in != nil {
			in.Close()
		}
		sources[i].unknown, sources[i].err = p.unknown, p.err
		for k, suffix := range suffixes {
			if ok {
				looks[i*len(suffixes)+k] = look{sub: sources[i].sub, base: p.base, suffix: suffix, format: prepared.Format}
			}
		}
	})
	names := resultNames(looks)
	for i := range sources {
		if mine := names[i*len(suffixes):][:len(suffixes)]; mine[0] != "" {
			sources[i].to = mine
		}
	}
}

// amongOriginals reports whether the result of a source is for the folder that the
// source lies in. Then a file there may be an original, and is no sign that the work
// is done.
func (c *runner) amongOriginals(s source) bool {
	from, err := os.Stat(filepath.Dir(s.operand))
	to, toErr := os.Stat(filepath.Join(c.Dir, s.sub))
	return s.operand != "-" && err == nil && toErr == nil && os.SameFile(from, to)
}

// each calls f with the numbers below n, in as many goroutines as there are workers.
// Each number takes a place in gate, if there is one, in the order of the numbers.
func (c *runner) each(n int, gate chan<- struct{}, f func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(c.Workers, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if gate != nil {
			gate <- struct{}{}
		}
		next <- i
	}
	close(next)
	wg.Wait()
}

// look is what the name of a result depends on. Without a format there is none.
type look struct {
	sub    string // the folder that it is for
	base   string // of the source
	suffix string // of one of several sizes, "-320"
	format string // to write, canonical
}

// resultNames returns names of results that a later run on more sources gives the same
// sources again. Each depends on its source alone: a source with an extension of the
// result's format keeps its name, and one with that of another format keeps it, too, with
// the result's extension added:
//
//	IMG_1.jpg   becomes  IMG_1.jpg
//	IMG_1.heic           IMG_1.heic.jpg
//	notes                notes.jpg
//
// If the second were called IMG_1.jpg while it is the only one, an IMG_1.jpg that comes
// later would find its result made already. What is equal nevertheless, as two files of
// one name from two folders, gets a number in the order of the sources, but for the first
// whose own name it is.
func resultNames(looks []look) []string {
	names := make([]string, len(looks))
	taken := map[string]bool{}
	var rest []int
	for i, l := range looks {
		if l.format == "" {
			continue
		}
		f, _ := format.Lookup(l.format)
		own := filename.Clean(l.base)
		name := output.Name(l.base, l.format, "stdin")
		if ext := filename.Extension(own); ext != "" && !f.HasExt(ext) {
			name = filename.Clean(own + f.Ext())
		}
		names[i] = filename.Suffixed(name, l.suffix)
		if path := filepath.Join(l.sub, names[i]); name == own && !taken[path] {
			taken[path] = true
		} else {
			rest = append(rest, i)
		}
	}
	for _, i := range rest {
		for n, name := 1, names[i]; taken[filepath.Join(looks[i].sub, names[i])]; n++ {
			names[i] = output.Numbered(name, n)
		}
		taken[filepath.Join(looks[i].sub, names[i])] = true
	}
	return names
}

// isDone reports whether all results of a source are there already and are to be left
// alone. An empty file is no result: a process that was killed may have left it on a
// file system that can't rename without replacing.
func (c *runner) isDone(s source) bool {
	for _, to := range s.to {
		result, err := os.Lstat(filepath.Join(c.Dir, s.sub, to))
		if err != nil || result.Mode().IsRegular() && result.Size() == 0 {
			return false
		}
		if !c.Update {
			continue
		}
		from, err := os.Stat(s.operand)
		if err != nil || !result.ModTime().After(from.ModTime()) {
			return false
		}
	}
	return s.to != nil
}
