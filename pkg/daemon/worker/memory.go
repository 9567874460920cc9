package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// Memory of a worker, which -maxmem bounds:
//
//	the heap               at most 3/4: the collector's limit. A picture's samples
//	                       take at most half of -maxmem (raster.Limits).
//	pictures that came     at most 1/4, all together, in memory files
//	results of these       at most 1/4, all together, in memory files
//
// While memory files are in use the collector's limit is 1/2, so that the sum is
// never more than -maxmem. Memory files count neither in RLIMIT_DATA nor for the
// collector, so they are counted here. Only the stream form has them.
const (
	heapAlone     = 3. / 4 // of the heap, while there are no memory files
	heapWithFiles = 1. / 2 // of the heap beside memory files
	fileShare     = 4      // a part of this: the pictures, and as much for the results
)

// store is files in memory: the picture that came, and its results.
type store struct {
	in   memFile
	outs [wire.MaxResults]memFile
}

// memFile is a file in memory. size is the number of bytes in it, which count in
// used, one of the worker's two totals.
type memFile struct {
	*os.File
	used *int64
	size int64
}

func (w *Worker) newStore() (*store, error) {
	in, err := newMemFile("in", &w.gathered)
	s := &store{in: in}
	for i := range s.outs {
		if err == nil {
			s.outs[i], err = newMemFile("out", &w.results)
		}
	}
	return s, err
}

func newMemFile(name string, used *int64) (memFile, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return memFile{}, os.NewSyscallError("memfd_create", err)
	}
	return memFile{File: os.NewFile(uintptr(fd), name), used: used}, nil
}

// clearResults is clear for all results of s.
func (w *Worker) clearResults(s *store) error {
	var errs []error
	for i := range s.outs {
		if s.outs[i].size > 0 {
			errs = append(errs, w.clear(&s.outs[i]))
		}
	}
	return errors.Join(errs...)
}

// clear frees the memory of f and sets its offset to 0.
func (w *Worker) clear(f *memFile) error {
	err := f.Truncate(0)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	*f.used -= f.size
	f.size = 0
	w.gate.Broadcast() // grow may wait for it
	return err
}

// limitHeap sets the collector's limit to a part of -maxmem. w.mu is held.
func (w *Worker) limitHeap(part float64) {
	if w.heap != part {
		w.heap = part
		debug.SetMemoryLimit(int64(float64(w.cfg.MaxMem) * part))
	}
}

// share returns the bytes that all memory files of a kind may have.
func (w *Worker) share() int64 { return w.cfg.MaxMem / fileShare }

// growPicture counts n more bytes of the picture f, which a client sends. One that
// finds no room must try again: those that have sent theirs are served first.
func (w *Worker) growPicture(f *memFile, n int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *f.used+n > w.share() {
		return fault.New(fault.Busy, "pictures in work take %s of memory already (a quarter of -maxmem)", limits.Binary.Format(w.share()))
	}
	*f.used += n
	f.size += n
	return nil
}

// growResult counts n more bytes of f, one of the results of s that are being written.
// Results whose clients take them slowly make room, the oldest first.
func (w *Worker) growResult(s *store, f *memFile, n int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := n
	for i := range s.outs {
		all += s.outs[i].size
	}
	if all > w.share() {
		return fault.New(fault.TooLarge, "the result is larger than %s (a quarter of -maxmem); without this limit: pass open files", limits.Binary.Format(w.share()))
	}
	for *f.used+n > w.share() {
		for _, c := range w.gathering {
			if c.delivering {
				c.drop()
				w.forget(c)
				break
			}
		}
		w.gate.Wait() // for clear, which a dropped connection calls soon
	}
	*f.used += n
	f.size += n
	return nil
}

// result is what an operation writes its result to, in the stream form.
type result struct {
	w *Worker
	s *store
	f *memFile // of s
}

func (r result) Write(p []byte) (int, error) {
	if err := r.w.growResult(r.s, r.f, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := r.f.Write(p)
	if err != nil {
		err = fmt.Errorf("memory file: %w", err)
	}
	return n, err
}
