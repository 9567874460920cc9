package spool

import (
	"fmt"
	"os"
	"sync/atomic"
)

// serial makes names that no other process of any host uses at this time.
type serial struct{ n atomic.Uint64 }

func (s *Spool) tag() string {
	return fmt.Sprintf("%s.%d.%d", s.host, os.Getpid(), s.n.Add(1))
}
