//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"imgtools/cmd/internal/filterd/filterdtest"
	"imgtools/pkg/daemon/jail"
)

func TestMain(m *testing.M) {
	jail.Main()
	filterdtest.Main(m, "heifd", serve)
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../pkg/picture/heif/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A worker in its sandbox has programs in their jail decode, one picture after another.
func TestDecodesInTheSandbox(t *testing.T) {
	path := filterdtest.Start(t, "-sandbox", "strict")
	if status := filterdtest.Exchange(t, path+".status", ""); !strings.Contains(status, "\nheic: heif-convert\n") || !strings.Contains(status, "\navif: avifdec\n") {
		t.Errorf("status:\n%s", status)
	}
	for _, c := range []struct{ file, words, want, magic string }{
		{"odd.heic", "", "ok type=image/x-portable-pixmap width=45 height=31 from=heic as=jpeg ms=0 len=4198", "P6"},
		{"odd.heic", " gray=601", "ok type=image/x-portable-graymap width=45 height=31 from=heic as=jpeg ms=0 len=1408", "P5"},
		{"grid.avif", "", "ok type=image/x-portable-pixmap width=256 height=96 from=avif as=jpeg ms=0 len=73742", "P6"},
		{"gray.avif", "", "ok type=image/x-portable-graymap width=64 height=48 from=avif as=jpeg ms=0 len=3085", "P5"},
		{"alpha.heic", "", "ok type=image/x-portable-arbitrarymap width=64 height=48 from=heic as=webp note=", "P7"},
		{"exif.heic", " frame=1", "ok type=image/tiff width=64 height=48 from=heic as=jpeg ms=0 len=", "II*"},
		{"p3.heic", "", "ok type=image/tiff width=64 height=48 from=heic as=jpeg ms=0 len=", "II*"},
		{"exif.heic", " frame=2", "err usage frame 2: the file has only one picture", ""},
		{"exif.heic", " maxpixels=3071", "err toolarge ", ""},
		{"exif.heic", " gray=601", "ok type=image/tiff width=64 height=48 from=heic as=jpeg ms=0 len=3340", "II*"},
		{"exif.heic", " linear", "err usage unknown word \"linear\"", ""},
	} {
		t.Run(c.file+c.words, func(t *testing.T) {
			data := sample(t, c.file)
			got := filterdtest.AnyTime(filterdtest.Exchange(t, path, fmt.Sprintf("img/1 decode%s len=%d\n%s", c.words, len(data), data)))
			line, body, _ := strings.Cut(got, "\n")
			if !strings.HasPrefix(line, c.want) || !strings.HasPrefix(body, c.magic) {
				t.Errorf("%q, %.4q", line, body)
			}
		})
	}
}

// Without the sandbox programs decode as well.
func TestDecodesWithoutTheSandbox(t *testing.T) {
	path := filterdtest.Start(t, "-sandbox", "off")
	data := sample(t, "odd.heic")
	if got := filterdtest.Exchange(t, path, fmt.Sprintf("img/1 decode len=%d\n%s", len(data), data)); !strings.HasPrefix(got, "ok type=image/x-portable-pixmap width=45 height=31 ") {
		t.Errorf("%.200q", got)
	}
}

// Other verbs are not for heifd, but info is.
func TestVerbs(t *testing.T) {
	path := filterdtest.Start(t)
	data := sample(t, "odd.heic")
	for verb, want := range map[string]string{"gray": "err usage this daemon does decode, not gray\n", "info": `ok type=application/json `} {
		if got := filterdtest.Exchange(t, path, fmt.Sprintf("img/1 %s len=%d\n%s", verb, len(data), data)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", verb, got)
		}
	}
}
