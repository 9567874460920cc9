// Imgput sends pictures to imgd and prints one job id a line: imgput(1).
package main

import (
	"os"

	"imgtools/pkg/ops"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
	"imgtools/pkg/shell/transfer"
)

func main() { cli.Main("imgput", run) }

func run(args []string) error {
	var server client.Config
	c := transfer.PutConfig{List: history.Open(), Stdout: os.Stdout, Stderr: os.Stderr}
	f := cli.New("imgput", "sends pictures to imgd and prints one job id a line", "[file]...")
	server.AddFlags(f)
	words := f.Options("")
	f.Duration(&server.Wait, "w", "wait", "time", "how long to go on when imgd is full, busy or gone (default no end)")
	f.Bool(&c.Quiet, "", "quiet", "no progress and no closing line after failures")
	var err error
	if c.Files, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	o, err := ops.ParsePublic(words())
	if err != nil {
		return err
	}
	if err := f.NeedInput(c.Files); err != nil {
		return err
	}
	c.Words = o.Words()
	server.Forever = !f.Given("w")
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	return transfer.Put(imgd, c)
}
