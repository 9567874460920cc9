package front

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
)

// picture is one picture of a request, not yet read.
type picture struct {
	body   io.Reader
	length int64  // -1: not known
	name   string // of its file, as the form has it
}

// source returns the pictures of a request one after the other. In a
// multipart/form-data body each part with a file name is one. Any other body is the
// picture itself, whatever its Content-Type. The operation is in the words of the
// query and in the form's fields. Fields stand before the first file. If that is the
// only one they may stand behind it, too, so that what is to be done with a picture
// (ops) is known only when the next file or the end of the form was read.
type source struct {
	words  []ops.Word
	parse  func([]ops.Word) (ops.Ops, error)
	body   io.Reader
	length int64 // of the raw body
	parts  int
	files  int
	late   string // the first field after a file; "": none

	form     *multipart.Reader // nil: a raw body
	boundary string
	tail     *tail // of the form
}

// source reads only the header of a request, so that a body can be refused before it
// is sent: for its words, if it is raw, and for its length, unless several pictures
// may come. parse reads the words.
func (s *Server) source(w http.ResponseWriter, r *http.Request, several bool, parse func([]ops.Word) (ops.Ops, error)) (*source, error) {
	words, err := ops.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fault.New(fault.Unsupported, "Content-Encoding %s: send the picture as it is", quote(coding))
	}
	read := func(words []ops.Word) (ops.Ops, error) {
		o, err := parse(words)
		return decided(w, r, o), err
	}
	src := &source{words: words, parse: read, length: r.ContentLength, body: s.patient(w, r)}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if strings.HasPrefix(kind, "multipart/") && kind != "multipart/form-data" {
		return nil, fault.New(fault.Unsupported, "Content-Type %s: multipart/form-data is the only kind of form that is read", quote(kind))
	}
	if kind != "multipart/form-data" { // also when there is none, or nonsense
		if _, err := parse(words); err != nil {
			return nil, err
		}
		if src.length > s.c.MaxBytes {
			return nil, s.tooLarge(src.length)
		}
		return src, nil
	}
	if !several && src.length > plus(s.c.MaxBytes, formRoom) {
		return nil, s.tooLarge(src.length)
	}
	if err != nil || params["boundary"] == "" {
		return nil, fault.New(fault.Usage, "multipart/form-data without a boundary: leave that header to the client, as curl -F does")
	}
	src.tail = &tail{r: src.body, most: len("--") + len(params["boundary"]) + maxPadding}
	src.boundary = params["boundary"]
	src.form = multipart.NewReader(src.tail, src.boundary)
	return src, nil
}

// next returns the next picture, or io.EOF.
func (src *source) next() (*picture, error) {
	if src.form == nil {
		if src.files++; src.files > 1 {
			return nil, io.EOF
		}
		return &picture{src.body, src.length, ""}, nil
	}
	for {
		part, err := src.form.NextPart()
		if err == io.EOF {
			switch {
			case src.tail.endsWith("--" + src.boundary):
				return nil, src.broken(err)
			case src.late != "" && src.files > 1:
				return nil, errBetween(src.late)
			case src.files == 0:
				return nil, fault.New(fault.Usage, "no picture in the form: no part with a file name (curl -F image=@FILE)")
			}
			return nil, io.EOF
		}
		if err != nil {
			return nil, src.broken(err)
		}
		if src.parts++; src.parts > maxParts {
			return nil, fault.New(fault.Usage, "more than %d parts in the form", maxParts)
		}
		_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if err != nil {
			return nil, fault.New(fault.Usage, "form: Content-Disposition of part %d: %w", src.parts, err)
		}
		name, isFile := params["filename"]
		if !isFile {
			if err := src.field(params["name"], part); err != nil {
				return nil, err
			}
			continue
		}
		var first [1]byte
		n, err := io.ReadFull(part, first[:])
		if err == io.EOF && name == "" { // a browser's input with no file chosen
			continue
		}
		if err != nil && err != io.EOF {
			return nil, formError(err)
		}
		if src.files++; src.late != "" {
			return nil, errBetween(src.late)
		}
		return &picture{io.MultiReader(strings.NewReader(string(first[:n])), part), -1, name}, nil
	}
}

// maxPadding bounds the white space behind a boundary that is looked at (RFC 2046 5.1.1).
const maxPadding = 64

// tail passes bytes on and keeps the last of them. Package multipart takes a form that
// ends with a line of its boundary for a whole one: it finds no header of a next part.
type tail struct {
	r    io.Reader
	most int // bytes kept
	last []byte
}

func (t *tail) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	t.last = append(t.last, b[max(0, n-t.most):n]...)
	t.last = t.last[max(0, len(t.last)-t.most):]
	return n, err
}

// endsWith reports whether the bytes so far end with s and white space.
func (t *tail) endsWith(s string) bool {
	return bytes.HasSuffix(bytes.TrimRight(t.last, " \t\r\n"), []byte(s))
}

// end returns nil when there is no further picture.
func (src *source) end() error {
	switch _, err := src.next(); err {
	case io.EOF:
		return nil
	case nil:
		return fault.New(fault.Usage, "more than one picture; POST /jobs takes several")
	default:
		return err
	}
}

// field reads a form field. An empty field counts as not given.
func (src *source) field(name string, part io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return formError(err)
	}
	if len(b) == 0 {
		return nil
	}
	if len(b) > maxField {
		return fault.New(fault.Usage, "form field %s of over %d bytes; a picture's part needs a file name", quote(name), maxField)
	}
	if src.files > 0 && src.late == "" {
		src.late = name
	}
	src.words = append(src.words, ops.Word{Key: name, Value: string(b)})
	return nil
}

// errBetween is the error for a field that is neither before all files nor behind the
// only one: it can't be told which files it is for.
func errBetween(field string) error {
	return fault.New(fault.Usage, "form field %s after a file, and there are several: fields go before the first file", quote(field))
}

// ops returns what is to be done with a picture.
func (src *source) ops(p *picture) (ops.Ops, error) {
	o, err := src.parse(src.words)
	if err != nil {
		return nil, err
	}
	name := p.name
	if given := o.Get("name"); given != "" {
		name = given
	}
	return o.With("name", filename.Clean(name)), nil
}

// broken says in words what is wrong with a form that has no next part.
func (src *source) broken(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if src.parts == 0 {
		return fault.New(fault.Usage, "form: no part begins with the boundary that Content-Type names: leave that header to the client, as curl -F does")
	}
	return fault.New(fault.Usage, "form: it ends after part %d without its last boundary", src.parts)
}

// formError gives an error in the form itself the kind Usage. An error from reading the
// body has a kind already.
func formError(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.New(fault.Usage, "form: %w", err)
}

// receive reads a picture into the spool. The caller closes the upload.
func (s *Server) receive(p *picture, job bool) (*spool.Upload, error) {
	u, err := s.c.Spool.Upload(p.length, job)
	if err != nil {
		return nil, err
	}
	if _, err := s.copyPicture(u, p); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

// copyPicture copies the bytes of a picture to w: at least one and at most
// -maxbytes.
func (s *Server) copyPicture(w io.Writer, p *picture) (n int64, err error) {
	buf, free := buffer(p.length)
	n, err = copyFull(w, io.LimitReader(p.body, plus(s.c.MaxBytes, 1)), buf)
	free()
	s.metrics.received.Add(n)
	switch {
	case err != nil:
		return n, formError(err)
	case n > s.c.MaxBytes:
		return n, fault.New(fault.TooLarge, "more than %d bytes (-maxbytes)", s.c.MaxBytes)
	case n == 0:
		return 0, fault.New(fault.Format, "no picture: 0 bytes")
	}
	return n, nil
}

func (s *Server) tooLarge(n int64) error {
	return fault.New(fault.TooLarge, "%d bytes > %d bytes (-maxbytes)", n, s.c.MaxBytes)
}

// patientReader reads a body while its client goes on sending.
type patientReader struct {
	body  io.Reader
	rc    *http.ResponseController
	info  *info
	idle  time.Duration
	start time.Time
	n     int64
}

func (s *Server) patient(w http.ResponseWriter, r *http.Request) *patientReader {
	return &patientReader{body: r.Body, rc: http.NewResponseController(w), info: infoOf(r), idle: s.c.Idle, start: time.Now()}
}

func (p *patientReader) Read(b []byte) (int, error) {
	p.info.read = true
	deadline := time.Now().Add(p.idle)
	// A client that sends steadily but slowly: twice the idle time, then minRate.
	if last := p.start.Add(2*p.idle + time.Duration(p.n/minRate)*time.Second); deadline.After(last) {
		deadline = last
	}
	p.rc.SetReadDeadline(deadline)
	n, err := p.body.Read(b)
	p.n += int64(n)
	if err != nil {
		// net/http goes on reading, to notice when the client leaves.
		p.rc.SetReadDeadline(time.Time{})
	}
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, fault.New(fault.RequestTimeout, "upload too slow: %d bytes in %v", p.n, time.Since(p.start).Round(time.Second))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fault.New(fault.Usage, "body ended after %d bytes, before its end", p.n)
	}
	return n, fault.New(fault.Usage, "body: %w", err)
}
