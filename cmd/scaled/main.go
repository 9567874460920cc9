//go:build linux

// Scaled scales pictures, as a daemon with pre-forked workers: scaled(8).
package main

import (
	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/shell/cli"
)

func main() { cli.Main("scaled", serve) }

func serve(args []string) error {
	return filterd.Serve("scaled", "scale", "scales pictures, as a daemon with pre-forked workers", args)
}
