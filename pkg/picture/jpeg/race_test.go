//go:build race

package jpeg

// slower is how many times longer the race detector may make a test take.
const slower = 10
