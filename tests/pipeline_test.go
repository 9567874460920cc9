package tests

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampleFolder fills a folder with one small picture of each format that there
// is to read, and returns it and the names.
func sampleFolder(t *testing.T) (string, []string) {
	t.Helper()
	dir := t.TempDir()
	m := photo(301, 203, 1)
	for _, name := range []string{"a.png", "b.jpg", "c.gif", "d.tiff", "e.ppm"} {
		save(t, dir, name, m)
	}
	must(t, dir, "/usr/bin/convert a.png BMP3:f.bmp && cwebp -quiet -lossless a.png -o g.webp && cjpeg -progressive -quality 90 e.ppm > h.jpg && pnmtopng -interlace e.ppm > i.png")
	x, err := xImages()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "j.png", read(t, filepath.Join(x, "tux.png"))) // with alpha
	write(t, dir, "k.jpg", read(t, filepath.Join(goImages(t), "testdata", "video-001.cmyk.jpeg")))
	return dir, []string{"a.png", "b.jpg", "c.gif", "d.tiff", "e.ppm", "f.bmp", "g.webp", "h.jpg", "i.png", "j.png", "k.jpg"}
}

// What goes through the service is byte for byte what the filters give.
func TestPipelineEqualsFilter(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir, names := sampleFolder(t)
	for _, name := range names {
		for _, c := range []struct{ put, filter string }{
			{"imgput", "gray"},
			{"imgput -g", "gray"},
			{"imgput -g -l 709", "gray -l 709"},
			{"imgput -g -l luminance -f png", "gray -l luminance -f png"},
			{"imgput -s 1/4", "scale 1/4"},
			{"imgput -s 50% -k mitchell -f png", "scale -k mitchell -f png 50%"},
			{"imgput -s '90x' -q 60 -f jpeg", "scale -q 60 -f jpeg 90x"},
			{"imgput -g -f pam", "gray -f pam"},
			{"imgput -crop 99x80+13+7", "scale -crop 99x80+13+7 1"},
			{"imgput -g -crop 50%x50%+12.5%+1%", "gray -crop 50%x50%+12.5%+1%"},
			{"imgput -g -crop 64x64 -gravity attention -fast", "gray -crop 64x64 -gravity attention -fast"},
			{"imgput -s 60x60 -fit cover -gravity northeast", "scale -fit cover -gravity northeast 60x60"},
			{"imgput -s 60x60 -fit pad -background 00ff00 -enlarge 0", "scale -fit pad -background 00ff00 -enlarge 0 60x60"},
		} {
			want := must(t, dir, c.filter+" < "+name)
			got := must(t, dir, c.put+" "+name+" | imgget")
			if !bytes.Equal(want, got) {
				t.Errorf("%s: %s | imgget gave %d bytes, %s %d, not the same", name, c.put, len(got), c.filter, len(want))
			}
			decode(t, got)
		}
	}
}

// Gray and scale together are what the two filters give, through PAM.
func TestCompositionEqualsFilters(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir, names := sampleFolder(t)
	m := photo(1203, 799, 2)
	save(t, dir, "large.jpg", m)
	save(t, dir, "large.png", m)
	for _, name := range append(names, "large.jpg", "large.png") {
		for _, geometry := range []string{"1/4", "1/2", "77x", "120%"} {
			want, _ := decode(t, must(t, dir, "gray -f pam "+name+" | scale -f pam "+geometry))
			quality := " -q 85"
			if name == "g.webp" { // of its own kind, which loses nothing unless a quality is asked for
				quality = ""
			}
			got, format := decode(t, must(t, dir, "imgput -g"+quality+" -s "+geometry+" "+name+" | imgget"))
			in := strings.TrimPrefix(filepath.Ext(name), ".")
			if in == "jpg" {
				if format != "jpeg" {
					t.Errorf("%s at %s came back as %s", name, geometry, format)
				}
				// The service writes a JPEG: compare with the filters' JPEG.
				filters, _ := decode(t, must(t, dir, "gray -f pam "+name+" | scale -q 85 -f jpeg "+geometry))
				// Two sharp thumbnails of a thumbnail differ by more than two of a photograph.
				want := 39.0
				if got.Bounds().Dx() < 100 && name == "k.jpg" {
					want = 25
				}
				if _, db := compare(t, filters, got); db < want {
					t.Errorf("%s at %s: %.1f dB against gray | scale, want %v", name, geometry, db, want)
				}
				continue
			}
			if worst, _ := compare(t, want, got); worst > 1 {
				t.Errorf("%s at %s: differs by %d from gray | scale", name, geometry, worst)
			}
		}
	}
}

// With a crop, a fit or a gravity, too: the part is cut by grayd, and scaled cuts and pads
// the rest.
func TestCompositionOfPartsEqualsFilters(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir, names := sampleFolder(t)
	save(t, dir, "large.jpg", photo(1203, 799, 2))
	for _, name := range append(names, "large.jpg") {
		for _, c := range []struct{ put, gray, scale string }{
			{"-crop 110x80+31+17 -s 1/2", "-crop 110x80+31+17", "1/2"},
			{"-crop 110x80+31+17 -s 40x50 -fit cover -gravity southeast", "-crop 110x80+31+17", "-fit cover -gravity southeast 40x50"},
			{"-crop 110x80 -gravity west -s 1/3", "-crop 110x80 -gravity west", "1/3"},
			{"-s 60x60 -fit pad -gravity north -background 0080ff", "", "-fit pad -gravity north -background 676767 60x60"},
			{"-crop 96x64+16+32 -s 1", "-crop 96x64+16+32", "1"},
		} {
			got, _ := decode(t, must(t, dir, "imgput -f png -g "+c.put+" "+name+" | imgget"))
			want, _ := decode(t, must(t, dir, "gray -f pam "+c.gray+" "+name+" | scale -f png "+c.scale))
			worst, db := compare(t, want, got)
			// A JPEG is decoded at a reduced size on the way through the service.
			if jpeg := strings.HasSuffix(name, ".jpg"); jpeg && db < 36 || !jpeg && worst > 1 {
				t.Errorf("%s, %s: differs by %d, %.1f dB from gray | scale", name, c.put, worst, db)
			}
		}
	}
}

func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		m[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(read(t, filepath.Join(dir, e.Name()))))
	}
	return m
}

// cd photos; imgput *.jpg | imgget -d . must not touch an original.
func TestOriginalsStay(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	for i := range 5 {
		save(t, dir, fmt.Sprintf("IMG_%d.jpg", i), photo(160, 120, uint64(i)))
	}
	before := sums(t, dir)
	must(t, dir, "imgput *.jpg | imgget -d .")
	after := sums(t, dir)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("%s was changed or removed", name)
		}
		gray := strings.TrimSuffix(name, ".jpg") + "-1.jpg"
		if after[gray] == "" {
			t.Errorf("no %s; there are %v", gray, after)
			continue
		}
		if want := must(t, dir, "gray < "+name); !bytes.Equal(want, read(t, filepath.Join(dir, gray))) {
			t.Errorf("%s is not what gray gives of %s", gray, name)
		}
	}
	if len(after) != 2*len(before) {
		t.Errorf("%d files became %d, want %d", len(before), len(after), 2*len(before))
	}
	// The filters' -d keeps to the same rule.
	must(t, dir, "gray -d . IMG_0.jpg")
	if sums(t, dir)["IMG_0.jpg"] != before["IMG_0.jpg"] {
		t.Error("gray -d . changed an original")
	}
}

// A batch of 300 goes through a spool that holds about 20.
func TestBatchLargerThanSpool(t *testing.T) {
	dir := t.TempDir()
	const n = 300
	total := 0
	for i := range n {
		// Noise does not compress: every file is about as large as its pixels.
		r := rand.New(rand.NewPCG(uint64(i), 3))
		pix := make([]byte, 100*80)
		for j := range pix {
			pix[j] = byte(r.Uint32())
		}
		write(t, dir, fmt.Sprintf("n%03d.pgm", i), append([]byte("P5 100 80 255\n"), pix...))
		total += len(pix)
	}
	quota := 20 * (total / n) * 2 // each job holds its picture and its result
	s := startImgd(t, "-quota", fmt.Sprint(quota))
	t.Setenv("IMGD", s.url)
	must(t, dir, "imgput -g n*.pgm | imgget -d out")
	names, err := os.ReadDir(filepath.Join(dir, "out"))
	if err != nil || len(names) != n {
		t.Fatalf("%d results, want %d: %v", len(names), n, err)
	}
	for i := range n {
		name := fmt.Sprintf("n%03d.pgm", i)
		// Gray of a gray picture is itself, sample for sample.
		in, out := read(t, filepath.Join(dir, name)), read(t, filepath.Join(dir, "out", name))
		if !bytes.Equal(in[len(in)-8000:], out[len(out)-8000:]) {
			t.Errorf("%s came back as another picture", name)
		}
	}
	if held := spoolBytes(t, s.spool); held > int64(quota)*3/2 {
		t.Errorf("the spool holds %d bytes, with a quota of %d", held, quota)
	}
}

// spoolBytes returns the bytes of all files under a spool.
func spoolBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if fi, err := d.Info(); err == nil {
				n += fi.Size()
			}
		}
		return nil
	})
	return n
}

// Ids come in argument order; one bad file is named, the others go on.
func TestBatchWithOneBadFile(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	save(t, dir, "a.png", photo(64, 48, 1))
	save(t, dir, "c.png", photo(64, 48, 2))
	r := sh(t, dir, "imgput a.png nowhere.png c.png > ids")
	if r.status != 1 || !strings.Contains(r.err, "nowhere.png") {
		t.Errorf("imgput of a missing file: exit %d, %q", r.status, r.err)
	}
	must(t, dir, "imgget -d out < ids")
	for _, name := range []string{"a.png", "c.png"} {
		if want := must(t, dir, "gray < "+name); !bytes.Equal(want, read(t, filepath.Join(dir, "out", name))) {
			t.Errorf("out/%s is not gray of %s", name, name)
		}
	}
	// A second run finds them fetched and writes nothing.
	must(t, dir, "imgget -d out < ids")
	if names, _ := os.ReadDir(filepath.Join(dir, "out")); len(names) != 2 {
		t.Errorf("fetching again made %v", names)
	}
}

func TestClientExitStatuses(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	write(t, dir, "bad.png", []byte("no picture at all"))
	save(t, dir, "a.png", photo(64, 48, 1))
	for _, c := range []struct {
		line   string
		status int
		says   string
	}{
		{"imgput bad.png | imgget > stdout", 1, "bad.png"},
		{"imgput bad.png | imgget -o out.png; s=$?; test ! -e out.png && exit $s", 1, "bad.png"},
		{"imgget < /dev/null > stdout", 1, "imgget: "},
		{"imgget aaaaaaaaaaaaaaaaaaaaaaaaaa > stdout", 1, "imgget: "},
		{"imgget aaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbb > stdout", 2, "-d"},
		{"imgput -s 0 a.png", 2, "imgput: "},
		{"imgput -s 0,5 a.png", 2, "0,5"},
		{"imgput a.png -s 1/2", 2, "-s after a file"},
		{"imgput -nosuchflag a.png", 2, "imgput -h"},
		{"IMGD=unix:/nowhere/imgd.sock imgput -w 1 a.png", 75, "/nowhere/imgd.sock"},
		{"IMGD= IMGTOOLS_RUN=/nowhere imgput -w 1 a.png", 75, "imgd &"},
		{"gray < /dev/null > stdout", 1, "gray: "},
		{"gray bad.png > stdout", 1, "bad.png"},
		{"scale 1/2 bad.png a.png", 2, "-d"},
		{"scale 1/2 -d out a.png", 2, "-d after"},
		{"scale -d out 1/2 bad.png a.png", 1, "bad.png"},
		{"scale 640 a.png", 2, "640x"},
		{"gray -l 602 a.png", 2, "602"},
	} {
		r := sh(t, dir, c.line)
		if r.status != c.status || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: exit %d, want %d; said %q, want %q in it", c.line, r.status, c.status, r.err, c.says)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "stdout")); err == nil && len(b) > 0 {
			t.Errorf("%s wrote %d bytes", c.line, len(b))
		}
	}
}
