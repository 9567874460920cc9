package filter

import (
	"errors"
	"os"
	"path/filepath"

	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/output"
	"imgtools/pkg/shell/system"
)

// place returns the file for the result of a source: with -inplace one beside the
// source, else one in the folder of -d.
func (c *runner) place(s *source) (*output.File, error) {
	folder := filepath.Dir(s.operand)
	if !c.Inplace {
		folder = filepath.Join(c.Dir, s.sub)
	}
	if _, done := c.swept.LoadOrStore(folder, true); !done {
		output.Sweep(folder)
	}
	if !c.Inplace {
		return c.dir.CreateIn(s.sub)
	}
	st, err := os.Stat(s.operand)
	if err != nil {
		return nil, input.Cause(err)
	}
	s.was = st
	return output.Replace(s.operand)
}

// replace puts the result in the place of its source, of which no other copy may exist.
// So the result must be on the disk before, and a source that has changed since it was
// read stays. The mode, the time and, for root, the owner stay what they were.
func (p *picture) replace() error {
	st, err := os.Stat(p.operand)
	if err == nil && (!os.SameFile(st, p.was) || st.Size() != p.was.Size() || !st.ModTime().Equal(p.was.ModTime())) {
		err = errors.New("it has changed while it was read, and was left alone")
	}
	if err == nil {
		err = p.outs[0].Sync()
	}
	if err != nil {
		p.outs[0].Discard()
		return input.Cause(err)
	}
	if uid, gid, ok := system.Owner(p.was); ok {
		p.outs[0].Chown(uid, gid) // fails for all but root, whose files they aren't
	}
	p.outs[0].Mark(p.was.ModTime(), "")
	_, err = p.outs[0].Commit("")
	return err
}

// unique returns the sources without those that are a file again, under any name. They
// would be changed twice.
func unique(sources []source) []source {
	seen := map[system.FileID]bool{}
	var once []source
	for _, s := range sources {
		if st, err := os.Stat(s.operand); err == nil {
			if id, ok := system.ID(st); ok {
				if seen[id] {
					continue
				}
				seen[id] = true
			}
		}
		once = append(once, s)
	}
	return once
}
