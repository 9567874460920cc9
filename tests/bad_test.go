package tests

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is wrong has its status, one clear line, and nothing is written.
func TestBadInputs(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	good := read(t, save(t, dir, "good.jpg", photo(200, 150, 1)))
	goodPNG := read(t, save(t, dir, "good.png", photo(200, 150, 1)))
	bomb := blankPNG(20000, 20000)
	for _, c := range []struct {
		name   string
		body   []byte
		query  string
		status int
		says   string // in the line
		filter string // the same asked of a filter; "": there is no such filter
		exit   int
	}{
		{"no picture", []byte("this is not a picture, is it"), "gray", 415, "", "gray", 1},
		{"no picture, scaled", []byte("this is not a picture, is it"), "scale=1/2", 415, "", "scale 1/2", 1},
		{"truncated JPEG", good[:len(good)*2/3], "gray", 415, "truncated", "gray", 1},
		{"truncated JPEG, scaled", good[:len(good)*2/3], "scale=1/2", 415, "truncated", "scale 1/2", 1},
		{"truncated JPEG, both", good[:len(good)*2/3], "gray&scale=1/2", 415, "truncated", "", 0},
		{"truncated PNG", goodPNG[:len(goodPNG)*2/3], "gray", 415, "truncated", "gray", 1},
		{"20000×20000", bomb, "gray", 413, "400 Mpixel > 250 Mpixel (-maxpixels)", "gray", 1},
		{"20000×20000, scaled", bomb, "scale=1/100", 413, "400 Mpixel > 250 Mpixel (-maxpixels)", "scale 1/100", 1},
		{"too large a result", good, "scale=200000x200000!", 413, "(-maxpixels)", "scale 200000x200000!", 1},
		{"0 bytes", nil, "gray", 415, "0 bytes", "gray", 1},
		{"unknown operation", good, "grey", 400, "grey", "gray -grey", 2},
		{"unknown luma", good, "gray=602", 400, "602", "gray -l 602", 2},
		{"twice", good, "gray&gray", 400, "gray", "", 0},
		{"factor 0", good, "scale=0", 400, "0", "scale 0", 2},
		{"factor -1", good, "scale=-1", 400, "-1", "scale -- -1", 2},
		{"factor 1e9", good, "scale=1e9", 400, "1e9", "scale 1e9", 2},
		{"a comma", good, "scale=0,5", 400, "0,5", "scale 0,5", 2},
		{"an empty size of several", good, "scale=20x,,10x", 400, "size 2 of 3 is empty", "scale 20x,,10x", 2},
		{"a width without x", good, "scale=640", 400, "640x", "scale 640", 2},
		{"NaN", good, "scale=NaN", 400, "NaN", "scale NaN", 2},
		{"option without its operation", good, "gray&kernel=box", 400, "kernel", "gray -k box", 2},
		{"option alone", good, "kernel=box", 400, "", "", 0},
		{"unknown format", good, "gray&format=heic", 400, "heic", "gray -f heic", 2},
		{"unknown kernel", good, "scale=1/2&kernel=sinc", 400, "sinc", "scale -k sinc 1/2", 2},
		{"quality 0", good, "gray&quality=0", 400, "quality", "gray -q 0", 2},
		{"cut HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "gray", 415, "no meta box", "gray", 1},
		{"SVG", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`), "gray", 415, "SVG", "gray", 1},
		{"PDF", []byte("%PDF-1.7\n1 0 obj\n"), "gray", 415, "PDF", "gray", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/image?", "/jobs?"} {
				if path == "/jobs?" && c.status != 400 {
					continue // a job's picture is looked at later: below
				}
				resp, b, err := s.do("PUT", path+c.query, bytes.NewReader(c.body))
				if path == "/jobs?" {
					resp, b, err = s.do("POST", path+c.query, bytes.NewReader(c.body))
				}
				if err != nil {
					t.Fatal(err)
				}
				oneLine(t, path+c.query, resp, b, c.status, c.says)
			}
			if c.filter != "" {
				r := runIn(t, dir, bytes.NewReader(c.body), "bash", "-c", c.filter+" > stdout")
				line := strings.TrimSuffix(r.err, "\n")
				if c.exit == 2 {
					line = strings.SplitN(line, "\n", 2)[0]
				}
				says := c.says
				if strings.Contains(c.filter, " -k box") {
					says = "-k" // gray has no such flag
				}
				if r.status != c.exit || !strings.Contains(line, says) || strings.Contains(line, "\n") || line == "" {
					t.Errorf("%s: exit %d, want %d; said %q, want one line with %q", c.filter, r.status, c.exit, r.err, says)
				}
				if out := read(t, filepath.Join(dir, "stdout")); len(out) != 0 {
					t.Errorf("%s wrote %d bytes of a result", c.filter, len(out))
				}
				os.Remove(filepath.Join(dir, "stdout"))
			}
		})
	}
	// -o and -d leave no file, whole or part.
	write(t, dir, "cut.jpg", good[:len(good)*2/3])
	write(t, dir, "bomb.png", bomb)
	must(t, dir, "mkdir results")
	for _, line := range []string{
		"gray -o results/a.jpg cut.jpg", "gray -d results cut.jpg bomb.png", "scale -d results 1/2 cut.jpg bomb.png",
		"imgput cut.jpg bomb.png | imgget -d results", "imgput cut.jpg | imgget -o results/b.jpg",
	} {
		r := sh(t, dir, line)
		if r.status != 1 || !strings.Contains(r.err, "cut.jpg") {
			t.Errorf("%s: exit %d, %q", line, r.status, r.err)
		}
		if left := sums(t, filepath.Join(dir, "results")); len(left) != 0 {
			t.Fatalf("%s left %v", line, left)
		}
	}
}

// oneLine checks an error answer.
func oneLine(t *testing.T, what string, resp *http.Response, b []byte, status int, says string) {
	t.Helper()
	if resp.StatusCode != status || !strings.Contains(string(b), says) || bytes.Count(b, []byte("\n")) != 1 || len(b) < 10 {
		t.Errorf("%s: %s %.300q, want %d and one line with %q", what, resp.Status, b, status, says)
	}
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/plain") {
		t.Errorf("%s: Content-Type %q", what, ct)
	}
}

// A job that fails keeps its reason; its picture answers with the failure.
func TestFailedJob(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	good := read(t, save(t, dir, "good.jpg", photo(200, 150, 1)))
	for _, c := range []struct {
		body   []byte
		status int
		kind   string
	}{{good[:5000], 415, "format"}, {[]byte("nothing of the kind"), 415, "format"}, {blankPNG(20000, 20000), 413, "toolarge"}} {
		_, b := s.want(t, 202, "POST", "/jobs?gray&name=x.jpg", bytes.NewReader(c.body))
		id := strings.TrimSpace(string(b))
		resp, b := s.want(t, c.status, "GET", "/jobs/"+id+"/image?wait=30", nil)
		oneLine(t, "the failed job's picture", resp, b, c.status, "")
		_, image, err := s.do("PUT", "/image?gray", bytes.NewReader(c.body))
		if err != nil || !bytes.Equal(b, image) {
			t.Errorf("the job said %q and /image %q", b, image)
		}
		_, b = s.want(t, 200, "GET", "/jobs/"+id, nil, "Accept", "application/json")
		if !bytes.Contains(b, []byte(`"failed"`)) || !bytes.Contains(b, []byte(fmt.Sprintf("%q", c.kind))) {
			t.Errorf("status %s", b)
		}
	}
}

// Refusals that need no body come before it: curl sees them and sends nothing.
func TestEarlyRefusals(t *testing.T) {
	s := startImgd(t, "-maxbytes", "1M")
	dir := t.TempDir()
	write(t, dir, "big", make([]byte, 64<<20))
	write(t, dir, "over", make([]byte, 1<<20+1))
	for _, c := range []struct{ file, query, status string }{
		{"big", "gray", "413"}, {"over", "gray", "413"}, {"big", "grey", "400"}, {"over", "scale=0", "400"},
	} {
		out := string(must(t, dir, fmt.Sprintf("curl -s -o body -w '%%{http_code} %%{size_upload}' -T %s '%s/image?%s'", c.file, s.url, c.query)))
		if !strings.HasPrefix(out, c.status+" ") {
			t.Errorf("%s?%s: %s", c.file, c.query, out)
		}
		if c.file == "big" && out != c.status+" 0" {
			t.Errorf("%s?%s: curl had to upload before the refusal: %s bytes", c.file, c.query, out)
		}
		if b := read(t, filepath.Join(dir, "body")); bytes.Count(b, []byte("\n")) != 1 {
			t.Errorf("%s?%s says %q", c.file, c.query, b)
		}
	}
	// Without a length the limit holds while the body is read.
	resp, b, err := s.do("PUT", "/image?gray", io.MultiReader(bytes.NewReader(make([]byte, 3<<20))))
	if err != nil || resp.StatusCode != 413 {
		t.Errorf("3 MiB without a length: %v %q", err, b)
	}
	must(t, dir, "curl -s -o body -F image=@big '"+s.url+"/image?gray'; grep -q maxbytes body")
}
