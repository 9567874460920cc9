// Package cmdtest runs a command in its own tests. The test binary starts itself as
// the command: TestMain calls Main, and Command sets the variable by which Main knows.
// Only tests import it.
package cmdtest

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

const asCommand = "CMDTEST"

// Main is a TestMain that runs the test binary as the command when Command started it.
func Main(m *testing.M, main func()) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Command returns the command, to be run in dir. Its environment has only folders of
// its own: for temporary files, for sockets, and a home.
func Command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	own := t.TempDir()
	cmd.Env = []string{asCommand + "=1", "TMPDIR=" + own, "IMGTOOLS_RUN=" + own, "HOME=" + own}
	return cmd
}

// Run runs a command and returns its output and exit status.
func Run(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}
