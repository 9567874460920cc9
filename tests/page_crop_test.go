package tests

import (
	"archive/zip"
	"bytes"
	"fmt"
	"html"
	"image/jpeg"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// Keys of WebDriver.
const (
	keyTab    = "\ue004"
	keyEscape = "\ue00c"
	keySpace  = " "
	keyLeft   = "\ue012"
	keyUp     = "\ue013"
	keyRight  = "\ue014"
	keyDown   = "\ue015"
)

// croppedWord is a word of crop in pixels, with its place.
var croppedWord = regexp.MustCompile(`^(\d+)x(\d+)\+(\d+)\+(\d+)$`)

// partOf returns w, h, x and y of the part in a picture's field.
func partOf(b *browser) (part [4]int) {
	b.t.Helper()
	var word string
	b.run("return document.querySelector('.job input.crop').value", &word)
	m := croppedWord.FindStringSubmatch(word)
	if m == nil {
		b.t.Fatalf("the part is %q", word)
	}
	for i := range part {
		part[i], _ = strconv.Atoi(m[i+1])
	}
	return part
}

// sent presses the button, waits for the only job and compares its result with what the
// lines of shell made that the page showed before.
func sent(t *testing.T, s *server, b *browser, dir, name string) (size string) {
	t.Helper()
	var curl, imgput string
	b.run("return document.querySelector('.job .curl').textContent", &curl)
	b.run("return document.querySelector('.job .imgput').textContent", &imgput)
	for code, line := range map[string]string{"curl": curl, "imgput": imgput} {
		var form string
		b.run("return document.querySelector('#shell ."+code+"').textContent", &form)
		if form != line {
			t.Errorf("the form says\n%s\nthe picture\n%s", form, line)
		}
	}
	b.click("#go")
	b.until("the result", "document.querySelector('.job[data-state=done], .job[data-state=failed], .job[data-state=refused]')")
	var job struct{ State, Error, Image, File, Size string }
	b.run(`const e = document.querySelector('.job'); return {state: e.dataset.state, error: e.querySelector('.error')?.textContent,
		image: e.querySelector('a[download]')?.href, file: e.querySelector('a[download]')?.download, size: e.querySelector('.size')?.textContent}`, &job)
	if job.State != "done" {
		t.Fatalf("%+v", job)
	}
	_, want := s.want(t, 200, "GET", strings.TrimPrefix(job.Image, s.url), nil)
	must(t, dir, curl)
	if got := read(t, filepath.Join(dir, "new-"+job.File)); !bytes.Equal(got, want) {
		t.Errorf("%s made other bytes than the page", curl)
	}
	out := t.TempDir()
	must(t, dir, strings.TrimSuffix(imgput, "-d .")+"-d "+out)
	if got := read(t, filepath.Join(out, job.File)); !bytes.Equal(got, want) {
		t.Errorf("%s made other bytes than the page", imgput)
	}
	return job.Size
}

// TestPageCrop: a part is chosen on the picture with mouse, finger and keyboard, a focus
// by clicking; what comes out is what the lines of shell make.
func TestPageCrop(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "p.png", photo(640, 420, 3))
	b := startBrowser(t, "en-US,en", true)
	for _, width := range []int{1280, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := &browser{t, b.session}
			b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
			begin := func(t *testing.T) *browser {
				b := &browser{t, b.session}
				b.open(s.url + "/")
				b.until("the script has begun", "!document.getElementById('percent').hidden")
				b.click("#reset") // what was sent before is remembered
				b.keys("#image", filepath.Join(dir, "p.png"))
				b.until("the size of the picture", "document.querySelector('.job .size').textContent.includes('×')")
				return b
			}
			near := func(t *testing.T, got, want [4]int, slack int) {
				t.Helper()
				for i := range got {
					if max(got[i]-want[i], want[i]-got[i]) > slack {
						t.Fatalf("the part is %v, want %v within %d pixels", got, want, slack)
					}
				}
			}
			slack := 4 // the preview is smaller than the picture

			t.Run("mouse", func(t *testing.T) {
				b := begin(t)
				b.drag("mouse", ".job .pic", 0.25, 0.25, 0.75, 0.5)
				near(t, partOf(b), [4]int{320, 105, 160, 105}, slack)
				b.look(fmt.Sprintf("crop-%d", width))
				b.drag("mouse", ".job .part", 0.5, 0.5, 0.25, 0.5) // moves it
				near(t, partOf(b), [4]int{320, 105, 80, 105}, 2*slack)
				b.drag("mouse", ".job .corner.se", 0.5, 0.5, 0.5, 3) // makes it higher
				if p := partOf(b); p[3] < 100 || p[1] < 120 {
					t.Errorf("after pulling at the lower right corner: %v", p)
				}
				b.drag("mouse", ".job .pic", 0.01, 0.01, 1.04, 1.04) // beyond the picture
				near(t, partOf(b), [4]int{634, 416, 6, 4}, slack)
				b.click(".job .actions button:not([hidden])")
				b.drag("mouse", ".job .pic", 0.995, 0.995, 0.5, 0.5)
				p := partOf(b)
				near(t, p, [4]int{317, 208, 320, 210}, 2*slack)
				if got := b.text(".job .size"); got != fmt.Sprintf("640 × 420 → %d × %d", p[0], p[1]) {
					t.Errorf("foretold: %q", got)
				}
				if size := sent(t, s, b, dir, "p.png"); !strings.HasPrefix(size, fmt.Sprintf("%d × %d, ", p[0], p[1])) {
					t.Errorf("%v became %s", p, size)
				}
			})

			t.Run("finger", func(t *testing.T) {
				b := begin(t)
				b.drag("touch", ".job .pic", 0.5, 0.25, 0.5, 0.75) // across, Chromium would go back in its history
				var hidden bool
				if b.run("return document.querySelector('.part').hidden", &hidden); !hidden {
					t.Error("a finger that scrolls the page chose a part")
				}
				b = begin(t) // where nothing still scrolls
				b.click(".job .actions button")
				near(t, partOf(b), [4]int{512, 336, 64, 42}, 0)
				b.drag("touch", ".job .part", 0.5, 0.5, 0.6, 0.4)
				near(t, partOf(b), [4]int{512, 336, 115, 8}, slack)
			})

			t.Run("keyboard", func(t *testing.T) {
				b := begin(t)
				b.run("document.querySelector('.job .actions button').focus()", nil)
				b.press(false, keySpace)
				near(t, partOf(b), [4]int{512, 336, 64, 42}, 0)
				b.press(false, keyLeft+keyLeft+keyDown)
				near(t, partOf(b), [4]int{512, 336, 52, 46}, 0)
				b.press(true, keyLeft+keyUp+keyUp+keyRight+keyLeft)
				near(t, partOf(b), [4]int{506, 328, 52, 46}, 0)
				b.press(false, strings.Repeat(keyRight, 30))
				near(t, partOf(b), [4]int{506, 328, 134, 46}, 0)
				b.keys(".job input.crop", "0") // 506x328+134+460: beyond the picture
				var invalid string
				if b.run("return document.querySelector('.job input.crop').getAttribute('aria-invalid')", &invalid); invalid != "true" {
					t.Error("a part beyond the picture is not marked")
				}
				b.keys(".job input.crop", "\ue003\ue003\ue0035") // 506x328+134+5
				near(t, partOf(b), [4]int{506, 328, 134, 5}, 0)
				b.press(true, keyTab) // back to the frame
				b.press(false, keyEscape)
				if got := b.text(".job .size"); got != "640 × 420 → 640 × 420" {
					t.Errorf("after Escape: %q", got)
				}
				var focused string
				if b.run("return document.activeElement.textContent", &focused); focused != "Crop" {
					t.Errorf("after Escape the focus is on %q", focused)
				}
			})

			t.Run("gravity", func(t *testing.T) {
				b := begin(t)
				b.keys("#gray", "keep")
				b.keys("#scale", "60x60")
				b.keys("#fit", "fill it, crop the")
				if got := b.text(".job .size"); got != "640 × 420 → 60 × 60" {
					t.Errorf("foretold: %q", got)
				}
				b.run("document.querySelector('.grid input:checked').focus()", nil)
				b.press(false, keyDown+keyLeft)
				gravity := func(want string) {
					t.Helper()
					if got := b.text("#shell .curl"); !strings.HasSuffix(got, "/image?scale=60x60&fit=cover"+want+"' > new-p.png") {
						t.Errorf("the line of curl is %s, want %q at its end", got, want)
					}
				}
				b.run("document.querySelector('#shell').open = true", nil)
				gravity("&gravity=southwest")
				b.press(false, keyUp+keyUp+keyRight)
				gravity("&gravity=north")
				b.press(false, keyDown)
				gravity("")
				b.click("#at-point")
				b.drag("mouse", ".job .pic", 0.25, 0.75, 0.25, 0.75)
				var point string
				b.run("return document.getElementById('point').value", &point)
				var x, y int
				if _, err := fmt.Sscanf(point, "%d%%,%d%%", &x, &y); err != nil || x < 24 || x > 26 || y < 74 || y > 76 {
					t.Errorf("clicking at 25%%,75%% chose %q", point)
				}
				b.look(fmt.Sprintf("point-%d", width))
				gravity(fmt.Sprintf("&gravity=%d%%25%%2C%d%%25", x, y))
				if size := sent(t, s, b, dir, "p.png"); !strings.HasPrefix(size, "60 × 60, image/png") {
					t.Errorf("became %s", size)
				}
			})

			t.Run("other fields", func(t *testing.T) {
				b := begin(t)
				b.run("document.querySelectorAll('details').forEach(e => { e.open = true })", nil)
				b.keys("#gray", "gray (Rec. 709")
				b.keys("#scale", "50x80")
				b.keys("#fit", "fit inside, pad")
				b.click("#enlarge")
				b.keys("#bytes", "2K")
				b.keys("#background", "ff8000")
				b.keys("#crop", "50%x50%")
				b.click("[value=attention]")
				b.click("#linear")
				b.keys("#format", "jpeg")
				b.keys("#quality", "70")
				if got, want := b.text("#shell .imgput"), "-crop 50%x50% -g -l 709 -s 50x80 -fit pad -enlarge 0 -gravity attention -linear -background ff8000 -f jpeg -q 70 -bytes 2K p.png | imgget -a "; !sameWords(got, want) {
					t.Errorf("the line of imgput is\n%s\nwant in any order\n%s", got, want)
				}
				if size := sent(t, s, b, dir, "p.png"); !strings.HasPrefix(size, "50 × 80, image/jpeg") {
					t.Errorf("became %s", size)
				}
				var wide float64
				if b.run("return document.documentElement.scrollWidth", &wide); wide > float64(width) {
					t.Errorf("the page is %v wide", wide)
				}
			})
		})
	}
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}

// sameWords reports whether all words of want stand in got.
func sameWords(got, want string) bool {
	for _, w := range strings.Fields(want) {
		if !strings.Contains(" "+got+" ", " "+w+" ") {
			return false
		}
	}
	return true
}

// TestPageFieldsWithoutJavaScript: what can be chosen on a picture can be written in the
// form's fields as well.
func TestPageFieldsWithoutJavaScript(t *testing.T) {
	s := startImgd(t)
	picture := save(t, t.TempDir(), "p.png", photo(640, 420, 3))
	b := startBrowser(t, "en-US,en", false)
	for _, c := range []struct {
		name string
		fill func()
		ops  string
	}{
		{"gravity", func() { b.click("[value=southwest]") }, "scale=60x50&fit=cover&gravity=southwest&gray&bytes=2K&format=jpeg"},
		{"point", func() { b.click("#at-point"); b.keys("#point", "30%,70.5%") }, "scale=60x50&fit=cover&gravity=30%,70.5%&gray&bytes=2K&format=jpeg"},
		{"crop", func() { b.keys("#crop", "300x200+10+20"); b.click("#enlarge") }, "crop=300x200%2B10%2B20&scale=60x50&fit=cover&enlarge=0&gray&bytes=2K&format=jpeg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.open(s.url + "/")
			b.keys("#scale", "60x50")
			b.keys("#fit", "fill it, crop the")
			b.keys("#bytes", "2K")
			c.fill()
			b.click("summary")
			b.keys("#format", "jpeg")
			b.keys("#image", picture)
			b.click("#go")
			var id string
			eventually.Within(t, 30*time.Second, "the result", func() bool {
				var e map[string]string
				if b.ask("POST", "/element", map[string]string{"using": "css selector", "value": ".job[data-state=done]"}, &e) != nil {
					return false
				}
				for _, element := range e {
					b.call("GET", "/element/"+element+"/attribute/id", nil, &id)
				}
				return id != ""
			})
			_, got := s.want(t, 200, "GET", "/jobs/"+id+"/image", nil)
			if _, want := s.want(t, 200, "PUT", "/image?"+c.ops, bytes.NewReader(read(t, picture))); !bytes.Equal(got, want) {
				t.Errorf("the form made other bytes than %s", c.ops)
			}
		})
	}
}

// TestPageSizes: for a list of sizes the page hands in jobs and shows, for each, its
// results and a line of srcset whose files are in the archive and have these widths.
func TestPageSizes(t *testing.T) {
	s := startImgd(t)
	dir, other := t.TempDir(), t.TempDir()
	save(t, dir, "a photo.jpg", photo(640, 420, 3))
	save(t, other, "a photo.jpg", photo(400, 500, 4))
	b := startBrowser(t, "en-US,en", true)
	b.open(s.url + "/")
	b.until("the script has begun", "!document.getElementById('percent').hidden")
	b.keys("#scale", "100x,320x,9000x")
	b.keys("#image", filepath.Join(dir, "a photo.jpg")+"\n"+filepath.Join(other, "a photo.jpg"))
	b.until("the sizes of each", "[...document.querySelectorAll('.job .size')].filter(e => e.textContent.includes('→')).length == 2")
	if got := b.text(".job .size"); got != "640 × 420 → 100 × 66, 320 × 210, 640 × 420" {
		t.Errorf("foretold: %q", got)
	}
	var curl, imgput string
	b.run("return document.querySelector('.job .curl').textContent", &curl)
	b.run("return document.querySelector('.job .imgput').textContent", &imgput)
	b.click("#go")
	b.until("both done", "document.querySelectorAll('.job[data-state=done]').length == 2")
	var cards []struct {
		Srcset string
		Sizes  []string
		Links  []string
	}
	b.run(`return [...document.querySelectorAll('.job')].map(e => ({srcset: e.querySelector('.srcset').textContent,
		sizes: [...e.querySelectorAll('.outs .size')].map(e => e.textContent), links: [...e.querySelectorAll('.outs a')].map(e => e.href)}))`, &cards)
	b.look("sizes")
	want := []string{
		`<img src="a%20photo-9000.jpg" srcset="a%20photo-100.jpg 100w, a%20photo-320.jpg 320w, a%20photo-9000.jpg 640w" alt="">`,
		`<img src="a%20photo-9000-1.jpg" srcset="a%20photo-100-1.jpg 100w, a%20photo-320-1.jpg 320w, a%20photo-9000-1.jpg 400w" alt="">`,
	}
	down := t.TempDir()
	b.devtools("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": down})
	b.click("#zip")
	var z *zip.ReadCloser
	eventually.Within(t, 20*time.Second, "the archive", func() bool {
		var err error
		z, err = zip.OpenReader(filepath.Join(down, "pictures.zip"))
		return err == nil
	})
	defer z.Close()
	widths := map[string]string{}
	results := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		head, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		widths[strings.ReplaceAll(f.Name, " ", "%20")] = fmt.Sprint(head.Width, "w")
		results[f.Name] = data
	}
	for i, c := range cards {
		if c.Srcset != want[i] {
			t.Errorf("srcset\n%s\nwant\n%s", c.Srcset, want[i])
		}
		_, list, _ := strings.Cut(c.Srcset, `srcset="`)
		list, _, _ = strings.Cut(list, `"`)
		for _, part := range strings.Split(list, ", ") {
			if name, width, _ := strings.Cut(part, " "); widths[name] != width {
				t.Errorf("%s is said to have %s, in the archive it has %q", name, width, widths[name])
			}
		}
	}
	if len(z.File) != 6 {
		t.Errorf("%d files in the archive", len(z.File))
	}
	// The lines of shell make the same files.
	out := t.TempDir()
	must(t, dir, strings.TrimSuffix(imgput, "-d .")+"-d "+out)
	for _, name := range []string{"a photo-100.jpg", "a photo-320.jpg", "a photo-9000.jpg"} {
		if !bytes.Equal(read(t, filepath.Join(out, name)), results[name]) {
			t.Errorf("%s made another %s", imgput, name)
		}
	}
	must(t, dir, curl+" | imgget -a "+s.url+" -d "+out+"/of-curl")
	if !bytes.Equal(read(t, filepath.Join(out, "of-curl", "a photo-320.jpg")), results["a photo-320.jpg"]) {
		t.Errorf("%s made another picture", curl)
	}
	// The same line comes from the server, for a page without JavaScript.
	var job string
	b.run("return document.querySelector('.job').id", &job)
	_, page := s.want(t, 200, "GET", "/jobs/"+job, nil, "Accept", "text/html")
	if !strings.Contains(html.UnescapeString(string(page)), want[0]) {
		t.Errorf("the page without JavaScript lacks %s", want[0])
	}
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
