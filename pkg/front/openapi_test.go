package front

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

// openAPIDoc is what tests read of the document.
type openAPIDoc struct {
	OpenAPI    string
	Security   []map[string][]string
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Parameters map[string]struct {
			Name   string
			Schema struct {
				Type     string
				Enum     []string
				Examples []string
			}
		}
		Schemas map[string]struct {
			Required   []string
			Properties map[string]struct{ Enum []string }
		}
	}
}

type openAPIOperation struct {
	OperationID string
	Parameters  []map[string]string
	Security    *[]map[string][]string
	RequestBody *struct{ Content map[string]any }
	Responses   map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]any
	}
}

func readOpenAPI(t *testing.T, s *site) (d openAPIDoc) {
	t.Helper()
	a := s.do("GET", "/openapi.json", "")
	if a.status != 200 || a.header.Get("Content-Type") != typeJSON {
		t.Fatalf("%d, %v", a.status, a.header)
	}
	fromJSON(t, a.body, &d)
	return d
}

// Each method of each route is in the document, and each operation of the document is
// answered by the route with its path.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	s := start(t, nil)
	d := readOpenAPI(t, s)
	concrete := strings.NewReplacer("{id}", jobid.New(), "{n}", "2", "{name}", "page.css", "{path}", "a/b.jpg")
	found, ids := map[string]bool{}, map[string]bool{}
	for path, item := range d.Paths {
		rt, _ := find(concrete.Replace(path))
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			if _, ok := rt.method(strings.ToUpper(method)); !ok {
				t.Errorf("%s %s is in the document alone", method, path)
			}
			found[strings.ToUpper(method)+" "+rt.path] = true
			var op openAPIOperation
			fromJSON(t, string(raw), &op)
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is empty or taken", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if (op.Security != nil) != (rt.open || rt.free) {
				t.Errorf("%s %s: security %v", method, path, op.Security)
			}
			if len(op.Responses) < 3 {
				t.Errorf("%s %s: answers %v", method, path, op.Responses)
			}
		}
	}
	for _, rt := range routes {
		for _, m := range rt.methods {
			if !found[m.name+" "+rt.path] {
				t.Errorf("%s %s is not in the document", m.name, rt.path)
			}
		}
	}
}

// All that the document lists comes from the tables, and the values it names are
// accepted.
func TestOpenAPIDerives(t *testing.T) {
	defer format.Set(append(slices.Clone(format.All()), format.Format{Name: "fake", Title: "Fake", Exts: []string{"fak"}, Media: "image/x-fake", Read: true, Write: true}))()
	defer ops.Set(append(slices.Clone(ops.All()), ops.Option{Key: "blur", Help: "blur it", Of: "scale"}))()
	s := start(t, nil)
	d := readOpenAPI(t, s)
	for _, opt := range ops.All() {
		p, ok := d.Components.Parameters[opt.Key]
		if ok == opt.Internal || ok && p.Name != opt.Key {
			t.Errorf("word %s: %+v", opt.Key, p)
		}
		for _, v := range append(p.Schema.Enum, p.Schema.Examples...) {
			if _, err := opt.Canonical(v); err != nil {
				t.Errorf("%s=%s is in the document: %v", opt.Key, v, err)
			}
		}
	}
	if !slices.Contains(d.Components.Parameters["format"].Schema.Enum, "fake") {
		t.Errorf("format: %v", d.Components.Parameters["format"])
	}
	var image openAPIOperation
	fromJSON(t, string(d.Paths["/image"]["post"]), &image)
	if image.Responses["200"].Content["image/x-fake"] == nil || image.RequestBody.Content["multipart/form-data"] == nil ||
		!slices.ContainsFunc(image.Parameters, func(p map[string]string) bool { return strings.HasSuffix(p["$ref"], "/blur") }) {
		t.Errorf("POST /image: %+v", image)
	}
	var kinds []string
	for _, k := range fault.Kinds() {
		kinds = append(kinds, k.String())
	}
	for _, schema := range []string{"Problem", "ViewError"} {
		if got := d.Components.Schemas[schema].Properties["kind"].Enum; !slices.Equal(got, kinds) {
			t.Errorf("%s: kinds %v", schema, got)
		}
	}
}

// What is answered has the members that the document says, and no others.
func TestOpenAPIDescribesAnswers(t *testing.T) {
	s := start(t, nil)
	d := readOpenAPI(t, s)
	id := s.job("A")
	s.do("GET", "/jobs/"+id+"?wait", "")
	bad := s.job("bad")
	s.do("GET", "/jobs/"+bad+"?wait", "")
	for _, c := range []struct{ schema, method, path, body string }{
		{"JobView", "GET", "/jobs/" + id, ""},
		{"JobView", "GET", "/jobs/" + bad, ""},
		{"JobList", "GET", "/jobs?j=" + id, ""},
		{"JobRefs", "POST", "/jobs?gray", "A"},
		{"Info", "PUT", "/info", "A"},
		{"Problem", "PUT", "/image?scale=0", "A"},
	} {
		t.Run(c.schema+" "+c.method+c.path[:5], func(t *testing.T) {
			a := s.do(c.method, c.path, c.body, "Accept: application/json")
			var got map[string]any
			fromJSON(t, a.body, &got)
			schema := d.Components.Schemas[c.schema]
			for _, key := range schema.Required {
				if _, ok := got[key]; !ok {
					t.Errorf("%s is required and absent in %s", key, a.body)
				}
			}
			for key := range got {
				if _, ok := schema.Properties[key]; !ok {
					t.Errorf("%s is not in the document, which has %v", key, slices.Sorted(maps.Keys(schema.Properties)))
				}
			}
		})
	}
}

// Without -token the document says that a request needs no token; with it, that it does.
func TestOpenAPISecurityFollowsTokens(t *testing.T) {
	s := start(t, nil)
	free := func(d openAPIDoc) bool {
		return slices.ContainsFunc(d.Security, func(m map[string][]string) bool { return len(m) == 0 })
	}
	if d := readOpenAPI(t, s); !free(d) {
		t.Errorf("without tokens: %v", d.Security)
	}
	s.SetTokens([]string{"secret"})
	if a := s.do("GET", "/openapi.json", ""); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
	var d openAPIDoc
	fromJSON(t, s.do("GET", "/openapi.json", "", "Authorization: Bearer secret").body, &d)
	if free(d) {
		t.Errorf("with tokens: %v", d.Security)
	}
}

// GET / as text names each path of the table that is for people.
func TestTableOfRequests(t *testing.T) {
	s := start(t, nil)
	text := s.do("GET", "/", "").body
	for _, rt := range routes {
		for _, m := range rt.methods {
			want := regexp.MustCompile(`(?m)^` + m.name + ` +` + regexp.QuoteMeta(rt.path) + `[ ?]`)
			if got := want.MatchString(text); got != m.doc.brief {
				t.Errorf("%s %s is in it: %v", m.name, rt.path, got)
			}
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 100 {
			t.Errorf("%d characters: %s", len(line), line)
		}
	}
}
