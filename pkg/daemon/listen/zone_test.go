package listen

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestZonesAreInterfaces(t *testing.T) {
	for zone, want := range map[string]uint32{"": 0, "lo": 1, "7": 7} {
		t.Run(zone, func(t *testing.T) {
			if n, err := zoneIndex(zone); err != nil || n != want {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
		})
	}
	for _, zone := range []string{"none0", "an-interface-with-a-long-name"} {
		t.Run(zone, func(t *testing.T) {
			if n, err := zoneIndex(zone); err == nil || !strings.Contains(err.Error(), zone) {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	for index, want := range map[uint32]string{0: "", 1: "lo", 1 << 30: "1073741824"} {
		if name := zoneName(index); name != want {
			t.Errorf("interface %d is %q, want %q", index, name, want)
		}
	}
}

// linkLocal returns a link-local address of this machine with its zone.
func linkLocal(t *testing.T) string {
	table, err := os.ReadFile("/proc/net/if_inet6")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) != 6 || !strings.HasPrefix(f[0], "fe80") {
			continue
		}
		b, err := hex.DecodeString(f[0])
		if ip, ok := netip.AddrFromSlice(b); err == nil && ok {
			return ip.WithZone(f[5]).String()
		}
	}
	t.Skip("no link-local address here")
	return ""
}

// A link-local address says which interface it is of only by its zone.
func TestListenOnALinkLocalAddress(t *testing.T) {
	ip := linkLocal(t)
	s := mustOpen(t, "tcp:["+ip+"]:0")[0]
	if !strings.HasPrefix(s.Name, "tcp:["+ip+"]:") {
		t.Errorf("%s is told as %s", ip, s.Name)
	}
	sa, err := unix.Getsockname(s.FD)
	if err != nil {
		t.Fatal(err)
	}
	if err := listens(t, unix.AF_INET6, sa); err != nil {
		t.Errorf("connect to %s: %v", s.Name, err)
	}
}
