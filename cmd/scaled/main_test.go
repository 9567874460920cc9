package main

import (
	"testing"

	"imgtools/cmd/internal/filterd"
	"imgtools/cmd/internal/filterd/filterdtest"
)

func TestMain(m *testing.M) { filterdtest.Main(m, "scaled", serve) }

func TestDaemonScales(t *testing.T) {
	path := filterdtest.Start(t)
	for sent, want := range map[string]string{
		"img/1 scale 1x1! kernel=box len=13\nP5\n2 1\n255\n\x00\xff": "ok type=image/x-portable-graymap width=1 height=1 ms=0 len=12\nP5\n1 1\n255\n\x80",
		"img/1 gray\n": "err usage this daemon does scale, not gray\n",
	} {
		if got := filterdtest.AnyTime(filterdtest.Exchange(t, path, sent)); got != want {
			t.Errorf("%q is answered by %q; want %q", sent, got, want)
		}
	}
}

// TestAllFormatsInTheSandbox: a worker that gave up everything says of each picture
// just what the operation says here.
func TestAllFormatsInTheSandbox(t *testing.T) {
	filterdtest.SameInTheSandbox(t, filterd.Operation("scale"), "img/1 scale ", "1", "1/3", "75% kernel=mitchell format=png", "40x40! linear fine")
}
