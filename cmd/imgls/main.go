// Imgls shows jobs of imgd: their state, place in the queue and name.
//
//	imgls [-h] [-a address] [-token file] [id]...
package main

import (
	"os"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/jobs"
	"imgtools/pkg/shell/record"
)

const usage = "[-h] [-a address] [-token file] [id]..."

func main() { cli.Main("imgls", run) }

func run(args []string) error {
	server := client.Config{Wait: jobs.Patience}
	c := jobs.Config{Command: "imgls", List: record.Open(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	f := cli.New("imgls", "shows jobs of imgd: their state, place in the queue and name", usage)
	f.Operand = "an id"
	f.String(&server.Address, "a", "address", "address", "imgd: unix:/path, tcp:host:port, http://…, https://… (default $IMGD, else its socket)")
	f.String(&server.TokenFile, "", "token", "file", "file with the token that imgd asks for (default $IMGD_TOKEN_FILE)")
	var err error
	if c.IDs, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	if len(c.IDs) == 0 && !given(os.Stdin) {
		return jobs.ListMine(imgd, c)
	}
	return jobs.List(imgd, c)
}

// given reports whether there is anything to read on f: it is a file or a pipe,
// and not a terminal, /dev/null, or closed.
func given(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice == 0
}
