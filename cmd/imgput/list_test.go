package main

import (
	"os"
	"strings"
	"testing"

	"imgtools/pkg/shell/client/fakeimgd"
)

// Ids are kept for imgls, in a file for nobody else, and a place that can't be
// written is no failure.
func TestUsersList(t *testing.T) {
	dir := pictures(t, "a", "b")
	s := &fakeimgd.Server{}
	sock := s.StartUnix(t)
	for _, home := range []string{t.TempDir(), "/proc/none", ""} {
		t.Run(home, func(t *testing.T) {
			cmd := imgput(t, dir, sock, "a", "b")
			cmd.Env = append(cmd.Env, "HOME="+home)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.Output()
			if err != nil || stderr.Len() > 0 {
				t.Errorf("%q: %v, %q", home, err, stderr.String())
			}
			if home == "" || home == "/proc/none" {
				return
			}
			file := home + "/.local/state/imgput/jobs"
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var ids string
			for line := range strings.Lines(string(b)) {
				f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
				if len(f) != 4 || f[3] != "ab"[len(ids)/27:][:1] || f[1] != "unix:"+sock {
					t.Errorf("line %q", line)
				}
				ids += f[0] + "\n"
			}
			if ids != string(stdout) {
				t.Errorf("printed %q, kept %q", stdout, ids)
			}
			if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
				t.Errorf("%v, %v", st.Mode(), err)
			}
		})
	}
}
