package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Errors of a file that another attempt may not meet are busy, also when a decoder has
// taken them for errors of the picture.
func TestKindsOfFileErrors(t *testing.T) {
	for errno, want := range map[unix.Errno]fault.Kind{
		unix.ENOSPC: fault.Busy, unix.EDQUOT: fault.Busy, unix.ENOTCONN: fault.Busy, unix.ESTALE: fault.Busy,
		unix.EFBIG: fault.TooLarge, unix.EIO: fault.Internal,
	} {
		t.Run(errno.Error(), func(t *testing.T) {
			err := error(&fs.PathError{Op: "stat", Path: "out", Err: errno})
			if got := fault.Of(explain(err)); got != want {
				t.Errorf("%v is %v, want %v", err, got, want)
			}
			if want != fault.Internal {
				err = fault.New(fault.Format, "row 3: %w", fmt.Errorf("reading: %w", err))
				if got := fault.Of(explain(err)); got != want {
					t.Errorf("%v is %v, want %v", err, got, want)
				}
			}
		})
	}
	if explain(nil) != nil || !errors.Is(explain(fs.ErrClosed), fs.ErrClosed) {
		t.Error("other errors are not kept")
	}
}
