package tests

import (
	"bytes"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadPlacing: a part or a point outside the picture, an empty part, two words that both
// say where, and sizes that come out equal are refused by the filters, over HTTP and by the
// clients with the same line, which has the numbers.
func TestBadPlacing(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "p.png", photo(640, 480, 3)))
	for _, c := range []struct {
		name  string
		words [][2]string
		want  string
	}{
		{"a part outside the picture", [][2]string{{"crop", "300x200+500+400"}, {"scale", "1/2"}}, "crop 300x200+500+400 reaches beyond the picture of 640x480"},
		{"a part in percent outside", [][2]string{{"crop", "50%x50%+60%+0"}, {"scale", "1/2"}}, "crop 50%x50%+60%+0: 320x240+384+0 reaches beyond the picture of 640x480"},
		{"a part larger than the picture", [][2]string{{"crop", "700x200"}, {"scale", "1/2"}}, "crop 700x200: 700x200+0+140 reaches beyond the picture of 640x480"},
		{"an empty part", [][2]string{{"crop", "0x5+1+1"}, {"scale", "1/2"}}, `crop: "0x5+1+1": an empty crop`},
		{"offsets and gravity", [][2]string{{"crop", "30x20+5+6"}, {"gravity", "north"}, {"scale", "1/2"}}, "gravity=north and crop=30x20+5+6: both say where the part lies"},
		{"a point beyond 100 %", [][2]string{{"gravity", "30%,101%"}, {"fit", "cover"}, {"scale", "64x48"}}, `gravity: "30%,101%": a point lies between 0% and 100% of each side`},
		{"a point below 0 %", [][2]string{{"gravity", "-1%,5%"}, {"fit", "cover"}, {"scale", "64x48"}}, `gravity: "-1%,5%": a point lies between 0% and 100% of each side`},
		{"sizes that come out equal", [][2]string{{"scale", "64x,64x48"}}, "scale=64x,64x48: 64x and 64x48 both come out as 64x48"},
		{"a size given twice", [][2]string{{"scale", "64x,64x"}}, "scale: 64x and 64x in a list: both results would be named -64"},
		{"too many sizes", [][2]string{{"scale", "1x,2x,3x,4x,5x,6x,7x,8x,9x"}}, `scale: "1x,2x,3x,4x,5x,6x,7x,8x,9x": 9 sizes; at most 8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var query, flags []string
			size := ""
			for _, w := range c.words {
				query = append(query, w[0]+"="+url.QueryEscape(w[1]))
				if w[0] == "scale" {
					size = w[1]
				} else {
					flags = append(flags, "-"+w[0], w[1])
				}
			}
			first := func(text string) string { line, _, _ := strings.Cut(text, "\n"); return line }
			args := append(append([]string{"-d", filepath.Join(t.TempDir(), "out")}, flags...), size, "p.png")
			if r := runIn(t, dir, nil, "scale", args...); r.status != 2 || !strings.HasPrefix(r.err, "scale: ") || !strings.HasSuffix(first(r.err), c.want) {
				t.Errorf("scale: exit %d, %q", r.status, r.err)
			}
			// Over HTTP a job of several sizes is refused when its picture is read.
			if !strings.HasPrefix(c.want, "scale=") {
				resp, body, err := s.do("POST", "/jobs?"+strings.Join(query, "&"), bytes.NewReader(picture))
				if strings.HasPrefix(c.want, "crop ") {
					resp, body, err = s.do("PUT", "/image?"+strings.Join(query, "&"), bytes.NewReader(picture))
				}
				if err != nil || resp.StatusCode != 400 || string(body) != c.want+"\n" {
					t.Errorf("HTTP: %v %v, %q", resp.Status, err, body)
				}
			}
			ids := runIn(t, dir, nil, "imgput", append(append([]string{"-a", s.url}, flags...), "-s", size, "p.png")...)
			if ids.status == 0 {
				ids = runIn(t, dir, bytes.NewReader(ids.out), "imgget", "-a", s.url, "-d", filepath.Join(t.TempDir(), "out"))
			}
			if ids.status == 0 || !strings.HasSuffix(first(ids.err), c.want) {
				t.Errorf("imgput and imgget: exit %d, %q", ids.status, ids.err)
			}
		})
	}
}
