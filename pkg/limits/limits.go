// Package limits has the defaults and bounds that several programs share, each
// with its unit, and the one way to read and write sizes and times. A limit that
// only one package knows is a named constant there.
package limits

import "time"

// Defaults of flags.
const (
	Pixels = 250_000_000      // -maxpixels: pixels of a picture, all its frames together
	Bytes  = 100 << 20        // -maxbytes: bytes of a picture's file
	Memory = 1 << 30          // -maxmem: bytes of memory of one worker
	Time   = 30 * time.Second // -t: for the work on one picture
	Queue  = 1024             // -queue: requests that may wait for a worker
	MaxAge = time.Hour        // -maxage: for which caches may keep a picture of /files
	TTL    = time.Hour        // -ttl: for which a finished job is kept
	Quota  = 20               // -quota: percent of the file system that jobs may fill
	Conns  = 10_000           // -conns: connections of imgd
	Port   = 8080             // -p
)

// Bounds that no flag moves.
const (
	// Side is the longest side of a picture in pixels, so that products of two
	// sides and eight bytes fit in 64 bits with room to spare.
	Side = 1<<28 - 1
	// Deaths is how many workers a picture may kill before it fails.
	Deaths = 2
	// Wait is the longest wait= of a request, and what wait means without a value.
	Wait = 60 * time.Second
	// RetryAfter is the longest pause that a client takes from a Retry-After.
	RetryAfter = time.Hour

	MinMemory = 16 << 20 // bytes: the least -maxmem with which a worker can work
	MaxPixels = 1 << 48  // the largest -maxpixels
	MaxBytes  = 1 << 48  // the largest -maxbytes
	Workers   = 1024     // the largest -n
)
