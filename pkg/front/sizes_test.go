package front

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"imgtools/pkg/jobid"
)

// A list of sizes makes one job with a result for each, which have an address, a name and
// an entity tag each.
func TestJobWithSeveralSizes(t *testing.T) {
	s := start(t, nil)
	id := jobid.New()
	path := "/jobs/" + id + "?scale=320x,50%25,x80&name=IMG.1.jpeg"
	want := id + "\n" + id + "/2\n" + id + "/3\n"
	for range 2 { // the second finds the job made
		if a := s.do("PUT", path, "photo"); a.status != 202 || a.body != want || a.header.Get("Location") != "/jobs/"+id {
			t.Fatalf("%+v", a)
		}
	}
	tags := map[string]bool{}
	for at, c := range map[string]struct{ body, name, width string }{
		"/image":   {"small photo", "IMG.1-320.png", "4"},
		"/1/image": {"small photo", "IMG.1-320.png", "4"},
		"/2/image": {"small2 photo", "IMG.1-50pc.png", "20"},
		"/3/image": {"small3 photo", "IMG.1-x80.png", "30"},
	} {
		a := s.do("GET", "/jobs/"+id+at+"?wait=60", "")
		sum := sha256.Sum256([]byte(c.body))
		h := a.header
		if a.status != 200 || a.body != c.body || h.Get("Content-Disposition") != `inline; filename=`+c.name ||
			h.Get("Image-Width") != c.width || h.Get("ETag") != `"`+hex.EncodeToString(sum[:])+`"` {
			t.Errorf("%s: %+v", at, a)
		}
		tags[h.Get("ETag")] = true
		if head := s.do("HEAD", "/jobs/"+id+at, ""); head.status != 200 || head.body != "" || head.header.Get("ETag") != h.Get("ETag") {
			t.Errorf("HEAD %s: %+v", at, head)
		}
		if part := s.do("GET", "/jobs/"+id+at, "", "Range: bytes=2-4"); part.status != 206 || part.body != c.body[2:5] {
			t.Errorf("range of %s: %+v", at, part)
		}
		if same := s.do("GET", "/jobs/"+id+at, "", "If-None-Match: "+h.Get("ETag")); same.status != 304 {
			t.Errorf("%s again: %+v", at, same)
		}
	}
	if len(tags) != 3 {
		t.Errorf("%d entity tags", len(tags))
	}
	var v jobView
	fromJSON(t, s.do("GET", "/jobs/"+id, "", "Accept: application/json").body, &v)
	if v.State != "done" || v.Out == nil || len(v.Outs) != 3 || *v.Out != v.Outs[0] || v.Out.Image != "/jobs/"+id+"/image" ||
		v.Outs[2] != (viewOut{Bytes: 12, Type: "image/png", Width: 30, Height: 3, Name: "IMG.1-x80.png", Image: "/jobs/" + id + "/3/image"}) {
		t.Errorf("%+v", v)
	}
	if text := s.do("GET", "/jobs/"+id, "").body; !strings.Contains(text, "\nout.bytes: 11\n") || !strings.Contains(text, "\nout3.width: 30\n") || !strings.Contains(text, "\nout2.image: /jobs/"+id+"/2/image\n") {
		t.Errorf("%s", text)
	}
	for at, status := range map[string]int{"/4/image": 404, "/0/image": 404, "/9/image": 404, "/02/image": 404, "/x/image": 404, "/2": 404} {
		a := s.do("GET", "/jobs/"+id+at, "")
		if a.status != status || strings.Contains(a.body, id) {
			t.Errorf("%s: %+v", at, a)
		}
	}
	if a := s.do("DELETE", "/jobs/"+id, ""); a.status != 204 {
		t.Errorf("%+v", a)
	}
	for _, at := range []string{"/image", "/2/image", "/3/image"} {
		if a := s.do("GET", "/jobs/"+id+at, ""); a.status != http.StatusGone {
			t.Errorf("%s after DELETE: %+v", at, a)
		}
	}
}

// A job of one size has one result, whose view is as it was.
func TestJobWithOneSizeHasNoSecond(t *testing.T) {
	s := start(t, nil)
	id := s.job("photo")
	if a := s.do("GET", "/jobs/"+id+"/1/image?wait=60", ""); a.status != 200 || a.body != "gray of photo" {
		t.Errorf("%+v", a)
	}
	if a := s.do("GET", "/jobs/"+id+"/2/image", ""); a.status != 404 || !strings.Contains(a.body, "no result 2 of 1") {
		t.Errorf("%+v", a)
	}
	// A path that no job has doesn't deny the job.
	for _, below := range []string{"/0/image", "/02/image", "/2", "/image/"} {
		if a := s.do("GET", "/jobs/"+id+below, ""); a.status != 404 || !strings.Contains(a.body, "nothing at ") || strings.Contains(a.body, id) {
			t.Errorf("%s: %+v", below, a)
		}
	}
	if body := s.do("GET", "/jobs/"+id, "", "Accept: application/json").body; strings.Contains(body, `"outs"`) {
		t.Errorf("%s", body)
	}
}

// Pending and failed jobs answer for each of their results.
func TestPendingAndFailedSizes(t *testing.T) {
	s := start(t, nil)
	id, _, _ := strings.Cut(s.do("POST", "/jobs?scale=320x,160x", "hold").body, "\n")
	h := <-s.fake.held
	if a := s.do("GET", "/jobs/"+id+"/2/image", ""); a.status != 202 || a.body != "" || a.header.Get("Retry-After") == "" {
		t.Errorf("pending: %+v", a)
	}
	if a := s.do("GET", "/jobs/"+id+"/3/image", ""); a.status != 404 {
		t.Errorf("one more than there are sizes: %+v", a)
	}
	close(h.free)
	bad, _, _ := strings.Cut(s.do("POST", "/jobs?scale=320x,160x", "bad").body, "\n")
	if a := s.do("GET", "/jobs/"+bad+"/2/image?wait=60", ""); a.status != 415 || !strings.Contains(a.body, "not a picture") {
		t.Errorf("failed: %+v", a)
	}
}

func TestSeveralSizesOfSeveralPictures(t *testing.T) {
	s := start(t, nil)
	body, kind := form(part{"scale", "-", "320x,160x"}, part{"image", "a.jpg", "one"}, part{"image", "b.jpg", "two"})
	a := s.do("POST", "/jobs", body, kind)
	ids := strings.Fields(a.body)
	if a.status != 202 || len(ids) != 4 || ids[1] != ids[0]+"/2" || ids[3] != ids[2]+"/2" || a.header.Get("Location") != "" {
		t.Fatalf("%+v", a)
	}
	if r := s.do("GET", "/jobs/"+ids[3]+"/image?wait=60", ""); r.body != "small2 two" {
		t.Errorf("%+v", r)
	}
	var made map[string][]string
	fromJSON(t, s.do("POST", "/jobs", body, kind, "Accept: application/json").body, &made)
	if len(made["jobs"]) != 4 || made["jobs"][1] != made["jobs"][0]+"/2" {
		t.Errorf("%v", made)
	}
	page := s.do("POST", "/jobs", body, kind, "Accept: text/html")
	if at := page.header.Get("Location"); page.status != 303 || strings.Count(at, "j=") != 2 || strings.Contains(at, "/2") {
		t.Errorf("%+v", page)
	}
}

// What answers with one picture refuses a list before it reads the picture.
func TestListWhereOnePictureIsTheAnswer(t *testing.T) {
	presets, err := ParsePresets("widths scale=320x,640x")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(c *Config) { c.Root = t.TempDir() })
	s.SetPresets(presets)
	body, kind := form(part{"scale", "-", "320x,160x"}, part{"image", "a.jpg", "one"})
	for _, c := range []struct {
		what, method, path, body string
		headers                  []string
	}{
		{"a picture", "PUT", "/image?scale=320x,640x", "photo", nil},
		{"a form", "POST", "/image", body, []string{kind}},
		{"a preset", "PUT", "/image?preset=widths", "photo", nil},
		{"a file", "GET", "/files/a.jpg?preset=widths", "", nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			if a := s.do(c.method, c.path, c.body, c.headers...); a.status != 400 || !strings.Contains(a.body, "several sizes") || !strings.Contains(a.body, "/jobs") {
				t.Errorf("%+v", a)
			}
		})
	}
	if a := s.do("POST", "/jobs?preset=widths", "photo"); a.status != 202 || len(strings.Fields(a.body)) != 2 {
		t.Errorf("a job by a preset: %+v", a)
	}
	if a := s.do("POST", "/jobs?scale=1x,2x,3x,4x,5x,6x,7x,8x,9x", "photo"); a.status != 400 || !strings.Contains(a.body, "9 sizes; at most 8") {
		t.Errorf("nine sizes: %+v", a)
	}
	if len(s.fake.came()) > 1 {
		t.Errorf("a worker was asked: %q", s.fake.came())
	}
}
