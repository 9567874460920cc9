package jobid

import (
	"strings"
	"testing"
)

func TestNewIDsAreValidAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := New()
		if !Valid(id) || seen[id] {
			t.Fatalf("id %q: valid %v, seen before %v", id, Valid(id), seen[id])
		}
		seen[id] = true
	}
}

func TestInvalidIDs(t *testing.T) {
	id := New()
	for name, bad := range map[string]string{
		"empty": "", "short": id[1:], "long": id + "a", "capital": "A" + id[1:],
		"digit outside base32": "1" + id[1:], "slash": "/" + id[1:],
	} {
		t.Run(name, func(t *testing.T) {
			if Valid(bad) {
				t.Errorf("%q is valid", bad)
			}
		})
	}
}

func TestRedactCutsFullIDsOnly(t *testing.T) {
	id := New()
	for name, c := range map[string]struct{ in, want string }{
		"id":            {id, Short(id) + "…"},
		"unclean path":  {"//jobs/" + id, "//jobs/" + Short(id) + "…"},
		"twice":         {id + "/" + id, Short(id) + "…/" + Short(id) + "…"},
		"longer":        {id + "aa", Short(id) + "…"},
		"one too short": {id[1:], id[1:]},
		"no id":         {"/jobs/IMG_1.jpg", "/jobs/IMG_1.jpg"},
		"not ASCII":     {"/fotos/año/" + id, "/fotos/año/" + Short(id) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Redact(c.in); got != c.want {
				t.Errorf("Redact(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
	if s := Redact(strings.Repeat("a", 5000)); len(s) > 20 {
		t.Errorf("%d letters stay %d", 5000, len(s))
	}
}
