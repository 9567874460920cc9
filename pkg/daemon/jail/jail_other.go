//go:build !linux

package jail

import (
	"context"
	"os"

	"imgtools/pkg/fault"
)

// Main does nothing: there are no jails on this system.
func Main() {}

// Direct returns a Runner that runs nothing.
func Direct() RunCloser { return none{} }

type none struct{}

var errSystem = fault.New(fault.Unsupported, "other programs are run on Linux only, where they can be confined")

func (none) Run(context.Context, Command) error { return errSystem }

func (none) Pipe() (r, w *os.File, err error) { return nil, nil, errSystem }

func (none) Close() error { return nil }

func (none) Memory() (*os.File, error) { return nil, errSystem }
