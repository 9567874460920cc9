// Package jail runs one program on one file where the program can do nothing else. It
// is for the decoders of formats that imgtools does not decode itself: large programs
// in C with a past full of memory faults, which read files from anybody.
//
// The program reads one file, writes one file, memory or pipe, and may read what it
// needs to start: shared libraries, and the list of processors. It can open nothing
// else, reach no network, start no process and signal none. Its memory, output, time
// and processor time are limited. Afterwards nothing of it is left.
//
// Three parties take part:
//
//	client    a filter, or a worker of a daemon; it sends a Command with two open files
//	launcher  starts programs, watches and ends them; it parses no picture
//	jail      a child of the launcher, which gives up its rights and executes the program
//
// The launcher of a worker is another process of its binary, which it starts before it
// enters its sandbox: there it could start nothing. The launcher of a filter, which is in
// no sandbox, is a thread of it. A launcher ends, with all its programs, when its client
// closes their connection or dies. A program dies with its launcher.
//
//	jail.go             commands, limits, the interface for clients
//	message.go          the messages between client and launcher
//	client_linux.go     the client's end: Direct, StartLauncher
//	role_linux.go       Main, which becomes a launcher
//	launcher_linux.go   the launcher's loop
//	program_linux.go    one program: start, time limit, end, verdict
//	folder_linux.go     the folder in which a program finds its two files
//	confine_linux.go    what a jail gives up
//	fork_linux.go       a jail between fork and execve
//	calls_linux.go      the system calls that a program keeps
//
// Programs choose formats by the ends of file names, so a program's folder has two
// links, such as in.heic and out.y4m, to /proc/self/fd/3 and 4.
package jail

import (
	"context"
	"io"
	"os"
	"time"
)

// A Command is one run of one program.
type Command struct {
	Path string   // absolute path of the program
	Args []string // after the program's name; its files are named by InName and OutName alone

	In     *os.File // regular file or memory; the program reads a copy of it
	InName string   // such as "in.heic"

	Out     *os.File // memory from Memory, or the writing end of a Pipe
	OutName string   // such as "out.y4m"

	Time   time.Duration // on the clock, and about as much of the processor
	Memory uint64        // bytes of address space (RLIMIT_AS); of In, too
	Output uint64        // bytes that Out may have if it is memory (RLIMIT_FSIZE)
}

// Caps bound the commands of a launcher, whatever its client asks for: the client may
// have been taken over by a picture. Zero values bound nothing.
type Caps struct {
	Programs []string // absolute paths
	Time     time.Duration
	Memory   uint64
	Output   uint64
}

// A Runner runs programs in jails, several at the same time.
type Runner interface {
	// Run runs a program to its end and returns nil if its exit status is 0, which
	// does not prove that its output is right. A cancelled ctx ends the program. The
	// files stay open. Errors have one line, which does not name the program, and a kind:
	//
	//	Format       the program failed or crashed
	//	TooLarge     it needed more memory or made more output than it may
	//	Timeout      it took too long, or ctx's deadline has passed
	//	Unsupported  this system can't confine or start it
	//	Busy         too many programs are running
	//	Internal     anything else
	Run(ctx context.Context, c Command) error
	// Pipe makes a pipe. A worker in its sandbox can't.
	Pipe() (r, w *os.File, err error)
	// Memory makes an empty file in memory (memfd_create(2)), which a worker in its
	// sandbox can't, either.
	Memory() (*os.File, error)
}

// A RunCloser is a Runner that its user closes, which ends its programs.
type RunCloser interface {
	Runner
	io.Closer
}
