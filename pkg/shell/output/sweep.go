package output

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"time"

	"imgtools/pkg/shell/system"
)

// A temporary file is named .imgtools-AAAAAAAAAAAA and locked until it has its
// name or is gone. A signal ends a process only after it has removed its files, but SIGKILL
// and a power cut leave them. Nobody holds a lock on these, on whatever host, and so the
// next run that writes to the folder can tell them and removes them.

const (
	tmpPrefix = ".imgtools-"
	tmpRandom = 12 // letters behind the prefix, of the alphabet of rand.Text

	// staleAfter is how long a file without a lock must have been left alone. One that was
	// made a moment ago may be about to be locked.
	staleAfter = 2 * time.Second
)

// tmpName returns a new name of a temporary file.
func tmpName() string { return tmpPrefix + rand.Text()[:tmpRandom] }

// isTmpName reports whether tmpName could have made a name.
func isTmpName(name string) bool {
	random, ok := strings.CutPrefix(name, tmpPrefix)
	return ok && len(random) == tmpRandom && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Sweep removes the temporary files that dead processes have left in a folder. What it
// can't find out or remove stays.
func Sweep(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && isTmpName(e.Name()) {
			sweep(filepath.Join(folder, e.Name()))
		}
	}
}

// sweep removes one temporary file if nobody holds its lock. A file system without locks
// gives none, and then the file stays.
func sweep(path string) {
	before, err := os.Lstat(path)
	if err != nil || time.Since(before.ModTime()) < staleAfter {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && os.SameFile(before, st) && system.TryLock(f) {
		os.Remove(path)
	}
}
