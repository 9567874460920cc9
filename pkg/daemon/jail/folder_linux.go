package jail

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	folderPrefix = "imgtools-jail-"
	folderNames  = 64 // that are tried before one of a random name is made
)

// A folder is where the programs of one launcher start. It has only links, to the
// descriptors of the process that follows them. It is locked while the launcher lives.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes a folder among the temporary files. Names are imgtools-jail-USER-N; the
// first is taken that no other launcher has. The folder of a launcher that was killed is
// taken over, with its links, so that such folders don't pile up, and nobody needs to
// look for them among all temporary files.
func newFolder() (*folder, error) {
	for n := range folderNames {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-%d", folderPrefix, os.Geteuid(), n))
		if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
			return nil, errFolder(err)
		}
		if lock, err := lockFolder(path); err == nil {
			os.Chmod(path, 0o555) // its launcher may have been killed in link
			return &folder{path, lock}, nil
		}
		// Another launcher has it, has just removed it, or it is another user's.
	}
	path, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, errFolder(err)
	}
	lock, err := lockFolder(path)
	if err != nil {
		os.Remove(path)
		return nil, fmt.Errorf("jail: lock %s: %w", path, err)
	}
	return &folder{path, lock}, nil
}

func errFolder(err error) error {
	return fmt.Errorf("jail: a folder among the temporary files (TMPDIR): %w", err)
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
