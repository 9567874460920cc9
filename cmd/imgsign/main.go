// Imgsign signs the URLs of pictures that imgd serves from a folder: imgsign(1).
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/tokenfile"
	"imgtools/pkg/urlsign"
)

func main() { cli.Main("imgsign", run) }

func run(args []string) error {
	base, valid := "", time.Duration(0)
	f := cli.New("imgsign", "signs URLs of pictures that imgd serves from a folder", "keyfile [path?ops]...")
	f.Operand = "a path"
	f.String(&base, "", "base", "url", "what to write in front, such as https://example.org")
	f.Duration(&valid, "", "for", "time", "how long the URLs are valid (default for ever)")
	operands, err := f.Parse(args, os.Stdout)
	if err == nil && len(operands) == 0 {
		err = fault.New(fault.Usage, "no key file")
	}
	if err == nil {
		err = f.NeedInput(operands[1:])
	}
	if err != nil {
		return err
	}
	keys, _, err := tokenfile.Read(operands[0])
	if err != nil {
		return err
	}
	var until time.Time
	if valid > 0 {
		until = time.Now().Add(valid)
	}
	var failed error
	err = input.IDs(operands[1:], os.Stdin, func(line string) bool {
		var url string
		if url, failed = urlsign.SignLine(keys[0], line, until); failed == nil {
			_, failed = fmt.Println(strings.TrimSuffix(base, "/") + url)
		}
		return failed == nil
	})
	return errors.Join(failed, err)
}
