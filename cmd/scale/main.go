// Scale makes pictures smaller or larger: scale(1).
package main

import (
	"imgtools/cmd/internal/filtercmd"
	"imgtools/pkg/shell/cli"
)

func main() { cli.Main("scale", run) }

func run(args []string) error {
	return filtercmd.Run("scale", "makes pictures smaller or larger", args)
}
