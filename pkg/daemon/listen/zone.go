package listen

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// zoneIndex returns the number of the network interface that an IPv6 zone names
// (RFC 4007 11): eth0 in fe80::1%eth0. A zone may be the number itself; no zone
// is 0.
func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 31); err == nil {
		return uint32(n), nil
	}
	var index uint32
	err := askInterface(unix.SIOCGIFINDEX, func() (*unix.Ifreq, error) { return unix.NewIfreq(zone) },
		func(r *unix.Ifreq) { index = r.Uint32() })
	if err != nil {
		return 0, fmt.Errorf("network interface %s: %w", strconv.Quote(zone), err)
	}
	return index, nil
}

// zoneName returns the name of network interface number index, or the number as
// text when it has none; 0 has no zone.
func zoneName(index uint32) string {
	if index == 0 {
		return ""
	}
	name := strconv.FormatUint(uint64(index), 10)
	askInterface(unix.SIOCGIFNAME, func() (*unix.Ifreq, error) {
		r, err := unix.NewIfreq("")
		if err == nil {
			r.SetUint32(index)
		}
		return r, err
	}, func(r *unix.Ifreq) { name = r.Name() })
	return name
}

// askInterface makes a request about a network interface (netdevice(7)) and
// gives its answer to read.
func askInterface(request uint, make func() (*unix.Ifreq, error), read func(*unix.Ifreq)) error {
	r, err := make()
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, request, r); err != nil {
		return err
	}
	read(r)
	return nil
}
