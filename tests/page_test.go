package tests

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// pageFolder has a photograph, a PNG with transparency, and what is no picture.
func pageFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	save(t, dir, "a photo's.jpg", photo(640, 427, 3))
	save(t, dir, "b.png", photo(301, 200, 4))
	if err := os.WriteFile(filepath.Join(dir, "c.png"), []byte("this is no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func paths(dir string, names ...string) string {
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return strings.Join(names, "\n")
}

const allEnded = `document.querySelectorAll('.job').length == 3 && [...document.querySelectorAll('.job')].every(e => ['done', 'failed'].includes(e.dataset.state))`

// Without JavaScript the page is a form, and its results refresh themselves.
func TestPageWithoutJavaScript(t *testing.T) {
	s := startImgd(t)
	dir := pageFolder(t)
	b := startBrowser(t, "es-MX,es,en", false)
	b.open(s.url + "/")
	if got := b.text("h1"); got != "imgtools: redimensionar, recortar, convertir y pasar a gris imágenes" {
		t.Errorf("in Spanish it is called %q", got)
	}
	b.keys("#scale", "1/2")
	b.keys("#image", paths(dir, "a photo's.jpg", "b.png", "c.png"))
	b.look("plain-form")
	b.click("#go")
	eventually.Within(t, 30*time.Second, "the results refresh themselves to their end", func() bool {
		var states []map[string]string
		if b.ask("POST", "/elements", map[string]string{"using": "css selector", "value": ".job[data-state=done] img, .job[data-state=failed] .error"}, &states) != nil {
			return false
		}
		return len(states) == 3
	})
	if got := b.text(".job[data-state=failed] .error"); !strings.HasPrefix(got, "No es una imagen, o está dañada.") {
		t.Errorf("what is no picture says %q", got)
	}
	if got := b.text(".job[data-state=done]"); !strings.Contains(got, "a photo's.jpg") || !strings.Contains(got, "320 × 214") || !strings.Contains(got, "hecho") {
		t.Errorf("the first result says %q", got)
	}
	b.look("plain-results")
	b.click(".job[data-state=failed] .delete button")
	eventually.Within(t, 20*time.Second, "the form after deleting", func() bool {
		return b.ask("POST", "/element", map[string]string{"using": "css selector", "value": "#send"}, nil) == nil
	})
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}

// With JavaScript: several pictures by choice, drop and paste, the size that will
// come out, progress, comparison, the line of shell, all in one archive.
func TestPageWithJavaScript(t *testing.T) {
	s := startImgd(t, "-maxbytes", "200K")
	dir := pageFolder(t)
	b := startBrowser(t, "en-US,en", true)
	b.open(s.url + "/")
	b.until("the script has begun", "!document.getElementById('percent').hidden")
	checkAccess(b, "form")

	// Choice, drop, paste.
	b.keys("#image", paths(dir, "a photo's.jpg"))
	for kind, name := range map[string]string{"drop": "b.png", "paste": "c.png"} {
		b.run(`const d = new DataTransfer();
			d.items.add(new File([Uint8Array.from(arguments[1])], arguments[2], {type: "image/png"}));
			const e = arguments[0] == "drop" ? new DragEvent("drop", {dataTransfer: d, bubbles: true, cancelable: true})
				: new ClipboardEvent("paste", {clipboardData: d, bubbles: true, cancelable: true});
			document.body.dispatchEvent(e);`, nil, kind, ints(read(t, filepath.Join(dir, name))), name)
	}
	b.until("three cards", "document.querySelectorAll('.job').length == 3")
	b.until("the size of each", "[...document.querySelectorAll('.job .size')].filter(e => e.textContent.includes('×')).length == 2")

	// A size that is none is said at its field; a good one is foretold beside the picture.
	b.keys("#scale", "0,5")
	if got := b.text("#scale-hint"); !strings.HasPrefix(got, "Not a size") {
		t.Errorf("0,5 says %q", got)
	}
	b.run("const e = document.getElementById('percent'); e.value = 37; e.dispatchEvent(new Event('input'))", nil)
	if got := b.text(".job .size"); got != "640 × 427 → 237 × 158" {
		t.Errorf("37 %% of 640 × 427: %q", got)
	}
	b.look("chosen")
	b.devtools("Network.enable", map[string]any{})
	network := func(bytesPerSecond int) {
		b.devtools("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytesPerSecond})
	}
	network(50_000)
	b.click("#go")
	b.until("the progress of an upload", "[...document.querySelectorAll('[data-state=uploading] progress')].some(e => e.value > 0 && e.value < 1)")
	b.look("uploading")
	network(-1)
	b.until("all ended", allEnded)
	if got := b.text("#news"); got == "" {
		t.Error("nothing was said to a screen reader")
	}
	var cards []struct{ ID, State, Name, Size, Error, Curl, Imgput, Image, File string }
	b.run(`return [...document.querySelectorAll('.job')].map(e => ({id: e.id, state: e.dataset.state, name: e.querySelector('h2').textContent,
		size: e.querySelector('.size')?.textContent, error: e.querySelector('.error')?.textContent, curl: e.querySelector('.curl').textContent,
		imgput: e.querySelector('.imgput').textContent, image: e.querySelector('a[download]')?.href, file: e.querySelector('a[download]')?.download}))`, &cards)
	results := map[string][]byte{}
	for _, c := range cards {
		if c.Name == "c.png" {
			if c.State != "failed" || !strings.HasPrefix(c.Error, "Not a picture, or a damaged one.") {
				t.Errorf("what is no picture: %+v", c)
			}
			continue
		}
		if c.State != "done" || !strings.HasPrefix(c.Size, map[string]string{"a photo's.jpg": "237 × 158, image/jpeg", "b.png": "111 × 74, image/png"}[c.Name]) {
			t.Errorf("%+v", c)
		}
		_, results[c.File] = s.want(t, 200, "GET", strings.TrimPrefix(c.Image, s.url), nil)
		// The lines of shell do the same.
		must(t, dir, c.Curl)
		if got := read(t, filepath.Join(dir, "new-"+c.File)); !bytes.Equal(got, results[c.File]) {
			t.Errorf("%s made other bytes", c.Curl)
		}
		out := t.TempDir()
		must(t, dir, strings.TrimSuffix(c.Imgput, "-d .")+"-d "+out)
		if got := read(t, filepath.Join(out, c.File)); !bytes.Equal(got, results[c.File]) {
			t.Errorf("%s made other bytes", c.Imgput)
		}
	}

	// The slider: at its ends one of the two pictures is seen alone.
	b.until("the pictures of the comparison", "[...document.querySelectorAll('.compare img')].length == 4 && [...document.querySelectorAll('.compare img')].every(i => i.complete && i.naturalWidth)")
	b.run("document.querySelector('.job').scrollIntoView()", nil)
	b.look("done")
	b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}})
	b.look("done-dark")
	b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "light"}}})
	b.run("const e = document.querySelector('.job input[type=range]'); e.focus(); e.value = 0; e.dispatchEvent(new Event('input'))", nil)
	b.keys(".job input[type=range]", "\ue014\ue014\ue014") // right, three times
	var cut string
	b.run("return document.querySelector('.compare').style.getPropertyValue('--cut')", &cut)
	if cut != "3%" {
		t.Errorf("after three keys the slider is at %q", cut)
	}

	// All in one archive.
	down := t.TempDir()
	b.devtools("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": down})
	b.click("#zip")
	var z *zip.ReadCloser
	eventually.Within(t, 20*time.Second, "the archive", func() (whole bool) {
		var err error
		z, err = zip.OpenReader(filepath.Join(down, "pictures.zip"))
		return err == nil
	})
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, results[f.Name]) || f.NonUTF8 {
			t.Errorf("%s in the archive: %v, %d bytes", f.Name, err, len(got))
		}
	}
	if len(z.File) != 2 {
		t.Errorf("%d files in the archive", len(z.File))
	}

	// Reloading keeps the results; deleting one leaves the others.
	b.call("POST", "/refresh", map[string]any{}, nil)
	b.until("the results after reloading", allEnded)
	checkAccess(b, "results")
	b.click(".job[data-state=failed] .delete button")
	b.until("two results", "document.querySelectorAll('.job').length == 2")

	// What is refused says so beside the picture.
	b.open(s.url + "/")
	b.until("the script has begun", "!document.getElementById('percent').hidden")
	save(t, dir, "large.png", photo(500, 400, 5))
	b.keys("#image", paths(dir, "large.png"))
	b.click("#go")
	b.until("the refusal", "document.querySelector('.job[data-state=refused] .error').textContent.startsWith('Too large.')")
	b.push("button[aria-label='Remove: large.png']")
	b.until("no card", "!document.querySelector('.job')")
	// An upload whose connection is lost is sent again.
	b.run(`const send = XMLHttpRequest.prototype.send;
		window.sent = 0;
		XMLHttpRequest.prototype.send = function (body) { send.call(this, body); if (window.sent++ == 0) this.abort(); }`, nil)
	b.keys("#image", paths(dir, "b.png"))
	b.click("#go")
	b.until("why it waits", "[...document.querySelectorAll('.job .error')].some(e => e.textContent == 'The server does not answer.')")
	b.until("the second try", "window.sent == 2 && document.querySelector('.job[data-state=done]')")

	t.Run("sizes", func(t *testing.T) { foretells(t, s, b) })
	for _, c := range b.complaints() {
		if !strings.Contains(c, "413") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// ints makes of bytes what a script takes as numbers.
func ints(b []byte) []int {
	n := make([]int, len(b))
	for i := range b {
		n[i] = int(b[i])
	}
	return n
}

// checkAccess checks what can be measured of access for all: each control has a
// name, the order of headings, and a contrast of text of 4.5 to 1 and of controls'
// borders of 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11) in light and dark; nothing is wider
// than a phone.
func checkAccess(b *browser, name string) {
	b.t.Helper()
	b.run("document.querySelectorAll('details').forEach(e => { e.open = true })", nil)
	for _, scheme := range []string{"dark", "light"} {
		b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
		var bad []string
		b.run(contrastScript, &bad)
		if len(bad) > 0 {
			b.t.Errorf("%s: %s", scheme, strings.Join(bad, "\n"))
		}
		b.look(name + "-" + scheme)
	}
	b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": true})
	var width float64
	b.run("return document.documentElement.scrollWidth", &width)
	if width > 320 {
		b.t.Errorf("on a phone of 320 pixels it is %v wide", width)
	}
	b.look(name + "-phone")
	b.devtools("Emulation.clearDeviceMetricsOverride", map[string]any{})
	var nameless []string
	b.run(`return [...document.querySelectorAll('input, select, button, progress, a')].filter(e => e.checkVisibility() &&
		!(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.querySelector('img[alt]:not([alt=""])'))).map(e => e.outerHTML)`, &nameless)
	if len(nameless) > 0 {
		b.t.Errorf("without a name: %q", nameless)
	}
	var headings []string
	b.run("return [...document.querySelectorAll('h1, h2, h3')].map(e => e.tagName)", &headings)
	if slices.Index(headings, "H1") != 0 || slices.Contains(headings[1:], "H1") {
		b.t.Errorf("headings %q", headings)
	}
}

const contrastScript = `
const rgb = (c) => c.match(/[\d.]+/g).map(Number);
const light = (c) => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] == 1) return c; } return [255, 255, 255]; };
const bad = [];
for (const e of document.querySelectorAll("body *")) {
  if (!e.checkVisibility() || e.closest("datalist, option")) continue;
  const own = [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || e.matches("input, select");
  const s = getComputedStyle(e);
  if (own && ratio(rgb(s.color), ground(e)) < 4.5) bad.push("text: " + ratio(rgb(s.color), ground(e)).toFixed(2) + " " + e.outerHTML.slice(0, 100));
  if (e.matches("input:not([type=range], [type=file]), select, button") && ratio(rgb(s.borderTopColor), ground(e.parentElement)) < 3) bad.push("border: " + ratio(rgb(s.borderTopColor), ground(e.parentElement)).toFixed(2) + " " + e.outerHTML.slice(0, 100));
}
return bad;`

// foretells checks that the size that the page foretells is the one that comes out,
// for every sort of geometry.
func foretells(t *testing.T, s *server, b *browser) {
	picture := read(t, save(t, t.TempDir(), "p.png", photo(50, 39, 9)))
	wordsToTry := []string{"1/5", "0.5", "50%", "12.5%", ".3", "1.", "16", "17", "0", "-1", "1/0", "1/2/3", "1e1", "0,5", "x", "!", "20x", "x20", "20x20", "7x100", "100x7",
		"20x20!", "20x!", "1x1", "30x30>", "90x90>", "30x30<", "90x90<", "90x90<>", "20x20>>", "20x20!>", "1/3>", "2<", "2>", "%", "", "+1/2", "0.00001", "9999999999x"}
	wordsToTry = append(wordsToTry, "20x20^", "20x^", "20x20!^", "20x20^>", "90x90^>", "1/2^")
	var queries []string
	var asked [][4]string // scale, fit, enlarge, crop
	ask := func(scale, fit, enlarge, crop string) {
		query := ""
		for i, v := range []string{scale, fit, enlarge, crop} {
			if v != "" || i == 0 && crop == "" {
				query += "&" + []string{"scale", "fit", "enlarge", "crop"}[i] + "=" + url.QueryEscape(v)
			}
		}
		queries, asked = append(queries, query[1:]), append(asked, [4]string{scale, fit, enlarge, crop})
	}
	for _, w := range wordsToTry {
		ask(w, "", "", "")
	}
	for _, fit := range []string{"inside", "cover", "pad", "outside", "stretch"} {
		for _, w := range []string{"20x20", "7x100", "100x7", "90x90", "20x", "1/2", "20x20!", "20x20^", "30x60>", "30x60<"} {
			ask(w, fit, "", "")
			ask(w, fit, "0", "")
		}
	}
	for _, crop := range []string{"10x10", "10x10+40+29", "10x10+41+29", "50x40", "50%x50%", "33.3%x10%+66.7%+90%", "0x5", "5x5+1", "0.001%x1", "101%x1", "10x10-1-1", "1.5x2", "5x5+0+-1", "5 x5", "10x10 1 2"} {
		ask("", "", "", crop)
		ask("1/3", "", "", crop)
		ask("20x9", "cover", "1", crop)
	}
	var foretold [][]int
	b.run(`return import("/page/geometry.js").then(g => arguments[0].map(([scale, fit, enlarge, crop]) => {
  const part = crop ? g.part(crop, 50, 39) : {w: 50, h: 39};
  return part && (scale || !crop ? g.goals(scale, part.w, part.h, fit, enlarge)?.[0] : [part.w, part.h]) || null;
}))`, &foretold, asked)
	for i, w := range queries {
		resp, body, err := s.do("PUT", "/image?"+w, bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if resp.StatusCode == 200 {
			got = resp.Header.Get("Image-Width") + " × " + resp.Header.Get("Image-Height")
		} else if resp.StatusCode != 400 {
			t.Errorf("%s: %d %s", w, resp.StatusCode, body)
		}
		want := ""
		if foretold[i] != nil {
			want = fmt.Sprintf("%d × %d", foretold[i][0], foretold[i][1])
		}
		if got != want {
			t.Errorf("%s: %q comes out, %q was foretold", w, got, want)
		}
	}
}
