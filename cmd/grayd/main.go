//go:build linux

// Grayd turns pictures gray, as a daemon with pre-forked workers: grayd(8).
package main

import (
	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/shell/cli"
)

func main() { cli.Main("grayd", serve) }

func serve(args []string) error {
	return filterd.Serve("grayd", "gray", "turns pictures gray, as a daemon with pre-forked workers", args)
}
