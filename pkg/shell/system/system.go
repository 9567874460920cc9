// Package system has the few calls of the operating system that the filters and the
// clients need and that package os lacks: terminals, locks, a rename that replaces
// nothing, files without a name. They work on Linux, on macOS and the BSDs, and on
// Windows; where one of them can't be had, its doc string says what happens.
//
//	system_linux.go    Linux
//	system_bsd.go      macOS, FreeBSD, NetBSD and OpenBSD
//	system_unix.go     what all of these share
//	system_windows.go  Windows
package system

// Window is the size of a terminal's window, in characters and in pixels. What the
// terminal doesn't say is 0.
type Window struct{ Cols, Rows, Width, Height int }

// FileID is the identity of a file: two paths of one file have the same.
type FileID struct{ dev, ino uint64 }

// DupPrefixes are folders whose names are the open descriptors of this process.
var DupPrefixes = []string{"/proc/self/fd/", "/dev/fd/"}
