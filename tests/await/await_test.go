package await

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(ch) })
		if Closed(ch, time.Second) || !Closed(ch, time.Hour) {
			t.Error("a channel that is closed after a minute")
		}
	})
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, gone := NewLog(), make(chan struct{})
		line := func(s string) string {
			if strings.HasSuffix(s, "\n") {
				return s
			}
			return ""
		}
		time.AfterFunc(time.Second, func() { l.Write([]byte("rea")) })
		time.AfterFunc(time.Minute, func() { l.Write([]byte("dy\n")) })
		if s, err := l.Wait(time.Hour, gone, line); s != "ready\n" || err != nil {
			t.Errorf("%q, %v", s, err)
		}
		none := func(string) string { return "" }
		if _, err := l.Wait(time.Second, gone, none); err == nil || err.Error() != "nothing within 1s:\nready\n" {
			t.Errorf("after its time: %v", err)
		}
		close(gone)
		if _, err := l.Wait(time.Second, gone, none); err == nil || err.Error() != "it ended:\nready\n" {
			t.Errorf("after the end of the process: %v", err)
		}
	})
}
