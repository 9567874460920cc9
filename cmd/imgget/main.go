// Imgget waits for jobs of imgd and writes their pictures: imgget(1).
package main

import (
	"os"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/show"
	"imgtools/pkg/shell/transfer"
)

func main() { cli.Main("imgget", run) }

func run(args []string) error {
	var server client.Config
	c := transfer.GetConfig{Stdin: os.Stdin, Stderr: os.Stderr}
	f := cli.New("imgget", "waits for jobs of imgd and writes their pictures", "[id]...")
	f.Operand = "an id"
	server.AddFlags(f)
	f.Path(&c.Output, "o", "output", "file", "write the only picture to this file (default standard output; a terminal shows it)")
	f.Path(&c.Dir, "d", "dir", "dir", "write to this folder, under the names of the originals; nothing there is overwritten")
	f.Either("o", "d")
	f.Bool(&c.Force, "", "force", "overwrite what is in the folder of -d")
	f.Duration(&server.Wait, "w", "wait", "time", "how long to wait for a picture, from when its id came (default no end)")
	f.Bool(&c.Quiet, "", "quiet", "no progress, no closing line after failures, and each kind of note once")
	var err error
	if c.IDs, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	if err := f.NeedInput(c.IDs); err != nil {
		return err
	}
	if (c.Output == "" || c.Output == "-") && c.Dir == "" && show.Can(os.Stdout) {
		c.Show = showPicture
	}
	server.Forever = !f.Given("w")
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	return transfer.Get(imgd, c)
}
