package jail

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const folderPrefix = "imgtools-jail-"

// A folder is where the programs of one launcher start. It has only links, to the
// descriptors of the process that follows them. It is locked while the launcher lives.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes a folder among the temporary files, and removes those of launchers
// that were killed.
func newFolder() (*folder, error) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, path := range old {
		removeDead(path)
	}
	for {
		path, err := os.MkdirTemp("", folderPrefix)
		if err != nil {
			return nil, fmt.Errorf("jail: a folder among the temporary files (TMPDIR): %w", err)
		}
		f := &folder{path: path}
		if f.lock, err = lockFolder(path); err == nil {
			return f, nil
		}
		// Another launcher, which saw it before it was locked, has locked it to remove it.
		if err != unix.EWOULDBLOCK && !os.IsNotExist(err) {
			os.Remove(path)
			return nil, fmt.Errorf("jail: lock %s: %w", path, err)
		}
	}
}

// lockFolder opens and locks a folder that has its name still.
func lockFolder(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	var st unix.Stat_t
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	if err == nil && st.Nlink == 0 {
		err = unix.ENOENT
	}
	if err == nil && int(st.Uid) != os.Geteuid() {
		err = unix.EPERM
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeDead removes the folder of a launcher that was killed: no process has locked it.
func removeDead(path string) {
	lock, err := lockFolder(path)
	if err != nil {
		return
	}
	(&folder{path, lock}).remove()
}

// there reports whether nobody has removed the folder.
func (f *folder) there() bool {
	var a, b unix.Stat_t
	return unix.Fstat(int(f.lock.Fd()), &a) == nil && unix.Lstat(f.path, &b) == nil && a.Ino == b.Ino && a.Dev == b.Dev
}

// link makes the link name to a descriptor of the process that follows it.
func (f *folder) link(name string, fd int) error {
	target := fmt.Sprintf("/proc/self/fd/%d", fd)
	path := filepath.Join(f.path, name)
	if got, err := os.Readlink(path); err == nil && got == target {
		return nil
	}
	if err := os.Chmod(f.path, 0o700); err != nil {
		return err
	}
	defer os.Chmod(f.path, 0o555) // programs may be nobody's
	return os.Symlink(target, path)
}

// remove removes the folder and its links.
func (f *folder) remove() {
	os.Chmod(f.path, 0o700)
	os.RemoveAll(f.path)
	f.lock.Close()
}
