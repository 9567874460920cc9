package tests

import (
	"path/filepath"
	"testing"
)

// A HEIC chosen on the page comes back as a JPEG that Chromium shows, beside one that is no
// picture it can show before.
func TestPageTakesHEIC(t *testing.T) {
	s := startImgd(t)
	s.decodes(t)
	b := startBrowser(t, "en-US,en", true)
	b.open(s.url + "/")
	b.until("the script has begun", "!document.getElementById('percent').hidden")
	b.until("HEIC is offered", "document.getElementById('image').accept.includes('.heic')")
	dir := t.TempDir()
	b.keys("#image", put(t, dir, "IMG 1.heic", read(t, sample("exif.heic"))))
	b.until("a card", "document.querySelectorAll('.job').length == 1")
	b.click("#go")
	b.until("it ended", "['done', 'failed'].includes(document.querySelector('.job').dataset.state)")
	var card struct{ State, File, Error string }
	b.run(`const e = document.querySelector('.job');
		return {state: e.dataset.state, file: e.querySelector('a[download]')?.download, error: e.querySelector('.error')?.textContent}`, &card)
	if card.State != "done" || filepath.Ext(card.File) != ".jpg" {
		t.Fatalf("%+v", card)
	}
	b.until("the result is shown", "[...document.querySelectorAll('.job img')].some(e => e.complete && e.naturalWidth == 64)")
}
