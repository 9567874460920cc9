package tests

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The fault tests break things on purpose. In "make test" they do it a few times;
// FAULTS=all, as "make faults" has it, does every one of them and holds them to
// the figures that the README names. At the end the tests print a table of what
// was broken, and what that cost.
var allFaults = os.Getenv("FAULTS") == "all"

// few returns n in "make test" and all in "make faults".
func few(n, all int) int {
	if allFaults {
		return all
	}
	return n
}

// faultRow is one line of the table. Counts below 0 are not measured there.
type faultRow struct {
	fault      string
	times      int
	served     int
	lostDaemon int           // requests put to the daemon itself, without imgd
	lostImgd   int           // requests and jobs put to imgd
	recovery   time.Duration // the longest until all was as before; 0: not measured
}

var faultTable struct {
	sync.Mutex
	rows []faultRow
}

// reportFault adds a line to the table. What is lost through imgd fails the test.
func reportFault(t testing.TB, r faultRow) {
	t.Helper()
	if r.lostImgd > 0 {
		t.Errorf("%s: %d lost through imgd", r.fault, r.lostImgd)
	}
	faultTable.Lock()
	defer faultTable.Unlock()
	faultTable.rows = append(faultTable.rows, r)
}

// printFaults writes the table, if there is any.
func printFaults(w io.Writer) {
	faultTable.Lock()
	defer faultTable.Unlock()
	if len(faultTable.rows) == 0 {
		return
	}
	number := func(n int) string {
		if n < 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	const form = "%-52s %6s %7s %15s %13s %9s\n"
	fmt.Fprintf(w, form, "fault", "times", "served", "lost at daemon", "through imgd", "recovery")
	fmt.Fprintln(w, strings.Repeat("-", 107))
	for _, r := range faultTable.rows {
		recovery := "-"
		if r.recovery > 0 {
			recovery = r.recovery.Round(time.Millisecond).String()
		}
		fmt.Fprintf(w, form, r.fault, number(r.times), number(r.served), number(r.lostDaemon), number(r.lostImgd), recovery)
	}
}
