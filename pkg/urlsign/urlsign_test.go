package urlsign

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/ops"
)

func words(t *testing.T, query string) []ops.Word {
	t.Helper()
	w, err := ops.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestKnownSignature(t *testing.T) {
	// Made with: printf '/files/a b.jpg\nexp=1893456000\nscale=640x' | openssl dgst -sha256 -hmac key -binary | base64 | tr +/ -_
	got, err := Sign("key", "a b.jpg", words(t, "scale=640x"), time.Unix(1893456000, 0))
	if want := "/files/a%20b.jpg?scale=640x&exp=1893456000&sig=DL-fW1oQAfZAYMfrqo1k_5AQ9YinCp-axBHywioLD-U"; err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestSignedAndAltered(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	signed, err := Sign("old key", "/files/sub/é &?.jpg", words(t, "scale=50%&name=a%26b&gray"), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil || u.Path != "/files/sub/é &?.jpg" {
		t.Fatalf("%q: %v, %v", signed, u, err)
	}
	keys := []string{"new key", "old key"}
	for _, c := range []struct {
		name        string
		path, query string
		keys        []string
		at          time.Duration
		want        bool
	}{
		{"as it is", u.Path, u.RawQuery, keys, 0, true},
		{"in another order", u.Path, strings.Join(reverse(strings.Split(u.RawQuery, "&")), "&"), keys, 0, true},
		{"padded", u.Path, u.RawQuery + "=", keys, 0, true},
		{"escaped in another way", u.Path, strings.Replace(u.RawQuery, "scale", "%73cale", 1), keys, 0, true},
		{"another picture", "/files/sub/other.jpg", u.RawQuery, keys, 0, false},
		{"another size", u.Path, strings.Replace(u.RawQuery, "50%25", "90%25", 1), keys, 0, false},
		{"one word more", u.Path, u.RawQuery + "&fine=1", keys, 0, false},
		{"one word less", u.Path, strings.Replace(u.RawQuery, "gray=&", "", 1), keys, 0, false},
		{"a later end", u.Path, strings.Replace(u.RawQuery, "exp=18", "exp=19", 1), keys, 0, false},
		{"two ends", u.Path, u.RawQuery + "&exp=1900000000", keys, 0, false},
		{"no signature", u.Path, strings.Split(u.RawQuery, "&sig=")[0], keys, 0, false},
		{"two signatures", u.Path, u.RawQuery + "&sig=x", keys, 0, false},
		{"nothing", u.Path, "", keys, 0, false},
		{"a key that is no more", u.Path, u.RawQuery, keys[:1], 0, false},
		{"no keys", u.Path, u.RawQuery, nil, 0, false},
		{"just before the end", u.Path, u.RawQuery, keys, time.Hour - time.Second, true},
		{"at the end", u.Path, u.RawQuery, keys, time.Hour, false},
		{"words in one", u.Path, "scale=50%25%0Aname=a%26b" + u.RawQuery[strings.Index(u.RawQuery, "&gray"):], keys, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rest, until, ok := Verify(c.keys, c.path, words(t, c.query), now.Add(c.at))
			if ok != c.want {
				t.Errorf("%v", ok)
			}
			if ok && (len(rest) != 3 || !until.Equal(now.Add(time.Hour))) {
				t.Errorf("%q until %v", rest, until)
			}
		})
	}
}

func reverse(s []string) []string {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
	return s
}

func TestWhatIsNotSigned(t *testing.T) {
	for _, c := range []struct{ path, query string }{{"a", "sig=x"}, {"a", "exp=1"}, {"a\nb", ""}, {"a", "name=%0A"},
		{"", ""}, {"../a", ""}, {"a/.b", ""}, {"a//b", ""}, {"https://example.org/a", ""}} {
		t.Run(c.path+" "+c.query, func(t *testing.T) {
			if got, err := Sign("k", c.path, words(t, c.query), time.Time{}); err == nil {
				t.Errorf("signed: %s", got)
			}
		})
	}
}
