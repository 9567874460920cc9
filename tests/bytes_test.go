package tests

import (
	"bytes"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"os"
	"path/filepath"
	"testing"
)

// The words bytes and progressive give the same file by every way in: the filters, the
// answer of /image, a job by imgput, and a job by HTTP whose result imgget fetches.
func TestBytesAndProgressiveByEveryWay(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(400, 300, 3))
	for _, c := range []struct{ filter, query, flags string }{
		{"scale -bytes 6K -progressive 1/2", "scale=1/2&bytes=6K&progressive", "-s 1/2 -bytes 6K -progressive"},
		{"gray -bytes 7000", "gray&bytes=7000", "-g -bytes 7000"},
		{"gray -progressive", "gray&progressive=1", "-g -progressive"},
	} {
		t.Run(c.query, func(t *testing.T) {
			want := must(t, dir, c.filter+" < foo.jpg")
			for way, line := range map[string]string{
				"/image":        "curl -sfg -T foo.jpg '" + s.url + "/image?" + c.query + "'",
				"imgput":        "imgput -quiet " + c.flags + " foo.jpg | imgget",
				"/jobs, imgget": "curl -sfg --data-binary @foo.jpg '" + s.url + "/jobs?" + c.query + "' | imgget",
			} {
				if got := must(t, dir, line); !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, the filter gives %d", way, len(got), len(want))
				}
			}
			if isProgressive := bytes.Contains(want, []byte{0xFF, 0xC2, 0}); isProgressive != bytes.Contains([]byte(c.query), []byte("progressive")) {
				t.Errorf("progressive: %v", isProgressive)
			}
		})
	}
	t.Run("an animated WebP", func(t *testing.T) {
		film := &gif.GIF{}
		for i := range 6 {
			m := image.NewPaletted(image.Rect(0, 0, 120, 90), palette.Plan9)
			draw.Draw(m, m.Rect, photo(120+i, 90, 3), image.Point{}, draw.Src)
			film.Image, film.Delay = append(film.Image, m), append(film.Delay, 5)
		}
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, film); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "film.gif"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		usual := len(must(t, dir, "scale -f webp 1/2 < film.gif"))
		words := fmt.Sprint("scale=1/2&format=webp&fast&bytes=", usual*3/4)
		want := must(t, dir, fmt.Sprint("scale -f webp -fast -bytes ", usual*3/4, " 1/2 < film.gif"))
		if len(want) > usual*3/4 || bytes.Count(want, []byte("ANMF")) != 6 {
			t.Errorf("%d bytes, %d frames", len(want), bytes.Count(want, []byte("ANMF")))
		}
		for way, line := range map[string]string{
			"/image": "curl -sfg -T film.gif '" + s.url + "/image?" + words + "'",
			"/jobs":  "curl -sfg --data-binary @film.gif '" + s.url + "/jobs?" + words + "' | imgget",
		} {
			if got := must(t, dir, line); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, the filter gives %d", way, len(got), len(want))
			}
		}
	})
	t.Run("gray and scale by two daemons", func(t *testing.T) {
		got := must(t, dir, "curl -sfg -T foo.jpg '"+s.url+"/image?gray&scale=1/2&bytes=4000&progressive'")
		if len(got) > 4000 || len(got) < 2000 || !bytes.Contains(got, []byte{0xFF, 0xC2, 0}) {
			t.Errorf("%d bytes", len(got))
		}
	})
	for _, c := range []struct{ name, line, says string }{
		{"too few bytes", "curl -sg -w '%{http_code}' -T foo.jpg '" + s.url + "/image?scale=1/2&bytes=100'", "413"},
		{"another format", "curl -sg -w '%{http_code}' -T foo.jpg '" + s.url + "/image?scale=1/2&format=png&bytes=100K'", "415"},
		{"no number", "curl -sg -w '%{http_code}' -T foo.jpg '" + s.url + "/image?scale=1/2&bytes=few'", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := must(t, dir, c.line); !bytes.HasSuffix(got, []byte(c.says)) {
				t.Errorf("%s", got)
			}
		})
	}
}
