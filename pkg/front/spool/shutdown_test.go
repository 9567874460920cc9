package spool

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// A file system shuts down when its device fails. Then no fsync counts as done, also
// where, as on XFS, fsync of a folder returns 0.
func TestFolderOfAFileSystemThatHasShutDown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can mount")
		return
	}
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			image, mount := filepath.Join(dir, "image"), filepath.Join(dir, "mount")
			if err := os.Mkdir(mount, 0o700); err != nil {
				t.Fatal(err)
			}
			const size = "320M" // xfs takes no less than 300 MiB
			out, err := exec.Command("sh", "-ec", `truncate -s "$0" "$1"; /usr/sbin/mkfs."$2" -q "$1"; mount -o loop "$1" "$3"`, size, image, kind, mount).CombinedOutput()
			if err != nil {
				t.Fatalf("making and mounting %s (run tests/setup.sh): %v\n%s", kind, err, out)
			}
			t.Cleanup(func() { exec.Command("umount", "-l", mount).Run() })
			s := open(t, Config{Dir: filepath.Join(mount, "spool")})
			if err := os.Mkdir(s.path("jobs", "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			jobs, err := os.Open(s.path("jobs"))
			if err != nil {
				t.Fatal(err)
			}
			defer jobs.Close()
			f, err := os.Open(mount)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			// FS_IOC_SHUTDOWN, without flushing the journal.
			if err := unix.IoctlSetPointerInt(int(f.Fd()), 0x8004587d, 2); err != nil {
				t.Fatal(err)
			}
			if err := s.syncOpenDir(jobs, jobs.Name()); fault.Of(diskError(err)) != fault.Busy {
				t.Errorf("the folder's new name counts as durable: %v", err)
			}
		})
	}
}
