// Imginfo says what pictures are, without decoding them: imginfo(1).
package main

import (
	"fmt"
	"os"

	"imgtools/pkg/picture/describe"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/input"
)

func main() { cli.Main("imginfo", run) }

func run(args []string) error {
	asJSON := false
	f := cli.New("imginfo", "says what pictures are: format, size, colours, date", "[file]...")
	f.Bool(&asJSON, "", "json", "print a JSON object for each picture")
	files, err := f.Parse(args, os.Stdout)
	if err != nil {
		return err
	}
	if err := f.NeedInput(files); err != nil {
		return err
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	report := cli.Report{Command: "imginfo", Stderr: os.Stderr}
	for _, name := range files {
		line, err := line(name, asJSON)
		if err != nil {
			report.Fail(fmt.Errorf("%s: %w", input.Name(name), err))
			continue
		}
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return report.Status()
}

// line describes one file.
func line(name string, asJSON bool) (string, error) {
	in, err := input.Open(name, describe.IsPicture)
	if err != nil {
		return "", err
	}
	defer in.Close()
	i, err := describe.Read(in, in.Size, describe.Unlimited)
	if asJSON {
		return string(i.JSON(name)), err
	}
	return cli.Line(in.Name + ": " + i.String()), err
}
