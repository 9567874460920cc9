// Grayd turns pictures gray, as a daemon with pre-forked workers.
//
//	grayd [-h] [-a address]... [-n workers] [-t time] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off] [-C]
package main

import (
	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/shell/cli"
)

func main() { cli.Main("grayd", serve) }

func serve(args []string) error {
	return filterd.Serve("grayd", "gray", "turns pictures gray, as a daemon with pre-forked workers", args)
}
