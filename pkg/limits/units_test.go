package limits

import (
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		in    string
		unit  Unit
		want  int64
		again string // as Format writes it
	}{
		{"500000", Binary, 500000, "500000"},
		{"0", Binary, 0, "0"},
		{"64K", Binary, 65536, "64K"},
		{"1024k", Binary, 1 << 20, "1M"},
		{"100M", Binary, 100 << 20, "100M"},
		{"4096G", Binary, 4096 << 30, "4096G"},
		{"250M", Decimal, 250e6, "250M"},
		{"3000K", Decimal, 3e6, "3M"},
		{"9223372036854775807", Binary, 1<<63 - 1, "9223372036854775807"},
	} {
		t.Run(c.in, func(t *testing.T) {
			n, err := c.unit.Parse(c.in)
			if err != nil || n != c.want {
				t.Errorf("%d, %v; want %d", n, err, c.want)
			}
			if s := c.unit.Format(c.want); s != c.again {
				t.Errorf("%d is written %s, want %s", c.want, s, c.again)
			}
		})
	}
	for _, in := range []string{"", "K", "5T", "-1", "+1", "1.5M", "99999999999G", "9223372036854775808", "1 K"} {
		t.Run(in, func(t *testing.T) {
			if n, err := Binary.Parse(in); err == nil {
				t.Errorf("is %d", n)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  time.Duration
		again string // as FormatTime writes it
	}{
		{"90", 90 * time.Second, "1m30s"},
		{"1.5", 1500 * time.Millisecond, "1.5s"},
		{"2m", 2 * time.Minute, "2m"},
		{"60m", time.Hour, "1h"},
		{"10h", 10 * time.Hour, "10h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"0", 0, "0s"},
	} {
		t.Run(c.in, func(t *testing.T) {
			d, err := ParseTime(c.in)
			if err != nil || d != c.want {
				t.Errorf("%v, %v; want %v", d, err, c.want)
			}
			if s := FormatTime(c.want); s != c.again {
				t.Errorf("%v is written %s, want %s", c.want, s, c.again)
			}
		})
	}
	for _, in := range []string{"", ".", "-5", "NaN", "1e9", "99999999999999", "5 s", "-1s"} {
		t.Run(in, func(t *testing.T) {
			if d, err := ParseTime(in); err == nil {
				t.Errorf("is %v", d)
			}
		})
	}
}

func TestRetryAfterSeconds(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true},
		{"7", 7 * time.Second, true},
		{"3601", time.Hour, true},
		{"99999999999999999999", time.Hour, true},
		{"-1", 0, false},
		{"", 0, false},
		{"Wed, 21 Oct 2015 07:28:00 GMT", 0, false},
	} {
		t.Run(c.in, func(t *testing.T) {
			if d, ok := ParseSeconds(c.in); d != c.want || ok != c.ok {
				t.Errorf("%v, %v; want %v, %v", d, ok, c.want, c.ok)
			}
		})
	}
}
