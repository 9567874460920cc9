package tests

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Several sizes of one upload: by imgput and imgget come the files that scale -d writes,
// byte for byte, whether the daemons get open files or the bytes over TCP.
func TestSeveralSizesByEveryWay(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(600, 400, 3))
	save(t, dir, "bar.png", photo(301, 203, 4))
	must(t, dir, "scale -d want 320x,160x,x50,50% foo.jpg bar.png")
	want := sums(t, filepath.Join(dir, "want"))
	if len(want) != 8 {
		t.Fatalf("%v", want)
	}
	port := func(name string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := "tcp:" + l.Addr().String()
		l.Close()
		spawn(t, runDir(t), name, "-n", "1", "-a", address)
		return address
	}
	tcp := restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), "-grayd", port("grayd"), "-scaled", port("scaled"))
	for name, s := range map[string]*server{"open files": startImgd(t), "TCP": tcp} {
		t.Run(name, func(t *testing.T) {
			out := strings.ReplaceAll(name, " ", "")
			must(t, dir, "imgput -a "+s.url+" -quiet -s 320x,160x,x50,50% foo.jpg bar.png | imgget -a "+s.url+" -d "+out)
			if got := sums(t, filepath.Join(dir, out)); !maps.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			must(t, dir, "imgput -a "+s.url+" -quiet -g -s 320x,160x foo.jpg | imgget -a "+s.url+" -d gray"+out)
			if got := names(t, filepath.Join(dir, "gray"+out)); !slices.Equal(got, []string{"foo-160.jpg", "foo-320.jpg"}) {
				t.Errorf("gray: %v", got)
			}
			for _, size := range []string{"160", "320"} {
				if line := string(must(t, dir, "imginfo gray"+out+"/foo-"+size+".jpg")); !strings.Contains(line, size+"x") || !strings.Contains(line, "gray") {
					t.Errorf("%s", line)
				}
			}
		})
	}
}

// What is wrong with a list is said in one line, when it is handed in or by the job.
func TestBadListsOfSizes(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "foo.jpg", photo(300, 200, 3)))
	for _, c := range []struct {
		list, says string
		status     int // of the request; 202: of the job
	}{
		{"1x,2x,3x,4x,5x,6x,7x,8x,9x", "9 sizes; at most 8", 400},
		{"20x,20x", "both results would be named -20", 400},
		{"20x,40x<", "nothing in a list is enlarged", 400},
		{"20x,,40x", "size 2 of 3 is empty", 400},
		{"640x,1280x,100x", "640x and 1280x both come out as 300x200", 202},
		{"1/2,x100", "1/2 and x100 both come out as 150x100", 202},
	} {
		t.Run(c.list, func(t *testing.T) {
			resp, b, err := s.do("POST", "/jobs?scale="+c.list, bytes.NewReader(picture))
			if err != nil {
				t.Fatal(err)
			}
			if c.status == 202 && resp.StatusCode == 202 {
				id := strings.Fields(string(b))[0]
				for _, at := range []string{"/image", "/2/image"} {
					resp, b, err = s.do("GET", "/jobs/"+id+at+"?wait=30", nil)
					if err != nil {
						t.Fatal(err)
					}
					oneLine(t, c.list+at, resp, b, 400, c.says)
				}
				return
			}
			oneLine(t, c.list, resp, b, c.status, c.says)
		})
	}
	// One that is larger than the picture keeps its size, among smaller ones.
	_, b := s.want(t, 202, "POST", "/jobs?scale=640x,100x&name=foo.jpg", bytes.NewReader(picture))
	ids := strings.Fields(string(b))
	for i, width := range []string{"300", "100"} {
		resp, _ := s.want(t, 200, "GET", "/jobs/"+ids[i]+"/image?wait=30", nil)
		name := []string{"foo-640.jpg", "foo-100.jpg"}[i]
		if resp.Header.Get("Image-Width") != width || !strings.Contains(resp.Header.Get("Content-Disposition"), name) {
			t.Errorf("%s: %v", ids[i], resp.Header)
		}
	}
}

// A download of a second size that breaks goes on where it broke, and a server that is
// killed meanwhile gives the same bytes when it is back.
func TestSecondSizeAfterAKill(t *testing.T) {
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	s := restartImgd(t, run, spool)
	picture := read(t, save(t, t.TempDir(), "foo.jpg", photo(900, 600, 3)))
	var ids []string
	for range 6 {
		_, b := s.want(t, 202, "POST", "/jobs?scale=640x,320x,160x", bytes.NewReader(picture))
		ids = append(ids, strings.Fields(string(b))...)
	}
	s.kill() // with jobs that wait, one that is being worked on, and perhaps some that are done
	s = restartImgd(t, run, spool)
	var want [3][]byte
	for i, id := range ids {
		resp, b := s.want(t, 200, "GET", "/jobs/"+id+"/image?wait=60", nil)
		if want[i%3] == nil {
			want[i%3] = b
		}
		if !bytes.Equal(b, want[i%3]) {
			t.Errorf("result %d: %d bytes, of another job %d", i, len(b), len(want[i%3]))
		}
		half := fmt.Sprintf("bytes=%d-", len(b)/2)
		part, rest := s.want(t, 206, "GET", "/jobs/"+id+"/image", nil, "Range", half, "If-Range", resp.Header.Get("ETag"))
		if !bytes.Equal(rest, b[len(b)/2:]) {
			t.Errorf("range of result %d: %d bytes, %s", i, len(rest), part.Header.Get("Content-Range"))
		}
	}
	if slices.EqualFunc([][]byte{want[0]}, [][]byte{want[1]}, bytes.Equal) {
		t.Error("two sizes are the same file")
	}
}
