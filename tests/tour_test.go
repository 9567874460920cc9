package tests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tour is the source of imgtools(7), and part one section of it.
func tour(t *testing.T, name string) string {
	t.Helper()
	src := string(read(t, filepath.Join(root, "man", "imgtools.7")))
	_, after, ok := strings.Cut(src, "\n.Sh "+name+"\n")
	if !ok {
		t.Fatalf("imgtools.7 has no section %s", name)
	}
	after, _, _ = strings.Cut(after, "\n.Sh ")
	return after
}

// The table of formats is true: what it says is read is read, what it says is
// written is written, and nothing else is.
func TestManFormats(t *testing.T) {
	dir, names := sampleFolder(t)
	sample := map[string]string{"jpeg": "b.jpg", "png": "a.png", "gif": "c.gif", "webp": "g.webp", "bmp": "f.bmp", "tiff": "d.tiff", "pnm": "e.ppm", "ppm": "e.ppm"}
	must(t, dir, "gray -f pgm -o s.pgm a.png; scale -f pam -o s.pam 1/2 j.png")
	sample["pgm"], sample["pam"], sample["ico"] = "s.pgm", "s.pam", "s.ico"
	picture, err := os.ReadFile(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	icon := binary.LittleEndian.AppendUint32([]byte{0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 32, 0}, uint32(len(picture)))
	icon = append(binary.LittleEndian.AppendUint32(icon, 22), picture...)
	if err := os.WriteFile(filepath.Join(dir, "s.ico"), icon, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"heic", "avif"} { // rows of what is described and not read
		sample[name] = "exif." + name
		must(t, dir, "cp "+filepath.Join(root, "pkg/picture/heif/testdata", sample[name])+" .")
	}
	magic := map[string]string{"jpeg": "\xff\xd8\xff", "png": "\x89PNG", "gif": "GIF8", "bmp": "BM", "tiff": "", "pnm": "P", "pgm": "P5", "ppm": "P6", "pam": "P7"}
	rows := regexp.MustCompile(`(?m)^\.It (\S+) Ta (yes|no) Ta (yes|no) Ta `).FindAllStringSubmatch(tour(t, "FORMATS"), -1)
	if len(rows) != 13 {
		t.Fatalf("%d formats in imgtools.7", len(rows))
	}
	for _, r := range rows {
		format, reads, writes := r[1], r[2] == "yes", r[3] == "yes"
		if sample[format] == "" {
			t.Errorf("imgtools.7 speaks of %s", format)
			continue
		}
		for _, filter := range []string{"gray", "scale 1/3"} {
			if got := sh(t, dir, filter+" < "+sample[format]); (got.status == 0) != reads {
				t.Errorf("%s of %s: exit %d %s", filter, format, got.status, got.err)
			}
			for _, in := range names {
				got := sh(t, dir, strings.Replace(filter, " ", " -f "+format+" ", 1)+" < "+in)
				if filter == "gray" {
					got = sh(t, dir, "gray -f "+format+" < "+in)
				}
				switch {
				case !writes && got.status != 2:
					t.Errorf("%s of %s to %s: exit %d", filter, in, format, got.status)
				case writes && filter == "gray" && format == "ppm":
					// PPM has three samples; gray in it is a matter of taste, so only that it is a picture.
					fallthrough
				case writes:
					if got.status != 0 || !bytes.HasPrefix(got.out, []byte(magic[format])) {
						t.Errorf("%s of %s to %s: exit %d %s, begins %.4q", filter, in, format, got.status, got.err, got.out)
						continue
					}
					decode(t, got.out)
				}
			}
		}
	}
	// What is refused is refused by its name.
	for name, head := range map[string]string{
		"JPEG XL": "\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", "PDF": "%PDF-1.4\n", "SVG": "<svg xmlns=\"http://www.w3.org/2000/svg\">",
	} {
		if !strings.Contains(strings.Join(strings.Fields(tour(t, "FORMATS")), " "), name) {
			t.Errorf("imgtools.7 does not speak of %s", name)
		}
		r := run(t, strings.NewReader(head+strings.Repeat("\x00", 100)), "gray")
		if r.status != 1 || !strings.Contains(r.err, name) {
			t.Errorf("%s: exit %d, %q", name, r.status, r.err)
		}
	}
}

// Each row of REQUIREMENTS names code and tests that are there, and a command
// that shows it.
func TestManRequirements(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := exampleFolder(t)
	rows := strings.Split(tour(t, "REQUIREMENTS"), "\n.It ")[1:]
	seen := 0
	for _, row := range rows {
		title, body, _ := strings.Cut(row, "\n")
		for _, m := range regexp.MustCompile(`(?m)^\.(?:Pq )?Pa (.*)$`).FindAllStringSubmatch(body, -1) {
			for _, p := range strings.Fields(strings.NewReplacer(" ,", "").Replace(m[1])) {
				if p == "Pa" {
					continue
				}
				if _, err := os.Stat(filepath.Join(root, p)); err != nil {
					t.Errorf("%s: %v", title, err)
				}
			}
		}
		_, tests, ok := strings.Cut(body, "\nTest: ")
		if !ok {
			continue // the list of Python's modules
		}
		tests, see, ok := strings.Cut(tests, "\nSee:\n")
		if !ok {
			t.Errorf("%s: no command to see it", title)
		}
		seen++
		for _, m := range regexp.MustCompile(`((?:Test[A-Za-z]+(?:,?\s|\sand\s)*)+)in\n\.Pa (\S+)`).FindAllStringSubmatch(tests, -1) {
			src := string(read(t, filepath.Join(root, m[2])))
			for _, name := range regexp.MustCompile(`Test[A-Za-z]+`).FindAllString(m[1], -1) {
				if !strings.Contains(src, "func "+name+"(t *testing.T)") {
					t.Errorf("%s: no %s in %s", title, name, m[2])
				}
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^\.Ql (.*?)(?: ,)?$`).FindAllStringSubmatch(see, -1) {
			line := strings.NewReplacer("localhost:8080", fmt.Sprintf("localhost:%d", s.port), "$XDG_RUNTIME_DIR/imgtools", s.run).Replace(unroff(m[1]))
			if strings.HasPrefix(line, "make ") {
				continue // this is what it runs
			}
			begin := time.Now()
			r := sh(t, dir, line)
			t.Logf("%v %s", time.Since(begin), line)
			if r.status != 0 || len(r.out) == 0 && !strings.Contains(line, ">") {
				t.Errorf("%s: %s: exit %d, %q %s", title, line, r.status, r.out, r.err)
			}
		}
	}
	if seen != 11 {
		t.Errorf("%d requirements, want 11", seen)
	}
}
