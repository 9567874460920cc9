//go:build linux && (amd64 || arm64)

// Heifd decodes HEIC and AVIF for the other daemons, by programs of the system in a jail:
// heifd(8).
package main

import (
	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/daemon/jail"
	"imgtools/pkg/shell/cli"
)

func main() {
	jail.Main()
	cli.Main("heifd", serve)
}

func serve(args []string) error {
	return filterd.ServeDecode("heifd", "decodes HEIC and AVIF by programs of the system in a jail, as a daemon with pre-forked workers", args)
}
