// Package docroot opens the files of one folder by names that strangers choose. What
// lies outside the folder, links, names that begin with a dot, and everything but
// regular files are not there.
package docroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
)

// Root is the folder. It is opened again for each file, so that another file system may
// be mounted there.
type Root struct{ dir string }

// Open returns the folder. It needs Linux 5.6 (openat2).
func Open(dir string) (*Root, error) {
	r := &Root{dir}
	fd, err := r.open()
	if err != nil {
		return nil, fault.New(fault.Usage, "-root: %w", err)
	}
	defer unix.Close(fd)
	self, err := unix.Openat2(fd, ".", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve})
	if err != nil {
		return nil, fault.New(fault.Usage, "-root: openat2: %w (Linux 5.6 or later)", err)
	}
	unix.Close(self)
	return r, nil
}

func (r *Root) open() (int, error) {
	for {
		fd, err := unix.Open(r.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: r.dir, Err: err}
		}
		return fd, nil
	}
}

// resolve keeps a path beneath the folder, whatever is renamed meanwhile, and takes no
// link (openat2(2)).
const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// races is how often an open is repeated when the kernel can't tell, because of renames,
// whether the path is beneath the folder.
const races = 16

// File is an open file of the folder.
type File struct {
	*os.File
	Info Info
}

// Info tells one content of a file from another, as far as the file system does.
type Info struct {
	Size         int64
	Mtime, Ctime unix.Timespec
}

// Open opens the file with a path of names between slashes. A path that is not there is
// an error of kind NotFound, a folder that is away one of kind Busy.
func (r *Root) Open(path string) (*File, error) {
	if !filename.Visible(path) {
		return nil, notThere
	}
	dir, err := r.open()
	if err != nil {
		return nil, fault.New(fault.Busy, "the folder of pictures is away: %w", errors.Unwrap(err))
	}
	defer unix.Close(dir)
	// First without reading, so that opening a device or a FIFO does nothing.
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve}
	fd := -1
	for n := 0; ; n++ {
		if fd, err = unix.Openat2(dir, path, how); err == unix.EINTR || err == unix.EAGAIN && n < races {
			continue
		}
		break
	}
	switch err {
	case nil:
	case unix.EAGAIN:
		return nil, fault.New(fault.Busy, "the folder of pictures is being changed")
	case unix.EIO, unix.ESTALE, unix.ENOTCONN, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ETIMEDOUT:
		return nil, fault.New(fault.Busy, "the folder of pictures can't be read: %w", err)
	default: // ENOENT, ENOTDIR, ELOOP, EXDEV, EACCES, ENAMETOOLONG
		return nil, notThere
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, notThere
	}
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return nil, notThere // this process may not read it
	}
	file := &File{File: f}
	if file.Info, err = file.stat(); err != nil {
		f.Close()
		return nil, fault.New(fault.Busy, "the folder of pictures can't be read: %w", err)
	}
	return file, nil
}

var notThere = fault.New(fault.NotFound, "no such picture")

func (f *File) stat() (Info, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &st)
	return Info{st.Size, st.Mtim, st.Ctim}, err
}

// Changed reports whether the file has another content than when it was opened, or may
// have.
func (f *File) Changed() bool {
	now, err := f.stat()
	return err != nil || now != f.Info
}

// Reader returns a new open file description of the file.
func (f *File) Reader() (*os.File, error) {
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}
