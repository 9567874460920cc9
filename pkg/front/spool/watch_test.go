package spool

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imgtools/pkg/fault"
)

// watched runs test with a spool that is watched. Its clock is that of the bubble:
// hours pass at once.
func watched(t *testing.T, test func(t *testing.T, s *Spool)) {
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{Dir: dir, TTL: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Watch(ctx) })
		test(t, s)
		cancel()
		wg.Wait()
	})
}

func TestWatchRemovesAtTheEndOfTheTimeToLive(t *testing.T) {
	watched(t, func(t *testing.T, s *Spool) {
		id := submit(t, s, "", "1", gray)
		<-time.After(30 * time.Minute)
		finish(t, s, s.Next(), "out")
		<-time.After(59 * time.Minute)
		if st, err := s.Status(id); err != nil || st.State != Done {
			t.Errorf("a minute before its end: %v", err)
		}
		<-time.After(time.Minute + 2*RescanEvery)
		_, err := s.Status(id)
		kind(t, "after its end", err, fault.Gone)
	})
}

func TestWatchSeesTroubleComeAndGo(t *testing.T) {
	watched(t, func(t *testing.T, s *Spool) {
		if err := os.Rename(s.dir, s.dir+".away"); err != nil {
			t.Fatal(err)
		}
		<-time.After(RescanEvery + time.Millisecond)
		kind(t, "away", s.Trouble(), fault.Busy)
		if err := os.Rename(s.dir+".away", s.dir); err != nil {
			t.Fatal(err)
		}
		<-time.After(RescanEvery + time.Millisecond)
		if err := s.Trouble(); err != nil {
			t.Errorf("back: %v", err)
		}
	})
}

// A job that was released for a time wakes the queue when the time has passed.
func TestReleasedJobComesBackInTime(t *testing.T) {
	watched(t, func(t *testing.T, s *Spool) {
		for _, pause := range []time.Duration{time.Second, fullPause} {
			submit(t, s, "", "1", gray)
			j := s.Next()
			select {
			case <-s.Wake():
			default:
			}
			begun := time.Now()
			j.Release(pause)
			for j = nil; j == nil; j = s.Next() {
				<-s.Wake()
			}
			if took := time.Since(begun); took < pause || took > pause+RescanEvery {
				t.Errorf("released for %v, taken after %v", pause, took)
			}
			finish(t, s, j, "out")
		}
	})
}

// A dead imgd's job is taken up by another within a round.
func TestJobOfADeadHolderIsTakenUp(t *testing.T) {
	watched(t, func(t *testing.T, s *Spool) {
		other := open(t, Config{Dir: s.dir})
		submit(t, s, "", "1", gray)
		other.Rescan()
		held := other.Next()
		if held == nil || s.Next() != nil {
			t.Fatal("the other does not hold the job")
		}
		begun := time.Now()
		held.held.Close()
		var j *Job
		for ; j == nil; j = s.Next() {
			<-s.Wake()
		}
		if took := time.Since(begun); took > 2*RescanEvery {
			t.Errorf("taken up after %v", took)
		}
		j.Release(0)
	})
}
