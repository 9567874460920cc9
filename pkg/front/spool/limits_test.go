package spool

import (
	"os"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
)

// The quota holds to the byte.
func TestQuotaToTheByte(t *testing.T) {
	const first, second = 5000, 7000
	s := open(t, Config{Dir: t.TempDir(), Quota: first + second + 2*overhead})
	u, err := s.Upload(first, false)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	_, err = s.Upload(second+1, false)
	kind(t, "a byte more than fits", err, fault.Full)
	v, err := s.Upload(second, false)
	if err != nil {
		t.Fatalf("what fits exactly: %v", err)
	}
	v.Close()
}

// The time to live counts from the end of a job, not from when it was handed in.
func TestTimeToLiveCountsFromTheEnd(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), TTL: time.Hour, Now: c.now})
	id := submit(t, s, "", "x", gray)
	c.add(50 * time.Minute) // in the queue
	finish(t, s, s.Next(), "out")
	c.add(50 * time.Minute)
	s.Rescan()
	if st, err := s.Status(id); err != nil || st.State != Done {
		t.Fatalf("50 minutes after its end: %+v, %v", st, err)
	}
	c.add(11 * time.Minute)
	s.Rescan()
	_, err := s.Status(id)
	kind(t, "61 minutes after its end", err, fault.Gone)
}

// A job whose picture is shorter than what was handed in is not worked on.
func TestShortPictureFails(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "picture", gray)
	if err := os.Truncate(s.job(id, "in"), 3); err != nil {
		t.Fatal(err)
	}
	if j := s.Next(); j != nil {
		t.Errorf("it is worked on: %+v", j)
	}
	st, err := s.Status(id)
	if err != nil || st.State != Failed || st.Failure.Kind != fault.Internal || !strings.Contains(st.Failure.Detail, "3 of 7 bytes") {
		t.Errorf("%+v, %v", st, err)
	}
}
