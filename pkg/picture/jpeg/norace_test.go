//go:build !race

package jpeg

const slower = 1
