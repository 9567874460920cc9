package spool

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// results returns the text of each result of a job.
func results(t *testing.T, s *Spool, id string) (all []string) {
	t.Helper()
	st, err := s.Status(id)
	if err != nil || st.State != Done {
		t.Fatalf("%+v, %v", st, err)
	}
	for n := range st.Result.Outputs() {
		f, err := s.Result(st, n+1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}

// In the model test half of the jobs have a second size.
func hasTwo(id string) bool { return id[0] < 'n' }

func smallOf(picture string) string { return "small " + picture }

func opsOf(id string) ops.Ops {
	if hasTwo(id) {
		return sized
	}
	return gray
}

func TestJobWithSeveralSizes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	id := submit(t, s, "", "picture", sized)
	finish(t, s, s.Next(), "large", "small")
	names, err := readNames(s.job(id))
	if slices.Sort(names); err != nil || !slices.Equal(names, []string{"end", "job", "lock", "out", "out2", "result"}) {
		t.Errorf("files %q, %v", names, err)
	}
	for _, spool := range []*Spool{s, open(t, Config{Dir: dir})} { // as it is, and after a start
		if got := results(t, spool, id); !slices.Equal(got, []string{"large", "small"}) {
			t.Errorf("%q", got)
		}
		if u := spool.Usage(); u.Bytes != 10+overhead {
			t.Errorf("counts with %d bytes, not with those of both results", u.Bytes)
		}
	}
	st, err := s.Status(id)
	if err != nil {
		t.Fatal(err)
	}
	first, second := st.Result.Outputs()[0], st.Result.Outputs()[1]
	if len(first.SHA256) != 64 || len(second.SHA256) != 64 || first.SHA256 == second.SHA256 || second.Width != 2 {
		t.Errorf("%+v", st.Result)
	}
	if err := s.Remove(id); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/*/*/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// A job is delivered when each of its results was, whole.
func TestSeveralSizesAreDeliveredTogether(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "picture", sized)
	finish(t, s, s.Next(), "large", "small")
	delivered := func() bool { return exists(s.job(id, "delivered")) }
	for _, part := range []struct {
		n        int
		from, to int64
		done     bool
	}{{1, 0, 5, false}, {1, 0, 5, false}, {2, 3, 5, false}, {2, 0, 3, false}, {2, 3, 5, true}} {
		if s.Sent(id, part.n, part.from, part.to); delivered() != part.done {
			t.Errorf("after %+v: delivered %v", part, delivered())
		}
	}
}

// Without one of its results a job is worked on again while its picture is there, and
// has failed otherwise.
func TestOneOfSeveralResultsIsLost(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"gone": os.Remove,
		"cut":  func(path string) error { return os.Truncate(path, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, Config{Dir: dir})
			id := submit(t, s, "", "picture", sized)
			finish(t, s, s.Next(), "large", "small")
			if err := damage(s.job(id, "out2")); err != nil {
				t.Fatal(err)
			}
			st, err := open(t, Config{Dir: dir}).Status(id)
			if err != nil || st.State != Failed || st.Failure.Kind != fault.Internal || !strings.Contains(st.Failure.Detail, "out2: ") {
				t.Errorf("%+v, %v", st, err)
			}
			if err := os.WriteFile(s.job(id, "in"), []byte("picture"), 0o600); err != nil { // as after a power cut
				t.Fatal(err)
			}
			again := open(t, Config{Dir: dir})
			finish(t, again, again.Next(), "large", "small")
			if got := results(t, again, id); !slices.Equal(got, []string{"large", "small"}) {
				t.Errorf("%q", got)
			}
		})
	}
}

// What a dead holder has written of several results is removed by the next one.
func TestLeftoversOfSeveralResults(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	id := submit(t, s, "", "picture", sized)
	j := s.Next()
	r := Result{Output: Output{Type: "image/png", Size: 5}, Finished: time.Now(), More: []Output{{Type: "image/png", Size: 5}}}
	if _, err := j.writeResult([]*Temp{filled(t, s, "large"), filled(t, s, "small")}, &r, "tag"); err != nil {
		t.Fatal(err)
	}
	j.held.Close()
	other := open(t, Config{Dir: dir})
	finish(t, other, other.Next(), "large", "small")
	names, _ := readNames(s.job(id))
	if slices.Sort(names); !slices.Equal(names, []string{"end", "job", "lock", "out", "out2", "result"}) {
		t.Errorf("files %q", names)
	}
}

// The files must be as many as the record says.
func TestResultsWithoutAFile(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "picture", sized)
	j := s.Next()
	if err := j.Done(filled(t, s, "large"), Result{Output: Output{Type: "image/png", Size: 5}, More: []Output{{Type: "image/png", Size: 5}}}); err == nil {
		t.Error("one file for two results")
	}
	if st, err := s.Status(id); err != nil || st.State == Done {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestRecordOfSeveralSizes(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 4, 5, 6, time.UTC)
	r := Result{Output: Output{Type: "image/gif", Size: 1, Width: 2, Height: 3}, Finished: at, More: []Output{
		{Type: "image/png", Size: 4, SHA256: strings.Repeat("0b", 32), Width: 1, Height: 1}, {Type: "image/gif", Size: 5, Width: 2, Height: 1},
	}}
	if got, err := parseResult(r.marshal()); err != nil || !reflect.DeepEqual(got, r) || r.Bytes() != 10 {
		t.Errorf("%+v %v", got, err)
	}
	for range maxOutputs {
		r.More = append(r.More, r.More[0])
	}
	if _, err := parseResult(r.marshal()); err == nil {
		t.Errorf("%d results were read", len(r.More)+1)
	}
}
