package daemon

import (
	"fmt"
	"io"

	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// Check writes what Run would serve, as lines `key: value`, without binding a
// socket or starting a worker. What would keep Run from serving is an error of
// kind Usage. Sockets from systemd are not there when a person checks: their
// units say what they are.
func Check(cfg Config, w io.Writer) error {
	mode, err := cfg.validate()
	if err != nil {
		return err
	}
	if err := sandbox.Check(mode); err != nil {
		return fault.As(fault.Usage, err)
	}
	var names []string
	for _, text := range cfg.Addresses {
		a, err := listen.Parse(text)
		if err == nil {
			err = listen.Check(a)
		}
		if err != nil {
			return fault.As(fault.Usage, err)
		}
		names = append(names, a.String())
	}
	if len(names) == 0 {
		a, err := listen.CheckDefault(cfg.Name)
		if err != nil {
			return fault.As(fault.Usage, err)
		}
		names = append(names, a.String())
	}
	for _, name := range names {
		fmt.Fprintf(w, "address: %s\n", name)
	}
	_, err = fmt.Fprintf(w, "verb: %s\nworkers: %d\ntimeout: %s\nmaxpixels: %s\nmaxmem: %s\nsandbox: %s\n",
		cfg.Verb, cfg.Workers, limits.FormatTime(cfg.Timeout), limits.Decimal.Format(cfg.MaxPixels), limits.Binary.Format(cfg.MaxMem), mode)
	if cfg.Helper != nil {
		for _, line := range cfg.Helper.Examine() {
			fmt.Fprintln(w, line)
		}
	}
	return err
}
