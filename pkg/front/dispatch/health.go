package dispatch

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/format"
	"imgtools/pkg/ops"
)

// Health is what the daemons of one kind say of themselves, added up.
type Health struct {
	Name      string // grayd, scaled or heifd
	Spare     bool   // pictures of most formats need it not: heifd
	Reachable bool
	Known     bool // the numbers below are known, of every daemon
	Workers   int
	Ready     int
	Busy      int
	Served    int64
	Failed    int64
	Respawned int64
	Sandbox   string // of the last that said
	Decodes   string // of heifd: the names of the formats that every daemon has a program for
}

// Probe asks all daemons how they are, at most about a second long.
func (c *Dispatcher) Probe(ctx context.Context) []Health {
	var pools []*pool
	for _, daemon := range append(ops.Daemons(), Heifd) {
		if p := c.pools[daemon]; p != nil {
			pools = append(pools, p)
		}
	}
	done := make([]chan Health, len(pools))
	for i, p := range pools {
		done[i] = make(chan Health, 1)
		go func() { done[i] <- p.probe(ctx) }()
	}
	all := make([]Health, len(pools))
	for i := range all {
		all[i] = <-done[i]
	}
	return all
}

func (p *pool) probe(ctx context.Context) Health {
	h := Health{Name: p.name, Known: true, Spare: p.name == Heifd}
	results := make(chan map[string]string, len(p.addrs))
	for _, a := range p.addrs {
		go func() { results <- a.status(ctx) }()
	}
	for range p.addrs {
		st := <-results
		if st == nil {
			h.Known = false
			continue
		}
		ready, known := st["ready"]
		if !known { // it takes connections; no more can be said
			h.Reachable, h.Known = true, false
			continue
		}
		n := func(key string) int64 {
			v, _ := strconv.ParseInt(st[key], 10, 64)
			return max(v, 0)
		}
		h.decode(st, !h.Reachable)
		h.Reachable = h.Reachable || ready != "0"
		h.Workers += int(n("workers"))
		h.Ready += int(n("ready"))
		h.Busy += int(n("busy"))
		h.Served += n("served")
		h.Failed += n("failed")
		h.Respawned += n("respawned")
		h.Sandbox = st["sandbox"]
	}
	return h
}

// noDecoder is what the status of heifd says of a format that it has no program for.
const noDecoder = "none"

// decode adds what one daemon says of the formats that it decodes. first is true of the
// first one.
func (h *Health) decode(st map[string]string, first bool) {
	var both []string
	for _, f := range format.All() {
		program := st[f.Name]
		if f.Programs != nil && program != "" && program != noDecoder && (first || slices.Contains(strings.Fields(h.Decodes), f.Name)) {
			both = append(both, f.Name)
		}
	}
	h.Decodes = strings.Join(both, " ")
}

// status reads PATH.status of a daemon. Where there is none, an empty map says
// that the daemon takes connections, nil that it does not.
func (a addr) status(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	var d net.Dialer
	if a.network == "unix" {
		if conn, err := d.DialContext(ctx, "unix", a.address+".status"); err == nil {
			defer conn.Close()
			deadline, _ := ctx.Deadline()
			conn.SetDeadline(deadline)
			b, err := io.ReadAll(io.LimitReader(conn, statusBytes))
			if err != nil {
				return nil
			}
			st := map[string]string{}
			for line := range strings.Lines(string(b)) {
				if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
					st[key] = value
				}
			}
			return st
		}
	}
	conn, err := d.DialContext(ctx, a.network, a.address)
	if err != nil {
		return nil
	}
	conn.Close()
	return map[string]string{}
}

// statusBytes and statusTime bound what a daemon says of itself, and how long it
// may take.
const (
	statusBytes = 16 << 10
	statusTime  = time.Second
)
