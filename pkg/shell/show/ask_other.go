//go:build !linux

package show

import "os"

// ask reports false: only Linux opens a terminal again, without which the question would
// change how others read it.
func ask(f *os.File) bool { return false }
