package tests

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// window is a terminal window of tmux.
type window struct {
	t      *testing.T
	socket string
}

// open starts a shell command in a window of so many characters.
func open(t *testing.T, cols, rows int, command string) *window {
	t.Helper()
	w := &window{t, filepath.Join(t.TempDir(), "tmux")}
	w.tmux("new-session", "-d", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows), command)
	t.Cleanup(func() { exec.Command("tmux", "-S", w.socket, "kill-server").Run() })
	return w
}

func (w *window) tmux(args ...string) string {
	w.t.Helper()
	c := exec.Command("tmux", append([]string{"-S", w.socket, "-f", "/dev/null"}, args...)...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "TMUX") }), "LC_ALL=C.UTF-8", "SHELL=/bin/sh")
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// shows waits for text on the screen, and returns the screen.
func (w *window) shows(text string) string {
	w.t.Helper()
	var screen string
	if !eventually.Is(30*time.Second, func() bool {
		screen = w.tmux("capture-pane", "-p")
		return strings.Contains(screen, text)
	}) {
		w.t.Fatalf("no %q on the screen:\n%s", text, screen)
	}
	return screen
}

// cell is a character of the screen with its colours, "R;G;B".
type cell struct {
	r      rune
	fg, bg string
}

var sgr = regexp.MustCompile(`^\x1b\[([0-9;]*)m`)

// cells returns the lines of the screen as tmux holds them.
func (w *window) cells() (lines [][]cell) {
	w.t.Helper()
	now := cell{}
	for _, line := range strings.Split(w.tmux("capture-pane", "-e", "-p"), "\n") {
		var row []cell
		for line != "" {
			if m := sgr.FindStringSubmatch(line); m != nil {
				line = line[len(m[0]):]
				for p := strings.Split(m[1], ";"); len(p) > 0; {
					switch {
					case len(p) >= 5 && p[0] == "38":
						now.fg, p = strings.Join(p[2:5], ";"), p[5:]
					case len(p) >= 5 && p[0] == "48":
						now.bg, p = strings.Join(p[2:5], ";"), p[5:]
					default:
						if p[0] == "0" || p[0] == "" {
							now.fg, now.bg = "", ""
						} else if p[0] == "39" {
							now.fg = ""
						} else if p[0] == "49" {
							now.bg = ""
						}
						p = p[1:]
					}
				}
				continue
			}
			r := []rune(line)[0]
			line = line[len(string(r)):]
			row = append(row, cell{r, now.fg, now.bg})
		}
		lines = append(lines, row)
	}
	return lines
}

// A pipe to the terminal shows the picture: each pixel is where it belongs.
func TestPictureInTerminal(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	m := image.NewNRGBA(image.Rect(0, 0, 30, 17)) // an odd height, and no gray
	for y := range 17 {
		for x := range 30 {
			m.Set(x, y, color.NRGBA{uint8(8 * x), uint8(15 * y), uint8(255 - 8*x), 255})
		}
	}
	save(t, dir, "m.png", m)
	w := open(t, 60, 20, fmt.Sprintf("cd %s; export IMGD=%s; imgput -s 1 m.png | imgget; echo shown; exec cat", dir, s.url))
	w.shows("shown")
	lines := w.cells()
	for y := range 17 {
		for x := range 30 {
			c := cell{}
			if len(lines[y/2]) > x {
				c = lines[y/2][x]
			}
			got, n := c.fg, m.NRGBAAt(x, y)
			if y%2 == 1 {
				got = c.bg
			}
			if want := fmt.Sprintf("%d;%d;%d", n.R, n.G, n.B); c.r != '▀' || got != want {
				t.Fatalf("pixel %d, %d is %q in %s, want %s", x, y, c.r, got, want)
			}
		}
	}
	if len(lines[8]) != 30 || lines[8][0].bg != "" || string(lines[9][0].r) != "s" {
		t.Errorf("after the picture: %v", lines[8:10])
	}
}

// What is too large for the window is shown as large as fits above the prompt.
func TestLargePictureInTerminal(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "large.jpg", photo(600, 400, 8))
	w := open(t, 50, 16, fmt.Sprintf("cd %s; export IMGD=%s; imgput large.jpg | imgget; printf shown; exec cat", dir, s.url))
	w.shows("shown")
	lines := w.cells()
	for i, row := range lines[:15] {
		if len(row) != 45 || row[0].r != '▀' { // 600 × 400 in 50 × 30 is 45 × 30
			t.Fatalf("line %d has %d characters", i, len(row))
		}
	}
	for _, c := range lines[7] { // and gray
		if rgb := strings.Split(c.fg, ";"); len(rgb) != 3 || rgb[0] != rgb[1] || rgb[1] != rgb[2] {
			t.Fatalf("%v is not gray", c)
		}
	}
}

// Every flag of -h is completed, and what it takes, by each of the shells.
func TestCompletion(t *testing.T) {
	list := filepath.Join(t.TempDir(), "imgput")
	if err := os.MkdirAll(list, 0o700); err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("abc4", 6) + "zz"
	named := "q" + id[1:] // and the job of a picture with a name
	write(t, list, "jobs", []byte(id+"\tunix:/x\t1\n"+named+"\tunix:/x\t1\ta b.png\n"))
	t.Setenv("XDG_STATE_HOME", filepath.Dir(list))
	dir := t.TempDir()
	write(t, dir, "only.png", nil)
	must(t, dir, "mkdir folder")

	bash := func(line string) []string {
		return strings.Fields(string(must(t, dir, `. `+root+`/cmd/completion.bash; COMP_WORDS=(`+strings.TrimSuffix(line, last(line))+` '`+last(line)+`'); `+
			`_imgtools ${COMP_WORDS[0]} '`+last(line)+`' "${COMP_WORDS[-2]}"; printf '%s\n' "${COMPREPLY[@]}"`)))
	}
	fish := func(line string) (words []string) {
		out := must(t, dir, `fish --no-config -c 'source `+root+`/cmd/completion.fish; complete -C "`+line+`"'`)
		for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			word, _, _ := strings.Cut(l, "\t")
			words = append(words, strings.TrimSuffix(word, "/"))
		}
		return words
	}
	same := func(shell, line string, got, want []string) {
		t.Helper()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s, %q: %q, want %q", shell, line, got, want)
		}
	}
	var all strings.Builder // what zsh is to show, by command
	for name := range page {
		_, _, flags, _ := helpOf(t, name)
		var want []string
		text := string(run(t, nil, name, "-h").out)
		for _, m := range regexp.MustCompile(`(?m)(?:^  |, )(--?)([A-Za-z]+)`).FindAllStringSubmatch(text, -1) {
			want = append(want, m[1]+m[2])
		}
		if len(want) != len(flags) {
			t.Fatalf("%s has flags %v, and %v were found", name, flags, want)
		}
		same("bash", name, bash(name+" -"), slices.Clone(want))
		same("fish", name, fish(name+" -"), slices.Clone(want))
		fmt.Fprintln(&all, name, strings.Join(want, " "))
	}
	for line, want := range map[string][]string{
		"gray -l ":        {"601", "709", "luminance"},
		"scale --kernel ": {"lanczos3", "box", "triangle", "catmullrom", "mitchell"},
		"imgput -f ":      {"jpeg", "png", "gif", "webp", "bmp", "tiff", "pnm", "pgm", "ppm", "pam", "auto"},
		"grayd -sandbox ": {"strict", "best", "off"},
		"imgd -log ":      {"text", "json"},
		"gray -d ":        {"folder"},
		"imgput on":       {"only.png"},
		"gray -o on":      {"only.png"},
		"imgrm ab":        {id},
		"imginfo on":      {"only.png"},
		"imgget -quiet q": {named},
	} {
		same("bash", line, bash(line), slices.Clone(want))
		same("fish", line, fish(line), slices.Clone(want))
	}

	// Where ids are listed, the pictures' names stand beside them.
	if got := string(must(t, dir, `. `+root+`/cmd/completion.bash; _imgtools imgrm '' imgrm; printf '%s\n' "${COMPREPLY[@]}"`)); got != id+"\n"+named+"  (a b.png)\n" {
		t.Errorf("bash lists %q", got)
	}
	if got := string(must(t, dir, `. `+root+`/cmd/completion.bash; COMP_TYPE=37; _imgtools imgrm '' imgrm; printf '%s\n' "${COMPREPLY[@]}"`)); got != id+"\n"+named+"\n" {
		t.Errorf("bash's menu has %q", got)
	}
	if got := string(must(t, dir, `fish --no-config -c 'source `+root+`/cmd/completion.fish; complete -C "imgrm "'`)); got != id+"\n"+named+"\ta b.png\n" {
		t.Errorf("fish lists %q", got)
	}

	zdir := t.TempDir()
	must(t, zdir, "cp "+root+"/cmd/completion.zsh _imgtools")
	w := open(t, 200, 50, "cd "+dir+"; export PATH="+binDir+":$PATH XDG_STATE_HOME="+filepath.Dir(list)+"; exec zsh -f")
	w.tmux("send-keys", "PS1='ready> ' fpath=("+zdir+" $fpath); autoload -U compinit; compinit -D -u; clear", "Enter")
	w.shows("\n") // it has started
	for _, l := range strings.Split(strings.TrimSpace(all.String()), "\n") {
		words := strings.Fields(l)
		w.tmux("send-keys", "C-u", "clear", "Enter")
		w.tmux("send-keys", words[0]+" -", "Tab")
		w.shows("ready> " + words[0] + " -\n--") // not what was there before
		screen := w.shows("-version ")
		for _, f := range words[1:] {
			if !regexp.MustCompile(`(?m)(^| )` + f + ` `).MatchString(screen) {
				t.Errorf("zsh: %s of %s is not on the screen:\n%s", f, words[0], screen)
			}
		}
	}
	for line, want := range map[string]string{"gray -l lu": "gray -l luminance", "imgput on": "imgput only.png", "imgrm ab": "imgrm " + id, "imgrm q": "imgrm " + named, "imgd -log j": "imgd -log json"} {
		w.tmux("send-keys", "C-u", "clear", "Enter")
		w.tmux("send-keys", line, "Tab")
		w.shows(want)
	}
	w.tmux("send-keys", "C-u", "clear", "Enter")
	w.tmux("send-keys", "imgrm ", "Tab", "Tab")
	if screen := w.shows("a b.png"); !strings.Contains(screen, named+"  a b.png") {
		t.Errorf("zsh lists\n%s", screen)
	}
}

// last returns the word that a line ends with, which is being completed.
func last(line string) string { return line[strings.LastIndexByte(line, ' ')+1:] }
