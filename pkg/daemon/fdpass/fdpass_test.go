package fdpass

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// pair returns two connected stream sockets in Go's poller.
func pair(t *testing.T) (a, b *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func raw(t *testing.T, f *os.File) syscall.RawConn {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// files returns n descriptors of a temporary file that says its number.
func files(t *testing.T, n int) []int {
	t.Helper()
	var fds []int
	for i := range n {
		f, err := os.CreateTemp(t.TempDir(), "f")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		fmt.Fprintf(f, "file %d", i)
		fds = append(fds, int(f.Fd()))
	}
	return fds
}

// open counts this process's descriptors.
func open(t *testing.T) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

func TestTwoFilesArrive(t *testing.T) {
	a, b := pair(t)
	if err := Send(raw(t, a), []byte("line\n"), files(t, 2)...); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	n, fds, err := Recv(raw(t, b), p, 2)
	if err != nil || string(p[:n]) != "line\n" || len(fds) != 2 {
		t.Fatalf("Recv = %q, %v, %v", p[:n], fds, err)
	}
	for i, fd := range fds {
		if fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); fl&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d would be inherited", i)
		}
		f := os.NewFile(uintptr(fd), "got")
		text, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
		if want := fmt.Sprint("file ", i); err != nil || string(text) != want {
			t.Errorf("descriptor %d reads %q, %v; want %q", i, text, err, want)
		}
		f.Close()
	}
}

// Fewer than the most are the caller's business.
func TestFewerArrive(t *testing.T) {
	a, b := pair(t)
	if err := Send(raw(t, a), []byte("line\n"), files(t, 3)...); err != nil {
		t.Fatal(err)
	}
	_, fds, err := Recv(raw(t, b), make([]byte, 100), 9)
	if err != nil || len(fds) != 3 {
		t.Fatalf("%v, %v", fds, err)
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
}

func TestTooManyAreClosed(t *testing.T) {
	for _, send := range []int{3, 4, 5, 50} {
		a, b := pair(t)
		send := files(t, send)
		ca, cb := raw(t, a), raw(t, b)
		before := open(t)
		if err := Send(ca, []byte("line\n"), send...); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 100)
		n, fds, err := Recv(cb, p, 2)
		if fault.Of(err) != fault.Usage || fds != nil || string(p[:n]) != "line\n" {
			t.Errorf("%d sent: Recv = %q, %v, %v; want a usage error", len(send), p[:n], fds, err)
		}
		if after := open(t); after != before {
			t.Errorf("%d sent: %d descriptors open, %d before", len(send), after, before)
		}
	}
}

func TestNoDescriptorsAndEnd(t *testing.T) {
	a, b := pair(t)
	if err := Send(raw(t, a), []byte("line\nbody")); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	if n, fds, err := Recv(raw(t, b), p, 2); err != nil || fds != nil || string(p[:n]) != "line\nbody" {
		t.Fatalf("Recv = %q, %v, %v", p[:n], fds, err)
	}
	a.Close()
	if n, _, err := Recv(raw(t, b), p, 2); n != 0 || err != io.EOF {
		t.Fatalf("Recv at the end = %d, %v", n, err)
	}
}

func TestFullDescriptorTableIsBusy(t *testing.T) {
	a, b := pair(t)
	ca, cb := raw(t, a), raw(t, b)
	if err := Send(ca, []byte("line\n"), files(t, 2)...); err != nil {
		t.Fatal(err)
	}
	before := open(t)
	// The limit at the number that the second descriptor would get.
	probe, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(probe)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(probe) + 1, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	n, fds, err := Recv(cb, p, 2)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if fault.Of(err) != fault.Busy || fds != nil || string(p[:n]) != "line\n" {
		t.Fatalf("Recv = %q, %v, %v; want busy", p[:n], fds, err)
	}
	if after := open(t); after != before {
		t.Fatalf("%d descriptors open, %d before", after, before)
	}
}

func TestSendWaitsForRoom(t *testing.T) {
	a, b := pair(t)
	sent := make([]byte, 4<<20)
	for i := range sent {
		sent[i] = byte(i * 7)
	}
	done := make(chan error, 1)
	c, fds := raw(t, a), files(t, 2)
	go func() { done <- Send(c, sent, fds...) }()
	var got []byte
	p := make([]byte, 64<<10)
	with := 0
	for len(got) < len(sent) {
		n, fds, err := Recv(raw(t, b), p, 2)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p[:n]...)
		with += len(fds)
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	if err := <-done; err != nil || string(got) != string(sent) || with != 2 {
		t.Fatalf("Send: %v; same bytes: %v; %d descriptors", err, string(got) == string(sent), with)
	}
}

func TestDeadlineAndClosedPeer(t *testing.T) {
	a, b := pair(t)
	b.SetReadDeadline(time.Now())
	if _, _, err := Recv(raw(t, b), make([]byte, 10), 2); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Recv: %v; want a deadline", err)
	}
	b.Close()
	if err := Send(raw(t, a), []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("Send: %v; want EPIPE", err)
	}
}
