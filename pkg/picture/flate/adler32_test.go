package flate

import (
	"bytes"
	stdadler "hash/adler32"
	"testing"
)

func TestAdler32(t *testing.T) {
	noise := samples()["noise"]
	for _, data := range [][]byte{noise, bytes.Repeat([]byte{255}, 3<<20), make([]byte, 100)} {
		for _, n := range []int{0, 1, 7, 8, 31, 32, 33, 63, 64, 65, 5535, 5536, 5537, 5568, 11072, 100_000, len(data)} {
			n = min(n, len(data))
			if got, want := adler32(1, data[:n]), stdadler.Checksum(data[:n]); got != want {
				t.Errorf("%d bytes: %08x, want %08x", n, got, want)
			}
			// In two parts, the first of which leaves large sums.
			if got, want := adler32(adler32(1, data[:n]), data[n:]), stdadler.Checksum(data); got != want {
				t.Errorf("%d bytes, then the rest: %08x, want %08x", n, got, want)
			}
		}
	}
}
