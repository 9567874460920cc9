package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/jobid"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
	"imgtools/pkg/urlsign"
)

// object is an object of JSON.
type object = map[string]any

// showOpenAPI is GET /openapi.json: the routes as a document of OpenAPI 3.1
// (spec.openapis.org/oas/v3.1.0). All of it derives from tables: routes here, the words of
// package ops, the formats of package format and the kinds of package fault. The schemas
// of JSON derive from the Go types that are written.
func (s *Server) showOpenAPI(w http.ResponseWriter, r *http.Request, _ string) {
	b, err := json.MarshalIndent(s.openAPI(), "", " ")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(http.StatusOK)
	w.Write(append(b, '\n'))
}

func (s *Server) openAPI() object {
	schemas := schemas{}
	paths := object{}
	for _, rt := range routes {
		path, parameters := rt.template()
		item := object{}
		if len(parameters) > 0 {
			item["parameters"] = parameters
		}
		for _, m := range rt.methods {
			item[strings.ToLower(m.name)] = m.openAPI(schemas, rt)
		}
		paths[path] = item
	}
	errors := object{typeProblem: object{"schema": schemas.of(problem{})}, typeText: object{"schema": object{"type": "string"}}}
	parameters := object{}
	for _, opt := range publicWords() {
		parameters[opt.Key] = object{"name": opt.Key, "in": "query", "description": describeWord(opt), "schema": wordSchema(opt)}
	}
	for key, p := range queryWords {
		if parameters[key] == nil {
			parameters[key] = p
		}
	}
	headers := object{}
	for name, h := range replyHeaders {
		headers[name] = h
	}
	version := s.c.Version
	if version == "" {
		version = "unknown"
	}
	security := []object{{"bearer": []string{}}, {"basic": []string{}}}
	if tokens := s.tokens.Load(); tokens == nil || len(*tokens) == 0 {
		security = append(security, object{}) // none is needed
	}
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "imgtools", "version": version,
			"description": "imgtools resizes, crops, converts and grays pictures. These paths are stable: members, words and kinds of error may be added; none changes its meaning."},
		"servers":  []object{{"url": "/"}},
		"security": security,
		"paths":    paths,
		"components": object{
			"parameters": parameters, "headers": headers, "schemas": schemas,
			"responses": object{"Error": object{"description": "an error: one line of text, or RFC 9457 if Accept names JSON", "content": errors,
				"headers": object{"Retry-After": headerRef("Retry-After")}}},
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "a token of -token"},
				"basic":  object{"type": "http", "scheme": "basic", "description": "the token as password, with any user name"},
			},
		},
	}
}

// template returns the path of a route as OpenAPI writes it, and its parameters.
func (rt route) template() (path string, parameters []object) {
	parts := strings.Split(rt.path, "/")
	for i, part := range parts {
		p, ok := pathWords[part]
		if !ok {
			continue
		}
		name := strings.ToLower(part)
		parts[i] = "{" + name + "}"
		parameters = append(parameters, object{"name": name, "in": "path", "required": true, "description": p.about, "schema": p.schema})
	}
	return strings.Join(parts, "/"), parameters
}

// pathWords are the variable parts of paths.
var pathWords = map[string]struct {
	about  string
	schema object
}{
	"ID":   {"id of a job", object{"type": "string", "pattern": "^[a-z2-7]{" + strconv.Itoa(jobid.Len) + "}$"}},
	"N":    {"number of a result of a list of sizes, from 1", object{"type": "integer", "minimum": 1, "maximum": geometry.MaxSizes}},
	"NAME": {"file name", object{"type": "string"}},
	"PATH": {"path below the folder; a slash in it may be written as %2F", object{"type": "string"}},
}

// queryWords are the words of a query besides those of package ops.
var queryWords = map[string]object{
	"preset":        {"name": "preset", "in": "query", "description": "operations by their name in the file of -preset, instead of others", "schema": object{"type": "string"}},
	"wait":          {"name": "wait", "in": "query", "description": fmt.Sprintf("seconds to wait for the job to end, at most %v", limits.Wait.Seconds()), "schema": object{"type": "number", "minimum": 0}},
	urlsign.ExpWord: {"name": urlsign.ExpWord, "in": "query", "description": "until when the signature is valid, in seconds since 1970", "schema": object{"type": "integer"}},
	urlsign.SigWord: {"name": urlsign.SigWord, "in": "query", "description": "signature, as imgsign makes it", "schema": object{"type": "string"}},
	"j": {"name": "j", "in": "query", "description": "id of a job; may be repeated", "style": "form", "explode": true,
		"schema": object{"type": "array", "maxItems": maxListed, "items": pathWords["ID"].schema}},
}

// replyHeaders are the headers of answers.
var replyHeaders = map[string]object{
	"Image-Width":         {"description": "pixels", "schema": object{"type": "integer"}},
	"Image-Height":        {"description": "pixels", "schema": object{"type": "integer"}},
	"Image-Note":          {"description": "what is odd about the picture", "schema": object{"type": "string"}},
	"Content-Disposition": {"description": "the file name of the result, if it has one", "schema": object{"type": "string"}},
	"Server-Timing":       {"description": "milliseconds of waiting and of each operation", "schema": object{"type": "string"}},
	"ETag":                {"description": "validator of the bytes", "schema": object{"type": "string"}},
	"Last-Modified":       {"description": "when the result was made, or its picture was changed", "schema": object{"type": "string"}},
	"Cache-Control":       {"description": "how long caches may keep it", "schema": object{"type": "string"}},
	"Location":            {"description": "the job, or the next page", "schema": object{"type": "string"}},
	"Retry-After":         {"description": "seconds after which to ask again", "schema": object{"type": "integer"}},
}

func headerRef(name string) object { return object{"$ref": "#/components/headers/" + name} }

// openAPI is the Operation Object of a method.
func (m method) openAPI(schemas schemas, rt route) object {
	op := object{"operationId": m.doc.id, "summary": m.doc.about}
	var parameters []object
	add := func(key string) { parameters = append(parameters, object{"$ref": "#/components/parameters/" + key}) }
	if m.doc.ops {
		for _, opt := range publicWords() {
			add(opt.Key)
		}
		add("preset")
	}
	for _, key := range m.doc.query {
		add(key)
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if m.doc.takes != noBody {
		op["requestBody"] = object{"required": true, "content": m.doc.content()}
	}
	if rt.open || rt.free {
		op["security"] = []object{}
	}
	replies := object{"4XX": object{"$ref": "#/components/responses/Error"}, "5XX": object{"$ref": "#/components/responses/Error"}}
	for _, a := range m.doc.answers {
		replies[strconv.Itoa(a.status)] = a.openAPI(schemas, m.name == "HEAD")
	}
	op["responses"] = replies
	return op
}

// openAPI is the Response Object of an answer; head leaves out its body.
func (a reply) openAPI(schemas schemas, head bool) object {
	res := object{"description": a.about}
	content := object{}
	for _, media := range a.media {
		switch {
		case media == "image":
			for _, f := range format.All() {
				if f.Write {
					content[f.Media] = object{"schema": binary}
				}
			}
		case media == typeJSON && a.data != nil:
			content[media] = object{"schema": schemas.of(a.data)}
		case media == typeJSON:
			content[media] = object{"schema": object{"type": "object"}}
		default:
			content[media] = object{"schema": object{"type": "string"}}
		}
	}
	if len(content) > 0 && !head {
		res["content"] = content
	}
	headers := object{}
	for _, name := range a.header {
		headers[name] = headerRef(name)
	}
	if len(headers) > 0 {
		res["headers"] = headers
	}
	return res
}

// binary is the schema of bytes. 3.1 needs no format for them; generators know it by this
// one.
var binary = object{"type": "string", "format": "binary"}

// content is the body that a method takes.
func (d doc) content() object {
	switch d.takes {
	case barePicture:
		return object{"application/octet-stream": object{"schema": binary}}
	case formPictures:
		return formBody(object{"type": "array", "items": binary, "maxItems": maxParts})
	}
	return formBody(binary)
}

func formBody(image object) object {
	return object{"multipart/form-data": object{"schema": object{
		"type": "object", "required": []string{"image"}, "properties": object{"image": image},
		"description": "The words of the query may be fields of the form instead, before the picture. Each part with a file name is a picture.",
	}}}
}

// publicWords are the words that a request may have.
func publicWords() (list []ops.Option) {
	for _, opt := range ops.All() {
		if !opt.Internal {
			list = append(list, opt)
		}
	}
	return list
}

// describeWord says what a word means, what it belongs to, and what holds without it.
func describeWord(opt ops.Option) string {
	text := opt.Help
	if opt.Of != "" && !opt.Alone {
		text += "; with " + opt.Of + " only"
	}
	if usual := opt.Usual(); usual != "" && opt.Daemon == "" {
		text += " (default: " + usual + ")"
	}
	return text
}

// wordSchema is the Schema Object of a word's values.
func wordSchema(opt ops.Option) object {
	switch {
	case opt.Number:
		return object{"type": "integer", "minimum": 1}
	case opt.Switch() && opt.Values != nil:
		return object{"type": "string", "enum": append([]string{"1", "0"}, opt.Values()...)}
	case opt.Switch():
		return object{"type": "string", "enum": []string{"1", "0"}}
	case opt.Values == nil:
		return object{"type": "string"}
	case opt.Open:
		return object{"type": "string", "examples": opt.Values()}
	}
	return object{"type": "string", "enum": opt.Values()}
}

// enums are the values that members with the tag schema:"NAME" have.
var enums = map[string]func() []string{
	"kind": func() (words []string) {
		for _, k := range fault.Kinds() {
			words = append(words, k.String())
		}
		return words
	},
	"state": func() []string { return states },
}
