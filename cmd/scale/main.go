// Scale makes pictures smaller or larger: scale(1).
package main

import (
	"imgtools/cmd/internal/filtercmd"
	"imgtools/pkg/shell/cli"
)

func main() {
	cli.Main("scale", run)
}

func run(args []string) error {
	return filtercmd.Run("scale", "makes pictures smaller or larger; geometry is a factor (0.5, 1/2, 50%), a box (640x480, 640x, x480, 640x480!), or with -d a list (320x,640x)", args)
}
