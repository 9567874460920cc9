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

// resultNames returns the names of results. They depend on nothing but the looks, so
// that a later run on the same sources finds them. A name that several of a folder
// would share goes to the source that has it, if one has; the others keep theirs, with
// the result's extension added:
//
//	IMG_1.heic IMG_1.jpg  become  IMG_1.heic.jpg IMG_1.jpg
//	a.bmp a.png           become  a.bmp.jpg a.png.jpg
//
// What is equal then, as two files of one name from two folders, gets a number.
func resultNames(looks []look) []string {
	names := make([]string, len(looks))
	wanted := map[string]int{}
	for i, l := range looks {
		if l.format != "" {
			names[i] = filename.Suffixed(output.Name(l.base, l.format, "stdin"), l.suffix)
			wanted[filepath.Join(l.sub, names[i])]++
		}
	}
	taken := map[string]bool{}
	var shared []int
	for i, l := range looks {
		path := filepath.Join(l.sub, names[i])
		switch {
		case l.format == "":
		case wanted[path] == 1, filename.Suffixed(filename.Clean(l.base), l.suffix) == names[i] && !taken[path]:
			taken[path] = true
		default:
			shared = append(shared, i)
		}
	}
	for _, i := range shared {
		l := looks[i]
		f, _ := format.Lookup(l.format)
		if name := filename.Clean(l.base); filename.Suffixed(name, l.suffix) != names[i] {
			names[i] = filename.Suffixed(filename.Clean(name+f.Ext()), l.suffix)
		}
		for n, name := 1, names[i]; taken[filepath.Join(l.sub, names[i])]; n++ {
			names[i] = output.Numbered(name, n)
		}
		taken[filepath.Join(l.sub, names[i])] = true
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
