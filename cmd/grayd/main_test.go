package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"imgtools/cmd/internal/filterd"
	"imgtools/cmd/internal/filterd/filterdtest"
)

func TestMain(m *testing.M) { filterdtest.Main(m, "grayd", serve) }

// TestManualExample replays the transcripts of imgproto(7): what follows C: is
// sent, and what follows W: must come back.
func TestManualExample(t *testing.T) {
	page, err := os.ReadFile("../../man/imgproto.7")
	if err != nil {
		t.Fatal(err)
	}
	path := filterdtest.Start(t)
	said := regexp.MustCompile(`^([CW]): (".*")$`)
	var sent, want string
	transcripts := 0
	for line := range strings.Lines(string(page) + "\n") {
		m := said.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			if sent != "" {
				transcripts++
				if got := filterdtest.AnyTime(filterdtest.Exchange(t, path, sent)); got != want {
					t.Errorf("%q is answered by\n%q, and the page says\n%q", sent, got, want)
				}
			}
			sent, want = "", ""
			continue
		}
		text, err := strconv.Unquote(strings.ReplaceAll(m[2], `\e`, `\`)) // roff's \e is a backslash
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m[1] == "C" {
			sent += text
		} else {
			want += text
		}
	}
	if transcripts < 2 {
		t.Errorf("%d transcripts in the page", transcripts)
	}
}

// TestLimitsReachTheOperation: the flags of the supervisor hold in a worker.
func TestLimitsReachTheOperation(t *testing.T) {
	path := filterdtest.Start(t, "-maxpixels", "1")
	got := filterdtest.Exchange(t, path, "img/1 gray len=17\nP6\n2 1\n255\n\xff\x00\x00\xff\xff\xff")
	if got != "err toolarge 2 pixels > 1 pixels (-maxpixels)\n" {
		t.Errorf("%q", got)
	}
}

// TestAllFormatsInTheSandbox: a worker that gave up everything says of each picture
// just what the operation says here.
func TestAllFormatsInTheSandbox(t *testing.T) {
	filterdtest.SameInTheSandbox(t, filterd.Operation("gray"), "img/1 gray", "", "", " luma=luminance format=png", " for=1/3")
}
