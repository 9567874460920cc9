// Imgrm takes jobs of imgd back: cancels them, or removes their results.
//
//	imgrm [-h] [-a address] [-token file] [id]...
package main

import (
	"os"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/jobs"
	"imgtools/pkg/shell/record"
)

const usage = "[-h] [-a address] [-token file] [id]..."

func main() { cli.Main("imgrm", run) }

func run(args []string) error {
	server := client.Config{Wait: jobs.Patience}
	c := jobs.Config{Command: "imgrm", List: record.Open(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	f := cli.New("imgrm", "takes jobs of imgd back: cancels them, or removes their results", usage)
	f.Operand = "an id"
	f.String(&server.Address, "a", "address", "address", "imgd: unix:/path, tcp:host:port, http://…, https://… (default $IMGD, else its socket)")
	f.String(&server.TokenFile, "", "token", "file", "file with the token that imgd asks for (default $IMGD_TOKEN_FILE)")
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
	return jobs.Remove(imgd, c)
}
