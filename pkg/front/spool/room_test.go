package spool

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

func TestExpiredJobsGo(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), TTL: time.Hour, Now: c.now})
	done, failed, waiting := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray), submit(t, s, "", "3", gray)
	finish(t, s, s.Next(), "out")
	s.Next().Fail(fault.New(fault.Format, "no"))
	c.add(59 * time.Minute)
	s.Rescan()
	if st, err := s.Status(done); err != nil || st.State != Done {
		t.Fatalf("gone early: %v", err)
	}
	c.add(2 * time.Minute)
	s.Rescan()
	for _, id := range []string{done, failed} {
		_, err := s.Status(id)
		kind(t, "expired", err, fault.Gone)
	}
	if _, err := s.Status(waiting); err != nil {
		t.Errorf("a pending job expired: %v", err)
	}
}

// quotaFor returns the least quota of which jobs may fill n bytes.
func quotaFor(n int64) int64 {
	q := n
	for q-q/imagesShare < n {
		q++
	}
	return q
}

// Jobs leave a twentieth of the file system free, what is promised to uploads
// included. A picture of /image needs room for itself and its result.
func TestFloorOfTheFileSystem(t *testing.T) {
	const block, blocks = 1 << 20, 1000
	for name, c := range map[string]struct {
		free   uint64 // blocks
		inodes uint64 // free, of 1000
		first  int64  // bytes of an upload that fits, or 0
		image  int64  // bytes of a picture of /image that fits, beside the first; a block more doesn't
	}{
		"room for one of two": {60, 1000, 6 << 20, 26 << 20},
		"under the floor":     {49, 1000, 0, 24 << 20},
		"few inodes":          {900, 0, 0, 449 << 20},
		"one block":           {1, 1000, 0, 0},
		"no block":            {0, 1000, 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{Dir: t.TempDir(), Quota: 1 << 40})
			s.statfs = func(_ string, st *unix.Statfs_t) error {
				*st = unix.Statfs_t{Bsize: block, Blocks: blocks, Bavail: c.free, Files: 1000, Ffree: c.inodes}
				return nil
			}
			if c.first > 0 {
				if err := s.Full(); err != nil {
					t.Errorf("full: %v", err)
				}
				u, err := s.Upload(c.first, true)
				if err != nil {
					t.Fatal(err)
				}
				defer u.Close()
			} else {
				kind(t, "the spool", s.Full(), fault.Full)
			}
			_, err := s.Upload(6<<20, true)
			kind(t, "the upload", err, fault.Full)
			if c.image >= 0 {
				u, err := s.Upload(c.image, false)
				if err != nil {
					t.Fatalf("a picture of /image: %v", err)
				}
				u.Close()
			}
			_, err = s.Upload(c.image+block, false)
			kind(t, "a picture of /image that is too large for the disk", err, fault.Full)
			held := int64(0)
			if c.first > 0 {
				held = c.first + overhead
			}
			if u := s.Usage(); u.Reserved != held || s.images != 0 {
				t.Errorf("%d bytes are reserved, %d of them for /image", u.Reserved, s.images)
			}
		})
	}
}

// Results that have outgrown the quota leave a tenth of it to /image, too.
func TestResultsLeaveRoomForImages(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), Quota: 1 << 20})
	submit(t, s, "", "1", gray)
	finish(t, s, s.Next(), strings.Repeat("x", 2<<20))
	kind(t, "the spool", s.Full(), fault.Full)
	u, err := s.Upload(80<<10, false)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	_, err = s.Upload(80<<10, false)
	kind(t, "a second picture", err, fault.Full)
}

// Waiting jobs leave a tenth of the quota to /image.
func TestJobsLeaveRoomForImages(t *testing.T) {
	const body = 100 << 10
	s := open(t, Config{Dir: t.TempDir(), Quota: 10 * (body + overhead)})
	picture := strings.Repeat("x", body)
	for range 9 {
		submit(t, s, "", picture, gray)
	}
	_, err := trySubmit(s, "", picture, gray)
	kind(t, "a tenth job", err, fault.Full)
	kind(t, "the spool", s.Full(), fault.Full)
	u, err := s.Upload(body, false)
	if err != nil {
		t.Fatalf("a picture of /image: %v", err)
	}
	defer u.Close()
	_, err = s.Upload(body, false)
	kind(t, "a second picture of /image", err, fault.Full)
}

func TestQuota(t *testing.T) {
	const body = 100 << 10
	s := open(t, Config{Dir: t.TempDir(), Quota: quotaFor(3 * (body + overhead))})
	picture := strings.Repeat("x", body)
	var ids []string
	for range 3 {
		ids = append(ids, submit(t, s, "", picture, gray))
	}
	_, err := trySubmit(s, "", picture, gray)
	kind(t, "fourth", err, fault.Full)
	kind(t, "room for a fourth", s.Room(body), fault.Full)
	kind(t, "room for all three at once, with what jobs count with", s.Room(3*(body+overhead)-overhead), fault.Full)
	kind(t, "room for a byte more than there can be", s.Room(3*(body+overhead)-overhead+1), fault.TooLarge)
	if u := s.Usage(); u.Reserved != 0 {
		t.Errorf("%d bytes stay reserved", u.Reserved)
	}
	for range 3 {
		finish(t, s, s.Next(), picture)
	}
	_, err = trySubmit(s, "", picture, gray)
	kind(t, "nothing delivered", err, fault.Full)

	// Delivered in pieces, which must join.
	s.Sent(ids[1], 1, 10, body)
	_, err = trySubmit(s, "", picture, gray)
	kind(t, "only its end was delivered", err, fault.Full)
	s.Sent(ids[1], 1, 0, 10)
	s.Sent(ids[1], 1, 10, body)
	s.Sent(ids[2], 1, 0, body)
	submit(t, s, "", picture, gray)
	if _, err := s.Status(ids[1]); fault.Of(err) != fault.Gone {
		t.Errorf("the oldest delivered job is there: %v", err)
	}
	for _, id := range []string{ids[0], ids[2]} {
		if _, err := s.Status(id); err != nil {
			t.Errorf("went too: %v", err)
		}
	}
	// What was delivered is known after a restart, too.
	s = open(t, Config{Dir: s.dir, Quota: s.quota})
	submit(t, s, "", picture, gray)
	if _, err := s.Status(ids[2]); fault.Of(err) != fault.Gone {
		t.Errorf("delivered before the restart, and there: %v", err)
	}
	if _, err := s.Status(ids[0]); err != nil {
		t.Errorf("undelivered, and went: %v", err)
	}
}

// A client that waits on another imgd, or looks in the right instant, reads the
// result from disk before this index knows that the job is done.
func TestDeliveredBeforeItIsKnownToBeDone(t *testing.T) {
	const body = 100 << 10
	s := open(t, Config{Dir: t.TempDir(), Quota: quotaFor(2 * (body + overhead))})
	picture := strings.Repeat("x", body)
	whole, part := submit(t, s, "", picture, gray), submit(t, s, "", picture, gray)
	s.Sent(whole, 1, 0, body)
	s.Sent(part, 1, 0, body-1)
	for range 2 {
		finish(t, s, s.Next(), picture)
	}
	submit(t, s, "", picture, gray)
	if _, err := s.Status(whole); fault.Of(err) != fault.Gone {
		t.Errorf("delivered whole, and there: %v", err)
	}
	_, err := trySubmit(s, "", picture, gray)
	kind(t, "the other was delivered in part", err, fault.Full)
	if _, err := s.Status(part); err != nil {
		t.Errorf("delivered in part, and went: %v", err)
	}
}

// Of two that share a spool one makes room by what the other has delivered.
func TestDeliveredByAnother(t *testing.T) {
	const body = 100 << 10
	one := open(t, Config{Dir: t.TempDir(), Quota: quotaFor(2 * (body + overhead))})
	picture := strings.Repeat("x", body)
	ids := []string{submit(t, one, "", picture, gray), submit(t, one, "", picture, gray)}
	for range ids {
		finish(t, one, one.Next(), picture)
	}
	other := open(t, Config{Dir: one.dir, Quota: one.quota})
	other.Sent(ids[1], 1, 0, body)
	one.Rescan()
	submit(t, one, "", picture, gray)
	if _, err := one.Status(ids[1]); fault.Of(err) != fault.Gone {
		t.Errorf("delivered by the other, and there: %v", err)
	}
	if _, err := one.Status(ids[0]); err != nil {
		t.Errorf("undelivered, and went: %v", err)
	}
}

// While finished jobs fill the quota none is begun; when one was delivered, it goes on.
func TestNoWorkWhileResultsFillTheQuota(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), Quota: 1 << 20})
	first, second := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray)
	big := strings.Repeat("x", 1<<20)
	finish(t, s, s.Next(), big)
	if s.Next() != nil {
		t.Fatal("begun without room")
	}
	s.Sent(first, 1, 0, 1<<20)
	if j := s.Next(); j == nil || j.ID != second {
		t.Errorf("%+v", j)
	}
}

func TestUploadOfUnknownLengthMeetsTheQuota(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), Quota: 4 << 20})
	u, err := s.Upload(-1, true)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 64<<10)
	for err == nil {
		_, err = u.Write(p)
	}
	kind(t, "endless upload", err, fault.TooLarge)
	if u.Len() > 4<<20 {
		t.Errorf("%d bytes were taken", u.Len())
	}
	u.Close()
	if u := s.Usage(); u.Reserved != 0 {
		t.Errorf("%d bytes stay reserved", u.Reserved)
	}
}

func TestGoneMarksAreBounded(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	now := time.Now()
	mark := func(age time.Duration) string {
		id := jobid.New()
		path := s.path("gone", id)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	old, young := mark(goneKept+time.Minute), mark(time.Minute)
	s.sweepGone(now)
	if s.isGone(old) || !s.isGone(young) {
		t.Error("24 hours are not kept")
	}
}

func TestRemovalInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	a, b := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray)
	os.WriteFile(s.path("gone", a), nil, 0o600) // killed before the rename
	os.WriteFile(s.path("gone", b), nil, 0o600) // killed before the deletion
	os.Rename(s.job(b), s.path("trash", b+".aaaaaaaa"))
	s = open(t, Config{Dir: dir})
	for _, id := range []string{a, b} {
		if _, err := s.Status(id); fault.Of(err) != fault.Gone {
			t.Errorf("came back: %v", err)
		}
	}
	if j := s.Next(); j != nil {
		t.Errorf("a removed job is worked on")
	}
	for _, d := range []string{"jobs", "trash"} {
		if n, _ := readNames(s.path(d)); len(n) != 0 {
			t.Errorf("%s: %q", d, n)
		}
	}
}

func TestManyJobsAreRecovered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	const n = 1000
	m := Meta{Ops: gray, SHA256: strings.Repeat("0", 64), Bytes: 1}
	var ids []string
	for i := range n { // as Submit leaves them, without its fsyncs
		id := jobid.New()
		m.Received = time.Unix(int64(i), 0).UTC()
		os.Mkdir(s.job(id), 0o700)
		for name, text := range map[string]string{"in": "x", "lock": "", "job": string(m.marshal())} {
			if err := os.WriteFile(s.job(id, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ids = append(ids, id)
	}
	s = open(t, Config{Dir: dir})
	if s.Waiting() != n {
		t.Fatalf("%d jobs wait", s.Waiting())
	}
	for i := range 20 {
		j := s.Next()
		if j == nil || j.ID != ids[i] {
			t.Fatalf("job %d is not the %dth oldest", i, i)
		}
		j.end()
	}
	if st, err := s.Status(ids[n-1]); err != nil || st.Place != n-20 {
		t.Errorf("place: %v %v", st, err)
	}
}

// A disk that fails at an upload's fsync fails the request, at a result's the job.
func TestFsyncThatFails(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	u, err := s.Upload(1, true)
	if err != nil {
		t.Fatal(err)
	}
	u.f.Close()
	_, err = u.Submit("", gray, "")
	kind(t, "upload", err, fault.Internal)
	u.Close()
	for _, d := range []string{"incoming", "jobs"} {
		if n, _ := readNames(s.path(d)); len(n) != 0 {
			t.Errorf("%s: %q", d, n)
		}
	}
	id := submit(t, s, "", "x", gray)
	j := s.Next()
	tmp, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	tmp.f.Close()
	if err := j.Done(tmp, Result{Output: Output{Type: "image/png", Size: 1, Width: 1, Height: 1}}); err == nil {
		t.Error("no error")
	}
	if st, err := s.Status(id); err != nil || st.State != Failed || st.Failure.Kind != fault.Internal || st.Failure.Detail == "" {
		t.Errorf("%+v %v", st, err)
	}
}

// A full disk is not the picture's fault: it is tried again, but not for ever.
func TestFullDiskAtAResult(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), Now: c.now, TTL: time.Hour})
	id := submit(t, s, "", "x", gray)
	full := fault.New(fault.Full, "no room")
	s.Next().Full(full)
	if st, err := s.Status(id); err != nil || st.State != Pending {
		t.Errorf("%+v %v", st, err)
	}
	c.add(2 * time.Hour)
	s.Next().Full(full)
	if st, err := s.Status(id); err != nil || st.State != Failed || st.Failure.Kind != fault.Full {
		t.Errorf("%+v %v", st, err)
	}
}
