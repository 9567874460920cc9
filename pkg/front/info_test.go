package front

import (
	"strings"
	"testing"
)

func TestInfo(t *testing.T) {
	s := start(t, nil)
	const line = "png 4x2, 8 bit rgb, profile P3\n"
	const object = `{"format":"png","width":4,"height":2,"frames":1,"depth":8,"colour":"rgb","alpha":false,"orientation":1,"profile":"P3"}` + "\n"
	formBody, formType := form(part{"name", "-", "a.png"}, part{"image", "b.png", "P3"})
	fieldBody, fieldType := form(part{"gray", "-", "1"}, part{"image", "b.png", "P3"})
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		answer                   string // its beginning
	}{
		{"text", "PUT", "/info", "P3", nil, 200, line},
		{"to a browser text", "POST", "/info?name=a.png", "P3", []string{"Accept: text/html"}, 200, line},
		{"JSON", "POST", "/info", "P3", []string{"Accept: application/json"}, 200, object},
		{"a form", "POST", "/info", formBody, []string{formType}, 200, line},
		{"an operation", "PUT", "/info?gray", "P3", nil, 400, `/info takes no word "gray"`},
		{"an operation as a field", "POST", "/info", fieldBody, []string{fieldType}, 400, `/info takes no word "gray"`},
		{"no picture", "PUT", "/info", "bad", nil, 415, "not a picture"},
		{"a picture that kills workers", "PUT", "/info", "kill", nil, 500, "2 workers died"},
		{"an answer that no picture has", "PUT", "/info", `a\u001b[2J`, nil, 500, "info: "},
		{"an answer that is too long", "PUT", "/info", strings.Repeat("n", 1<<15), nil, 500, "2 workers died"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.do(c.method, c.path, c.body, c.headers...)
			if a.status != c.status || !strings.HasPrefix(a.body, c.answer) {
				t.Errorf("%d %q, want %d %q", a.status, a.body, c.status, c.answer)
			}
		})
	}
	if n := s.queue.figures(); n.images != 0 {
		t.Errorf("%d pictures wait", n.images)
	}
	// All slots are free again.
	if a := s.do("PUT", "/image", "last"); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}
