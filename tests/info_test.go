package tests

import (
	"path/filepath"
	"strings"
	"testing"
)

// What imginfo prints, imgd and both daemons answer.
func TestInfoIsTheSameEverywhere(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(400, 300, 3))
	must(t, dir, "gray -f png < foo.jpg > gray.png; scale -f gif 10% < foo.jpg > small.gif; printf 'P5 9 9 255\n' > cut.pgm")
	for _, name := range []string{"exif.heic", "exif.avif"} {
		must(t, dir, "cp "+filepath.Join(root, "pkg/picture/heif/testdata", name)+" .")
	}
	d := startDaemons(t)
	for file, want := range map[string]string{
		"foo.jpg": "jpeg 400x300, 8 bit rgb", "gray.png": "png 400x300, 8 bit gray", "small.gif": "gif 40x30, 8 bit palette", "cut.pgm": "pnm 9x9, 8 bit gray",
		"exif.heic": "heic 64x48, 8 bit rgb, 300 dpi, 2026-11-29T18:30:00+01:00", "exif.avif": "avif 48x64, 8 bit rgb, orientation 5, 300 dpi, 2026-11-29T18:30:00+01:00",
	} {
		t.Run(file, func(t *testing.T) {
			line, object := want+"\n", strings.Replace(string(must(t, dir, "imginfo -json "+file)), `"file":"`+file+`",`, "", 1)
			if got := string(must(t, dir, "imginfo "+file)); got != file+": "+line {
				t.Errorf("imginfo: %s", got)
			}
			if got := string(must(t, dir, "curl -sf -T "+file+" "+s.url+"/info")); got != line {
				t.Errorf("/info: %s", got)
			}
			if got := string(must(t, dir, "curl -sf -H 'Accept: application/json' -F image=@"+file+" "+s.url+"/info")); got != object {
				t.Errorf("/info as JSON: %s, want %s", got, object)
			}
			for _, sock := range []string{d.gray, d.scale} {
				words, data := reply(t, must(t, dir, "{ printf 'img/1 info\n'; cat "+file+"; } | nc.openbsd -N -U "+sock))
				if string(data)+"\n" != object || words["type"] != "application/json" {
					t.Errorf("%s: %v %s", sock, words, data)
				}
			}
		})
	}
	if r := sh(t, dir, "curl -sf -T /dev/null "+s.url+"/info"); r.status == 0 {
		t.Error("nothing is described")
	}
}
