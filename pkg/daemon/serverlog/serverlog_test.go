package serverlog

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecordsHavePrioritiesInTheJournal(t *testing.T) {
	for _, json := range []bool{false, true} {
		t.Run(fmt.Sprint("json ", json), func(t *testing.T) {
			var b strings.Builder
			log := New(&b, json, true).With("a", 1)
			log.Debug("not shown")
			log.Info("one")
			log.WithGroup("g").Warn("two", "b", 2)
			log.Error("three")
			lines := strings.Split(b.String(), "\n")
			if len(lines) != 4 || !strings.HasPrefix(lines[0], "<6>") || !strings.HasPrefix(lines[1], "<4>") || !strings.HasPrefix(lines[2], "<3>") ||
				!strings.Contains(lines[2], "three") {
				t.Errorf("%q", lines)
			}
		})
	}
}

func TestRecordsHaveNoPrioritiesElsewhere(t *testing.T) {
	var b strings.Builder
	New(&b, true, false).Info("one")
	if !strings.HasPrefix(b.String(), "{") {
		t.Errorf("%q", &b)
	}
}
