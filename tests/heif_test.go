package tests

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// sample returns a file of package heif's tests.
func sample(name string) string { return filepath.Join(root, "pkg/picture/heif/testdata", name) }

// encoded makes a HEIC or AVIF of a smooth picture with heif-enc or avifenc, and returns its
// path and the picture.
func encoded(t testing.TB, name string, w, h int) (string, image.Image) {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := i%w, i/w
		copy(m.Pix[4*i:], []uint8{uint8(40 + 160*x/w), uint8(60 + 120*y/h), uint8(200 - 120*x/w), 255})
	}
	dir := t.TempDir()
	save(t, dir, "in.png", m)
	if strings.HasSuffix(name, ".avif") {
		must(t, dir, "avifenc --min 10 --max 20 -y 420 in.png "+name)
	} else {
		must(t, dir, "heif-enc -q 80 in.png -o "+name)
	}
	return filepath.Join(dir, name), m
}

// put writes a file and returns its path.
func put(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// apart returns the mean difference of the luma of two pictures of the same size.
func apart(t testing.TB, a, b image.Image) float64 {
	t.Helper()
	r := a.Bounds()
	if r.Size() != b.Bounds().Size() {
		t.Fatalf("%v and %v", r, b.Bounds())
	}
	luma := func(m image.Image, x, y int) float64 {
		r, g, b, _ := m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y).RGBA()
		return (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b)) / 257
	}
	sum := 0.0
	for y := range r.Dy() {
		for x := range r.Dx() {
			sum += math.Abs(luma(a, x, y) - luma(b, x, y))
		}
	}
	return sum / float64(r.Dx()*r.Dy())
}

// colours returns the mean difference of red and blue.
func colours(m image.Image) float64 {
	sum, r := 0.0, m.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r, _, b, _ := m.At(x, y).RGBA()
			sum += math.Abs(float64(r)-float64(b)) / 257
		}
	}
	return sum / float64(r.Dx()*r.Dy())
}

// decodes waits until heifd, which imgd has started, says what it decodes.
func (s *server) decodes(t testing.TB) {
	t.Helper()
	eventually.Within(t, 30*time.Second, "imgd knows what heifd decodes", func() bool {
		_, b := s.want(t, 200, "GET", "/metrics", nil)
		return strings.Contains(string(b), `imgtools_decoder{format="heic"} 1`) && strings.Contains(string(b), `imgtools_decoder{format="avif"} 1`)
	})
}

// A HEIC and an AVIF give the same picture through the filters, /image, a job and a list of
// sizes, and it is that which was encoded.
func TestHEIFEveryWay(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	s.decodes(t)
	for _, name := range []string{"a.heic", "a.avif"} {
		t.Run(name, func(t *testing.T) {
			file, source := encoded(t, name, 320, 240)
			data := read(t, file)
			for way, got := range map[string][]byte{
				"gray":          must(t, t.TempDir(), "gray < "+file),
				"gray, by name": must(t, t.TempDir(), "gray "+file),
				"/image?gray":   s.bytes(t, "/image?gray", data),
				"a job, gray":   must(t, t.TempDir(), "imgput -g "+file+" | imgget"),
				"converted":     s.bytes(t, "/image?format=png", data),
				"cropped":       s.bytes(t, "/image?crop=320x240%2B0%2B0", data),
				"scale 1":       must(t, t.TempDir(), "scale -f png 1 "+file),
			} {
				m, _ := decode(t, got)
				if d := apart(t, m, source); d > 2 {
					t.Errorf("%s: luma is %.2f levels off", way, d)
				}
				if gray := strings.Contains(way, "gray"); gray != (colours(m) < 1) {
					t.Errorf("%s: %.1f levels between red and blue", way, colours(m))
				}
			}
			half := must(t, t.TempDir(), "scale 160x "+file)
			m, format := decode(t, half)
			other, _ := decode(t, s.bytes(t, "/image?scale=160x", data))
			if format != "jpeg" || m.Bounds().Dx() != 160 || apart(t, m, other) > 1 {
				t.Errorf("half the size is %s of %v, and over HTTP %.2f levels away", format, m.Bounds(), apart(t, m, other))
			}
			dir := t.TempDir()
			must(t, dir, "imgput -s 160x,80x "+file+" | imgget -d out")
			for _, w := range []string{"160", "80"} {
				if m, _ := decode(t, read(t, filepath.Join(dir, "out", "a-"+w+".jpg"))); fmt.Sprint(m.Bounds().Dx()) != w {
					t.Errorf("a-%s.jpg is %v", w, m.Bounds())
				}
			}
			resp, b := s.want(t, 200, "PUT", "/image?gray&scale=80x60&fit=cover&gravity=attention", bytes.NewReader(data))
			if m, _ := decode(t, b); m.Bounds().Dx() != 80 || m.Bounds().Dy() != 60 {
				t.Errorf("cut to %v", m.Bounds())
			}
			if timing := resp.Header.Get("Server-Timing"); !regexp.MustCompile(`^queue;dur=\d+, decode;dur=\d+, gray;dur=\d+, scale;dur=\d+$`).MatchString(timing) {
				t.Errorf("Server-Timing: %s", timing)
			}
			resp, b = s.want(t, 200, "PUT", "/info", bytes.NewReader(data))
			if want := strings.TrimPrefix(filepath.Ext(name), ".") + " 320x240"; !strings.HasPrefix(string(b), want) {
				t.Errorf("/info: %s", b)
			}
		})
	}
}

// A HEIC in the folder of -root is served by URL as other pictures are.
func TestHEIFByURL(t *testing.T) {
	file, source := encoded(t, "a.heic", 320, 240)
	s := startImgd(t, "-root", filepath.Dir(file))
	s.decodes(t)
	resp, b := s.want(t, 200, "GET", "/files/a.heic?scale=160x", nil)
	m, format := decode(t, b)
	if format != "jpeg" || m.Bounds().Dx() != 160 || resp.Header.Get("Content-Type") != "image/jpeg" || resp.Header.Get("ETag") == "" {
		t.Errorf("%s of %v, %v", format, m.Bounds(), resp.Header)
	}
	_, b = s.want(t, 200, "GET", "/files/a.heic?format=png", nil)
	if m, _ := decode(t, b); apart(t, m, source) > 2 {
		t.Errorf("luma is %.2f levels off", apart(t, m, source))
	}
}

// bytes sends a picture and returns the answer's body.
func (s *server) bytes(t testing.TB, path string, body []byte) []byte {
	t.Helper()
	_, b := s.want(t, 200, "PUT", path, bytes.NewReader(body))
	return b
}

// Alpha, profile, density, date and orientation come along, over HTTP as in the filters.
func TestHEIFKeepsWhatAJPEGKeeps(t *testing.T) {
	s := startImgd(t)
	s.decodes(t)
	exif := func(b []byte, tags string) string {
		file := put(t, t.TempDir(), "x", b)
		return string(must(t, t.TempDir(), "exiftool -s3 "+tags+" "+file))
	}
	for way, do := range map[string]func(file, words string) []byte{
		"filter": func(file, words string) []byte {
			flags := map[string]string{"": "", "&keep=date": "-keep date", "&format=png": "-f png"}[words]
			return must(t, t.TempDir(), "scale "+flags+" 1/2 "+file+" 2>/dev/null")
		},
		"HTTP": func(file, words string) []byte { return s.bytes(t, "/image?scale=1/2"+words, read(t, file)) },
	} {
		t.Run(way, func(t *testing.T) {
			for _, name := range []string{"alpha.heic", "alpha.avif"} {
				if b := do(sample(name), ""); string(b[8:12]) != "WEBP" || !bytes.Contains(b[:40], []byte("ALPH")) && !bytes.Contains(b[:20], []byte("VP8X")) && !bytes.Contains(b[:20], []byte("VP8L")) {
					t.Errorf("%s became %q", name, b[:20])
				}
				if m, format := decode(t, do(sample(name), "&format=png")); format != "png" || m.(interface{ Opaque() bool }).Opaque() {
					t.Errorf("%s as %s without alpha", name, format)
				}
			}
			if got := exif(do(sample("p3.heic"), ""), "-ProfileDescription"); !strings.Contains(got, "P3") {
				t.Errorf("profile %q", got)
			}
			turned, format := decode(t, do(sample("exif.avif"), ""))
			if size := turned.Bounds().Size(); size != image.Pt(24, 32) || format != "jpeg" {
				t.Errorf("exif.avif of 48×64 upright became %s of %v", format, size)
			}
			if got, want := exif(do(sample("exif.heic"), "&keep=date"), "-DateTimeOriginal"), exif(read(t, sample("exif.heic")), "-DateTimeOriginal"); got != want || want == "" {
				t.Errorf("date %q, not %q", got, want)
			}
			if got := exif(do(sample("exif.heic"), "&keep=date"), "-Orientation -n"); strings.TrimSpace(got) != "" && strings.TrimSpace(got) != "1" {
				t.Errorf("orientation %q", got)
			}
			if got := exif(do(sample("exif.heic"), ""), "-DateTimeOriginal"); got != "" {
				t.Errorf("date %q without keep=", got)
			}
		})
	}
}

// gray -r converts HEIC with the rest. Without a program each HEIC is a failure with the
// name of the package, also one without an extension.
func TestHEIFInFolders(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	for to, name := range map[string]string{"IMG_1.heic": "odd.heic", "IMG_2": "exif.heic", "b.avif": "gray.avif"} {
		put(t, filepath.Join(dir, "in"), to, read(t, sample(name)))
	}
	save(t, filepath.Join(dir, "in"), "c.png", photo(20, 10, 8))
	put(t, filepath.Join(dir, "in"), "text", []byte("no picture"))
	r := runIn(t, dir, nil, "gray", "-r", "-d", "out", "in")
	if r.status != 0 {
		t.Errorf("exit %d, %s", r.status, r.err)
	}
	for _, name := range []string{"IMG_1.jpg", "IMG_2.jpg", "b.jpg", "c.png"} {
		decode(t, read(t, filepath.Join(dir, "out/in", name)))
	}
	cmd := exec.Command(filepath.Join(binDir, "gray"), "-r", "-d", "none", "in")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+binDir)
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err == nil || strings.Count(text, "libheif-examples") != 2 || strings.Count(text, "libavif-bin") != 1 || !strings.Contains(text, "1 written, 3 failed, 1 not pictures") {
		t.Errorf("without a program: %v\n%s", err, text)
	}
}

// Without a program imgd starts no heifd, offers no HEIC, and refuses one with advice.
func TestHEIFWithoutAProgram(t *testing.T) {
	run := runDir(t)
	cmd := exec.Command(filepath.Join(binDir, "imgd"), "-p", "0", "-n", "1", "-spool", filepath.Join(t.TempDir(), "spool"))
	cmd.Env = append(os.Environ(), "IMGTOOLS_RUN="+run, "PATH="+binDir)
	s := start(t, "imgd", cmd)
	s.run = run
	if err := s.attach(t); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	resp, b := s.want(t, 415, "PUT", "/image?gray", bytes.NewReader(read(t, sample("exif.heic"))))
	oneLine(t, "HEIC", resp, b, 415, "HEIC of 64×48 pixels: no program here decodes it; install the package libheif-examples")
	if got := s.accept(t); strings.Contains(got, "heic") {
		t.Errorf("the page offers %s", got)
	}
	if _, b := s.want(t, 200, "GET", "/metrics", nil); strings.Contains(string(b), `daemon="heifd"`) {
		t.Error("a heifd was started")
	}
}

// accept returns what the page's file picker offers.
func (s *server) accept(t testing.TB) string {
	t.Helper()
	req, err := http.NewRequest("GET", s.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	m := regexp.MustCompile(` accept="([^"]*)"`).FindSubmatch(b)
	if m == nil {
		t.Fatal("no file picker")
	}
	return string(m[1])
}

// heifd that is killed is started again by imgd, and the HEIC that waits for it is served;
// other pictures don't need it.
func TestHEIFDKilled(t *testing.T) {
	s := startImgd(t)
	s.decodes(t)
	if got := s.accept(t); !strings.Contains(got, ",image/heic,.heic,.heif,") || !strings.Contains(got, ".avif") {
		t.Errorf("the page offers %s", got)
	}
	heic, other := read(t, sample("exif.heic")), read(t, clouds(t))
	for range 3 {
		killed := 0
		for _, p := range processes(binDir + "/heifd") {
			if p.ppid == s.cmd.Process.Pid {
				syscall.Kill(p.pid, syscall.SIGKILL)
				killed++
			}
		}
		if killed != 1 {
			t.Fatalf("%d heifd", killed)
		}
		s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(other))
		s.want(t, 200, "GET", "/readyz", nil)
		eventually.Within(t, 30*time.Second, "a HEIC is served again", func() bool {
			resp, _, err := s.do("PUT", "/image?gray", bytes.NewReader(heic))
			return err == nil && resp.StatusCode == 200
		})
	}
}

// A worker whose launcher is killed dies with the picture in its hands, which another worker
// then decodes: the client does not notice.
func TestHEIFDLauncherKilled(t *testing.T) {
	real, err := exec.LookPath("heif-convert")
	if err != nil {
		t.Fatal(err)
	}
	run, path := runDir(t), double(t)
	sock := filepath.Join(run, "heifd.sock")
	cmd := exec.Command(filepath.Join(binDir, "heifd"), "-a", "unix:"+sock, "-n", "1", "-maxmem", "2G")
	cmd.Env = append(os.Environ(), "IMGTOOLS_RUN="+run, "PATH="+path)
	start(t, "heifd", cmd).waitFor(t, sock)
	eventually.Within(t, 30*time.Second, "the self-test is over", func() bool { return readStatus(t, sock+".status")["heic"] == "none" })
	s := startImgd(t, "-heifd", "unix:"+sock)
	type answer struct {
		status int
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		resp, _, err := s.do("PUT", "/image?gray", bytes.NewReader(acting(t, "stop")))
		if err != nil {
			got <- answer{0, err}
			return
		}
		got <- answer{resp.StatusCode, nil}
	}()
	eventually.Within(t, 30*time.Second, "the program is up", func() bool { return len(processes(path)) > 0 })
	name := filepath.Join(path, "heif-convert")
	if err := errors.Join(os.Remove(name), os.Symlink(real, name)); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, p := range processes(binDir + "/heifd") {
		if strings.HasPrefix(p.cmdline, "imgtools: launcher") && slices.ContainsFunc(processes(binDir+"/heifd"), func(q process) bool { return q.pid == p.ppid && q.ppid == cmd.Process.Pid }) {
			syscall.Kill(p.pid, syscall.SIGKILL)
			killed++
		}
	}
	if a := <-got; killed != 1 || a.err != nil || a.status != 200 {
		t.Errorf("%d launchers killed: %d, %v", killed, a.status, a.err)
	}
	s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(read(t, sample("exif.heic"))))
}

// heifd looks for programs again on SIGHUP, and -C says what it finds.
func TestHEIFDLooksAgain(t *testing.T) {
	run, path := runDir(t), t.TempDir()
	sock := filepath.Join(run, "heifd.sock")
	env := append(os.Environ(), "IMGTOOLS_RUN="+run, "PATH="+path)
	cmd := exec.Command(filepath.Join(binDir, "heifd"))
	cmd.Env = env
	d := start(t, "heifd", cmd)
	d.waitFor(t, sock)
	finds := func(heic, avif string) {
		t.Helper()
		eventually.Within(t, 30*time.Second, "heic: "+heic+", avif: "+avif, func() bool {
			status := readStatus(t, sock+".status")
			return status["heic"] == heic && status["avif"] == avif
		})
		check := exec.Command(filepath.Join(binDir, "heifd"), "-C", "-a", "unix:"+filepath.Join(run, "other.sock"))
		check.Env = env
		out, err := check.Output()
		if err != nil || !strings.Contains(string(out), "\nheic: "+heic+"\n") || !strings.Contains(string(out), "\navif: "+avif+"\n") {
			t.Errorf("-C: %v\n%s", err, out)
		}
	}
	finds("none", "none")
	for _, name := range []string{"heif-convert", "avifdec"} {
		real, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(real, filepath.Join(path, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd.Process.Signal(syscall.SIGHUP)
	finds("heif-convert", "avifdec")
	if err := os.Remove(filepath.Join(path, "heif-convert")); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	finds("none", "avifdec")
}

// double builds the hostile program under the name heif-convert and returns its folder. No
// process of it is left when the test ends.
func double(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	built := exec.Command("go", "build", "-o", filepath.Join(dir, "heif-convert"), "./tests/double")
	built.Dir, built.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := built.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if !eventually.Is(10*time.Second, func() bool { return len(processes(dir)) == 0 }) {
			t.Errorf("programs are left: %v", processes(dir))
		}
	})
	return dir
}

// acting returns a HEIC that tells the double what to do, in a box that others skip.
func acting(t *testing.T, act string) []byte {
	text := "free" + "double:" + act
	return append(binary.BigEndian.AppendUint32(read(t, sample("exif.heic")), uint32(4+len(text))), text...)
}

// hostile are acts of the double with the status and a part of the line that follow.
var hostile = []struct {
	act    string
	status int
	part   string
}{
	{"good", 200, ""},
	{"fork", 415, "heif-convert"},
	{"open", 415, "heif-convert"},
	{"connect", 415, "heif-convert"},
	{"memory", 413, "heif-convert"},
	{"endless", 415, "heif-convert"},
	{"stop", 422, "heif-convert"},
	{"spin", 422, "heif-convert"},
	{"rubbish", 415, "heif-convert"},
	{"lie", 415, "640×480 pixels"},
	{"huge", 413, "3600 Mpixel"},
	{"short", 415, "heif-convert"},
	{"crash", 415, "heif-convert"},
	{"silent", 415, "no output"},
	{"chatter", 415, "heif-convert"},
}

// A hostile program gets nowhere through gray: one line, exit status 1, no output file and
// no process left.
func TestHostileProgramThroughGray(t *testing.T) {
	path := double(t)
	for _, c := range hostile {
		if c.status == 422 {
			continue // gray gives a program 30 s
		}
		t.Run(c.act, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(filepath.Join(binDir, "gray"), "-o", "out.jpg", put(t, t.TempDir(), "a.heic", acting(t, c.act)))
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+path)
			out, err := cmd.CombinedOutput()
			if c.status == 200 {
				if m, _ := decode(t, read(t, filepath.Join(dir, "out.jpg"))); err != nil || len(out) > 0 || m.Bounds().Dx() != 64 {
					t.Errorf("%v, %s", err, out)
				}
				return
			}
			if err == nil || cmd.ProcessState.ExitCode() != 1 || bytes.Count(out, []byte("\n")) != 1 || !bytes.Contains(out, []byte(c.part)) || bytes.Contains(out, []byte("got away")) || bytes.ContainsRune(out, 0x1b) {
				t.Errorf("%v: %q", err, out)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left %v", entries)
			}
		})
	}
}

// Through heifd a hostile program costs its client one line, and heifd nothing: one worker
// lives through all of them.
func TestHostileProgramThroughHeifd(t *testing.T) {
	run, path := runDir(t), double(t)
	sock := filepath.Join(run, "heifd.sock")
	cmd := exec.Command(filepath.Join(binDir, "heifd"), "-a", "unix:"+sock, "-n", "1", "-t", "3s", "-maxmem", "2G")
	cmd.Env = append(os.Environ(), "IMGTOOLS_RUN="+run, "PATH="+path)
	d := start(t, "heifd", cmd)
	if _, err := d.log.Wait(30*time.Second, d.gone, func(out string) string {
		return regexp.MustCompile(`1 workers on .*`).FindString(out)
	}); err != nil {
		t.Fatal(err)
	}
	s := startImgd(t, "-heifd", "unix:"+sock)
	for _, c := range hostile {
		t.Run(c.act, func(t *testing.T) {
			resp, b, err := s.do("PUT", "/image?gray", bytes.NewReader(acting(t, c.act)))
			if err != nil {
				t.Fatal(err)
			}
			if c.status == 200 {
				if m, _ := decode(t, b); resp.StatusCode != 200 || m.Bounds().Dx() != 64 {
					t.Errorf("%d", resp.StatusCode)
				}
				return
			}
			oneLine(t, c.act, resp, b, c.status, c.part)
			if bytes.Contains(b, []byte("got away")) {
				t.Errorf("%s", b)
			}
			eventually.Within(t, 10*time.Second, "nothing of the program is left", func() bool { return len(processes(path)) == 0 })
		})
	}
	eventually.Within(t, 10*time.Second, "the worker is idle", func() bool { return readStatus(t, sock+".status")["busy"] == "0" })
	if status := readStatus(t, sock+".status"); status["respawned"] != "0" || status["ready"] != "1" || status["served"] != "1" {
		t.Errorf("status %v", status)
	}
}
