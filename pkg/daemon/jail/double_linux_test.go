package jail

import (
	"fmt"
	"io"
	"os"
	"os/signal"
)

// acts are what doubles do. A double whose act returns an error exits with status 1
// and that error.
var acts = map[string]func(args []string) error{
	"copy": func([]string) error {
		in, err := os.Open("in.heic")
		if err != nil {
			return err
		}
		out, err := create()
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		return out.Close()
	},
	"wait": func([]string) error { // says that it is up, then never ends
		out, err := create()
		if err != nil {
			return err
		}
		fmt.Fprint(out, "up")
		return forever()
	},
}

// forever does not return.
func forever() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	for {
		<-c
	}
}

// create opens the output as fopen(3) does with "w".
func create() (*os.File, error) {
	return os.OpenFile("out.y4m", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// double is what the test binary does as a program in a jail. It does not return.
func double(act string, args []string) {
	if err := acts[act](args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
