package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for k, want := range map[Kind]struct {
		name       string
		http, exit int
		again      bool
	}{
		Usage:       {"usage", 400, 2, false},
		Format:      {"format", 415, 1, false},
		Unsupported: {"unsupported", 415, 1, false},
		TooLarge:    {"toolarge", 413, 1, false},
		Timeout:     {"timeout", 422, 1, false},
		Busy:        {"busy", 503, 75, true},
		Internal:    {"internal", 500, 1, false},
		Full:        {"full", 507, 75, true},
		Conflict:    {"conflict", 409, 1, false},
		Gone:        {"gone", 410, 1, false},
		Misdirected: {"misdirected", 421, 1, false},
	} {
		if k.String() != want.name || k.HTTP() != want.http || k.Exit() != want.exit || k.Again() != want.again {
			t.Errorf("%v: %d %d %v, want %+v", k, k.HTTP(), k.Exit(), k.Again(), want)
		}
	}
}

func TestEveryKindHasItsWordAndStatus(t *testing.T) {
	for k := Internal; k < numKinds; k++ {
		if got, ok := Parse(k.String()); !ok || got != k {
			t.Errorf("Parse(%q) = %v, %v", k, got, ok)
		}
		if got := FromHTTP(k.HTTP()); got.HTTP() != k.HTTP() || got.Exit() != k.Exit() {
			t.Errorf("FromHTTP(%d) = %v", k.HTTP(), got)
		}
	}
	if k, ok := Parse("gremlins"); ok || k != Internal {
		t.Errorf("Parse of an unknown word = %v, %v", k, ok)
	}
	if FromHTTP(418) != Usage || FromHTTP(599) != Internal {
		t.Errorf("statuses of no kind: %v, %v", FromHTTP(418), FromHTTP(599))
	}
}

func TestKindSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("gray a.png: %w", New(Format, "reading: %w", io.ErrUnexpectedEOF))
	if Of(err) != Format || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v: kind %v", err, Of(err))
	}
	if Of(As(Busy, err)) != Busy {
		t.Errorf("the outermost kind counts: %v", Of(As(Busy, err)))
	}
	if Of(io.EOF) != Internal || As(Busy, nil) != nil {
		t.Error("plain errors are internal, nil stays nil")
	}
}

func TestEachKindHasAdvice(t *testing.T) {
	for _, k := range Kinds() {
		if a := k.Advice(); a.Means == "" || !strings.HasSuffix(a.Do, ".") || strings.HasSuffix(a.Means, ".") {
			t.Errorf("%s: %+v", k, a)
		}
	}
}
