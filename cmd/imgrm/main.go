// Imgrm deletes jobs of imgd: cancels them, or removes their results: imgrm(1).
package main

import (
	"os"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
	"imgtools/pkg/shell/transfer"
)

func main() { cli.Main("imgrm", run) }

func run(args []string) error {
	server := client.Config{Wait: transfer.Patience}
	c := transfer.JobsConfig{Command: "imgrm", List: history.Open(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	f := cli.New("imgrm", "deletes jobs of imgd: cancels them, or removes their results", "[id]...")
	f.Operand = "an id"
	server.AddFlags(f)
	var err error
	if c.IDs, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	if err := f.NeedInput(c.IDs); err != nil {
		return err
	}
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	return transfer.Remove(imgd, c)
}
