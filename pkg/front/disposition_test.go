package front

import (
	"mime"
	"testing"
)

func TestDispositionNamesTheResult(t *testing.T) {
	for _, c := range []struct{ name, mediaType, want string }{
		{"a.jpg", "image/png", "inline; filename=a.png"},
		{"a", "image/png", "inline; filename=a.png"},
		{"a.PNG", "image/png", "inline; filename=a.PNG"},
		{"a.jpeg", "image/jpeg", "inline; filename=a.jpeg"},
		{`a"b.gif`, "image/png", `inline; filename="a\"b.png"`},
		{"report.2024", "image/png", "inline; filename=report.2024.png"},
		{"Dr. Who", "image/jpeg", `inline; filename="Dr. Who.jpg"`},
		{"é.png", "image/png", "inline; filename=_.png; filename*=UTF-8''%C3%A9.png"},
		{"日本 1.tif", "image/jpeg", `inline; filename="__ 1.jpg"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%201.jpg`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := disposition(c.name, c.mediaType)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			// The standard library is the independent reader.
			_, params, err := mime.ParseMediaType(got)
			if err != nil || params["filename"] != fileName(c.name, c.mediaType) {
				t.Errorf("%s is read as %q, %v", got, params["filename"], err)
			}
		})
	}
}
