package front

import (
	"regexp"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Presets are operations by a name that stands for them: preset=NAME.
type Presets map[string]ops.Ops

// ParsePresets reads lines NAME OPS, where OPS are words as in a query, with blanks or &
// between them:
//
//	thumb   scale=300x200&fit=cover&format=jpeg
//	banner  gray scale=1200x quality=70
//
// Empty lines and those that begin with # are skipped. Errors are of kind Usage and name
// the line.
func ParsePresets(text string) (Presets, error) {
	presetName := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	presets := Presets{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		name := fields[0]
		if !presetName.MatchString(name) {
			return nil, fault.New(fault.Usage, "line %d: preset %s: a name is of letters, digits, . _ -", n, fault.Quote(name))
		}
		if _, twice := presets[name]; twice {
			return nil, fault.New(fault.Usage, "line %d: preset %s is there twice", n, name)
		}
		words, err := ops.ParseQuery(strings.Join(fields[1:], "&"))
		if err == nil && len(words) == 0 {
			err = fault.New(fault.Usage, "no operations")
		}
		var o ops.Ops
		if err == nil {
			if o, err = ops.ParsePublic(words); err == nil {
				err = o.CheckBytes()
			}
		}
		if err != nil {
			return nil, fault.New(fault.Usage, "line %d: preset %s: %w", n, name, err)
		}
		presets[name] = o
	}
	return presets, nil
}

// SetPresets replaces the presets.
func (s *Server) SetPresets(p Presets) { s.presets.Store(&p) }

// parseSingle is parseOps for a request whose answer is one picture.
func (s *Server) parseSingle(words []ops.Word) (ops.Ops, error) {
	o, err := s.parseOps(words)
	if err == nil {
		err = o.CheckSingle()
	}
	return o, err
}

// parseOps reads the words of a request. preset=NAME stands for the operations of that
// name; beside it only the file's name may be given.
func (s *Server) parseOps(words []ops.Word) (ops.Ops, error) {
	names, rest := take(words, "preset")
	if len(names) == 0 {
		return ops.ParsePublic(words)
	}
	var presets Presets
	if p := s.presets.Load(); p != nil {
		presets = *p
	}
	o, ok := presets[names[0]]
	switch {
	case len(names) > 1:
		return nil, fault.New(fault.Usage, "preset is given twice")
	case !ok && len(presets) == 0:
		return nil, fault.New(fault.Usage, "preset %s: there are no presets here (-preset)", fault.Quote(names[0]))
	case !ok:
		return nil, fault.New(fault.Usage, "preset %s: there is none of that name", fault.Quote(names[0]))
	}
	for _, w := range rest {
		opt, known := ops.Lookup(w.Key)
		if !known || !opt.Label {
			return nil, fault.New(fault.Usage, "%s beside preset: a preset stands for all operations", fault.Clip(w.Key))
		}
		value, err := opt.Canonical(w.Value)
		if err != nil {
			return nil, err
		}
		o = o.With(w.Key, value)
	}
	return o, nil
}
