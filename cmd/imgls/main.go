// Imgls shows jobs of imgd: their state, place in the queue and name: imgls(1).
package main

import (
	"os"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
	"imgtools/pkg/shell/transfer"
)

func main() { cli.Main("imgls", run) }

func run(args []string) error {
	server := client.Config{Wait: transfer.Patience}
	c := transfer.JobsConfig{Command: "imgls", List: history.Open(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	f := cli.New("imgls", "shows jobs of imgd: their state, place in the queue and name", "[id]...")
	f.Operand = "an id"
	server.AddFlags(f)
	f.Choice(&c.State, "", "state", "state", client.States, "show only jobs in this state")
	f.Bool(&c.Long, "", "long", "show also time, work, bytes, size and operations")
	f.Bool(&c.JSON, "", "json", "show all that the server knows, a JSON object for each job")
	f.Either("long", "json")
	var err error
	if c.IDs, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	if c.Long && c.JSON {
		return fault.New(fault.Usage, "-long and -json exclude each other")
	}
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	if len(c.IDs) == 0 && !given(os.Stdin) {
		return transfer.ListMine(imgd, c)
	}
	return transfer.List(imgd, c)
}

// given reports whether ids may come from f: it is a file or a pipe, and not a
// terminal, /dev/null, or closed.
func given(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice == 0
}
