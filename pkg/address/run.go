package address

import (
	"path/filepath"
	"strconv"
)

// systemRun is where the sockets of the system's daemons are.
const systemRun = "/run/imgtools"

// RunDir is a folder for sockets. Shared says that it lies in a folder in which
// everybody can make it, such as /tmp: it must be a folder and no link, and its
// owner must be checked before it is trusted.
type RunDir struct {
	Path   string
	Shared bool
}

// Socket returns the path of a program's socket in the folder.
func (d RunDir) Socket(name string) string { return filepath.Join(d.Path, name+".sock") }

// Run returns RUN, the folder in which a server of user uid puts its sockets:
// $IMGTOOLS_RUN, else /run/imgtools for root, else $XDG_RUNTIME_DIR/imgtools, else
// TMP/imgtools-UID.
func Run(getenv func(string) string, uid int) RunDir {
	if uid == 0 && getenv("IMGTOOLS_RUN") == "" {
		return RunDir{Path: systemRun}
	}
	return RunDirs(getenv, uid)[0]
}

// RunDirs returns the folders in which a client of user uid looks for a server's
// socket, in order; /run/imgtools is the last.
func RunDirs(getenv func(string) string, uid int) []RunDir {
	var dirs []RunDir
	if d := getenv("IMGTOOLS_RUN"); d != "" {
		dirs = append(dirs, RunDir{Path: d})
	}
	if d := getenv("XDG_RUNTIME_DIR"); d != "" {
		dirs = append(dirs, RunDir{Path: filepath.Join(d, "imgtools")})
	}
	tmp := getenv("TMPDIR")
	if tmp == "" {
		tmp = "/tmp"
	}
	return append(dirs,
		RunDir{Path: filepath.Join(tmp, "imgtools-"+strconv.Itoa(uid)), Shared: true},
		RunDir{Path: systemRun})
}
