// Gray turns pictures gray: gray(1).
package main

import (
	"imgtools/cmd/internal/filtercmd"
	"imgtools/pkg/shell/cli"
)

func main() {
	cli.Main("gray", run)
}

func run(args []string) error { return filtercmd.Run("gray", "turns pictures gray", args) }
