package filter

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/shell/faketerm"
)

// A batch shows its progress on a terminal, and erases it at the end.
func TestProgressOnTerminal(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"a", "b", "c", "d"} {
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[len(files)-1], []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, quiet := range []bool{false, true} {
		t.Run(fmt.Sprintf("quiet %v", quiet), func(t *testing.T) {
			term := faketerm.Open(t, 80, 24, 0, 0)
			was := os.Stderr
			os.Stderr = term.Near
			t.Cleanup(func() { os.Stderr = was })
			hold := make(chan struct{})
			done := make(chan error)
			go func() {
				done <- Run(Config{Command: "gray", Files: files, Dir: filepath.Join(dir, "out"), Quiet: quiet, Workers: 2, Pixels: 100}, Operation{
					Prepare: func(in io.ReaderAt, size int64, _ string, _ bool) (Prepared, error) {
						b := string(read(in, size))
						return Prepared{Format: "png", Write: func(outs []io.Writer) (Result, error) {
							if b > "b" {
								<-hold
							}
							_, err := io.WriteString(outs[0], b)
							return Result{Format: "png", Note: map[bool]string{true: "noted"}[b == "d"]}, err
						}}, nil
					}})
			}()
			if !quiet {
				term.Await("line", func(said string) bool {
					return strings.HasSuffix(faketerm.Screen(said), "gray: [##########..........] 2 of 4")
				})
			}
			close(hold)
			if err := <-done; err != nil {
				t.Error(err)
			}
			os.Stderr = was
			want := "gray: " + files[3] + ": noted\ngray: 4 written\n"
			if quiet {
				want = "gray: note: noted (1 picture)\n"
			}
			term.Await("message alone", func(said string) bool { return faketerm.Screen(said) == want })
		})
	}
}
