package cli

import (
	"fmt"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestReportStatusIsThatOfTheWorstFailure(t *testing.T) {
	busy, bad := fault.New(fault.Busy, "busy"), fault.New(fault.Format, "bad")
	for _, tt := range []struct {
		name string
		errs []error
		want error
	}{
		{"no failure", nil, nil},
		{"busy", []error{busy, busy}, Status(75)},
		{"bad", []error{bad}, Status(1)},
		{"busy then bad", []error{busy, bad}, Status(1)},
		{"bad then busy", []error{bad, busy}, Status(1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := Report{Command: "cmd", Stderr: &out}
			want := ""
			for _, err := range tt.errs {
				r.Fail(fmt.Errorf("a\n: %w", err))
				want += "cmd: a : " + err.Error() + "\n"
			}
			if got := r.Status(); got != tt.want || r.Failed() != len(tt.errs) {
				t.Errorf("status %v after %d failures, want %v", got, r.Failed(), tt.want)
			}
			if out.String() != want {
				t.Errorf("wrote %q, want %q", out.String(), want)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	given := []struct{ name, notes string }{
		{"a", "no end marker"},
		{"b", ""},
		{"c", "no end marker; 3 bytes missing"},
		{"d", "31 bytes missing"},
		{"e", "frame 1 of 12"},
	}
	for _, tt := range []struct {
		name  string
		quiet bool
		want  string
	}{
		{"a line for each picture", false,
			"cmd: a: no end marker\ncmd: c: no end marker; 3 bytes missing\ncmd: d: 31 bytes missing\ncmd: e: frame 1 of 12\n"},
		{"with -quiet a line for each kind", true,
			"cmd: note: no end marker (2 pictures)\ncmd: note: N bytes missing (2 pictures)\ncmd: note: frame 1 of 12 (1 picture)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := Report{Command: "cmd", Stderr: &out, Quiet: tt.quiet}
			for _, g := range given {
				r.Note(g.name, g.notes)
			}
			r.Notes()
			r.Notes() // each kind is written once
			if out.String() != tt.want {
				t.Errorf("got:\n%swant:\n%s", out.String(), tt.want)
			}
		})
	}
}
