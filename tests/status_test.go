package tests

import (
	"bytes"
	"strings"
	"testing"
)

// The operators' page in a browser: it needs no script, its policy lets all of it in, it is
// readable in light and dark and on a phone, and hostile text in errors is only text.
func TestStatusPageInBrowser(t *testing.T) {
	s := startImgd(t)
	for range 3 {
		s.want(t, 200, "PUT", "/image?gray&scale=1/8", bytes.NewReader(read(t, clouds(t))))
	}
	s.want(t, 415, "PUT", "/image?gray", strings.NewReader("no picture"))
	s.want(t, 400, "PUT", "/image?%3Cimg%20src=x%20onerror=alert(1)%3E", strings.NewReader("x"))

	b := startBrowser(t, "en-US,en", false)
	b.open(s.url + "/status")
	if got := b.text("h1"); got != "imgtools: status" {
		t.Errorf("the title is %q", got)
	}
	text := b.text("main")
	for _, want := range []string{"Ready.", "grayd", "scaled", "2 of 2", "address", "Requests a minute", "Work on a picture", "format", "usage", "unknown word \"<img src\"", "It means"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	var found struct{ Images, Bars, Plots, Height float64 }
	b.run(`return {images: document.querySelectorAll("main img, script").length, bars: document.querySelectorAll("figure rect").length,
		plots: document.querySelectorAll("figure svg").length, height: document.querySelector("figure svg").getBoundingClientRect().height}`, &found)
	if found.Images != 0 || found.Bars < 4 || found.Plots != 5 || found.Height < 20 {
		t.Errorf("pictures, bars, plots and the height of one: %+v", found)
	}
	checkAccess(b, "status")
	b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true})
	b.look("status-390")
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
