package dispatch

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/fakedaemon"
	"imgtools/pkg/ops"
)

// undecodedOnce answers undecoded to the picture as it came, and else calls then.
func undecodedOnce(then func(r *request)) func(int, *request) {
	return func(_ int, r *request) {
		in := make([]byte, 7)
		if n, _ := r.In.ReadAt(in, 0); string(in[:n]) == "picture" {
			r.Say("err undecoded HEIC of 4×3 pixels: no program here decodes it")
			return
		}
		then(r)
	}
}

// withHeifd returns a Dispatcher that also has a heifd.
func withHeifd(t *testing.T, gray, scale, heif string) (*Dispatcher, Input) {
	t.Helper()
	d, in := dispatcher(t, gray, scale)
	p, err := newPool(Heifd, []string{heif})
	if err != nil {
		t.Fatal(err)
	}
	d.pools[Heifd] = p
	return d, in
}

var anyLimits = regexp.MustCompile(` (maxpixels|timeout|len)=\S+`)

func bare(lines []string) (all []string) {
	for _, l := range lines {
		all = append(all, strings.TrimPrefix(anyLimits.ReplaceAllString(l, ""), "img/1 "))
	}
	return all
}

// What a worker can't decode goes to heifd, and comes back to it once more.
func TestUndecodedGoesToHeifd(t *testing.T) {
	const decoded = "type=image/tiff width=40 height=30 from=heic as=jpeg ms=0"
	for _, c := range []struct {
		ops, answer         string
		gray, scale, decode []string // requests
	}{
		{"gray", decoded, []string{"gray", "gray format=jpeg"}, nil, []string{"decode gray=601"}},
		{"scale=1/2 format=png frame=1 keep=date", decoded, nil,
			[]string{"scale 1/2 keep=date frame=1 format=png", "scale 1/2 keep=date format=png"}, []string{"decode frame=1 for=1/2"}},
		{"format=auto quality=50", decoded, nil, []string{"scale 1 format=auto quality=50", "scale 1 format=auto quality=50"}, []string{"decode"}},
		{"scale=10x", "type=image/tiff width=16 height=12 goal=10x8 from=heic as=webp", nil,
			[]string{"scale 10x", "scale 10x8! format=webp"}, []string{"decode for=10x"}},
		{"scale=10x crop=9x9+1+1", decoded, nil, []string{"scale 10x crop=9x9+1+1", "scale 10x crop=9x9+1+1 format=jpeg"}, []string{"decode"}},
		{"scale=10x10 fit=cover gravity=attention", decoded, nil,
			[]string{"scale 10x10 fit=cover gravity=attention", "scale 10x10 fit=cover gravity=attention format=jpeg"}, []string{"decode"}},
		{"gray scale=10x", decoded, []string{"gray for=10x", "gray for=10x format=jpeg"}, []string{"scale 100x75! format=jpeg of=1001x750 reduced=2/8"}, []string{"decode gray=601 for=10x"}},
	} {
		t.Run(c.ops, func(t *testing.T) {
			gray, grayed := daemon(t, "unix", undecodedOnce(func(r *request) { r.OK(asMid, "mid") }))
			scale, scaled := daemon(t, "unix", undecodedOnce(func(r *request) { r.OK(asPNG, "small") }))
			heif, asked := daemon(t, "unix", func(_ int, r *request) { r.OK(c.answer, "decoded") })
			d, in := withHeifd(t, gray, scale, heif)
			deaths, count := counter()
			r, err := d.Run(context.Background(), ops.Must(c.ops), in, deaths)
			if err != nil {
				t.Fatal(err)
			}
			r.File.Close()
			for _, q := range []struct{ got, want []string }{{bare(grayed()), c.gray}, {bare(scaled()), c.scale}, {bare(asked()), c.decode}} {
				if !slices.Equal(q.got, q.want) {
					t.Errorf("asked %q, want %q", q.got, q.want)
				}
			}
			if r.Stages[0].Operation != "decode" || len(r.Stages) != 1+len(ops.Must(c.ops).Operations()) && len(ops.Must(c.ops).Operations()) > 0 {
				t.Errorf("stages %v", r.Stages)
			}
			if n := *count; n != 0 {
				t.Errorf("%d deaths", n)
			}
		})
	}
}

// The result of several sizes, and notes of all daemons.
func TestUndecodedForAList(t *testing.T) {
	scale, _ := daemon(t, "unix", undecodedOnce(func(r *request) {
		r.OK("type=image/jpeg width=20 height=15 width2=10 height2=8 note=second", "one", "two")
	}))
	gray, _ := daemon(t, "unix", func(int, *request) {})
	heif, asked := daemon(t, "unix", func(_ int, r *request) {
		r.OK("type=image/tiff width=40 height=30 from=heic as=jpeg note=first", "decoded")
	})
	d, in := withHeifd(t, gray, scale, heif)
	deaths, _ := counter()
	r, err := d.Run(context.Background(), ops.Must("scale=20x,10x"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if r.Note != "first; second" || len(r.More) != 1 || bare(asked())[0] != "decode" {
		t.Errorf("note %q, %d more, asked %q", r.Note, len(r.More), asked())
	}
}

// Errors on the way have the kind that a user may see, and files are closed.
func TestUndecodedFails(t *testing.T) {
	ok := func(_ int, r *request) { r.OK("type=image/tiff width=40 height=30 from=heic as=jpeg", "decoded") }
	say := func(line string) func(int, *request) { return func(_ int, r *request) { r.Say(line) } }
	for name, c := range map[string]struct {
		heif  func(int, *request) // nil: none
		scale func(r *request)
		kind  fault.Kind
		text  string
	}{
		"no heifd":                  {nil, nil, fault.Unsupported, "no program here"},
		"no program":                {say("err unsupported no program"), nil, fault.Unsupported, "no program"},
		"a damaged file":            {say("err format the program failed"), nil, fault.Format, "the program failed"},
		"too large":                 {say("err toolarge 9 Mpixel"), nil, fault.TooLarge, "9 Mpixel"},
		"heifd says undecoded":      {say("err undecoded why"), nil, fault.Unsupported, "why"},
		"heifd lies":                {say("ok type=text/html width=1 height=1 len=0"), nil, fault.Internal, "text/html"},
		"heifd dies of it":          {func(_ int, r *request) { r.Conn.Close() }, nil, fault.Internal, "workers died"},
		"undecoded again":           {ok, func(r *request) { r.Say("err undecoded still") }, fault.Unsupported, "still"},
		"the operation then fails":  {ok, func(r *request) { r.Say("err toolarge the result") }, fault.TooLarge, "the result"},
		"a kind that is not theirs": {say("err full of it"), nil, fault.Internal, "only the front uses"},
	} {
		t.Run(name, func(t *testing.T) {
			scale, _ := daemon(t, "unix", undecodedOnce(c.scale))
			gray, _ := daemon(t, "unix", func(int, *request) {})
			d, in := dispatcher(t, gray, scale)
			if c.heif != nil {
				heif, _ := daemon(t, "unix", c.heif)
				p, err := newPool(Heifd, []string{heif})
				if err != nil {
					t.Fatal(err)
				}
				d.pools[Heifd] = p
			}
			deaths, _ := counter()
			_, err := d.Run(context.Background(), ops.Must("scale=1/2"), in, deaths)
			if fault.Of(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v: %v; want %v: %s", fault.Of(err), err, c.kind, c.text)
			}
		})
	}
}

// A heifd that was killed is asked again until it is back, within patience.
func TestHeifdComesBack(t *testing.T) {
	scale, _ := daemon(t, "unix", undecodedOnce(func(r *request) { r.OK(asPNG, "small") }))
	gray, _ := daemon(t, "unix", func(int, *request) {})
	away := t.TempDir() + "/away.sock"
	d, in := withHeifd(t, gray, scale, "unix:"+away)
	deaths, _ := counter()
	if _, err := d.Run(context.Background(), ops.Must("scale=1/2"), in, deaths); fault.Of(err) != fault.Busy || !strings.Contains(err.Error(), "no heifd") {
		t.Errorf("heifd is away: %v: %v", fault.Of(err), err)
	}
	heif := fakedaemon.Start(t, "unix", func(_ int, r *request) {
		r.OK("type=image/tiff width=40 height=30 from=heic as=jpeg", "decoded")
	})
	if err := os.Symlink(heif.Path(), away); err != nil {
		t.Fatal(err)
	}
	r, err := d.Run(context.Background(), ops.Must("scale=1/2"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	r.File.Close()
}

// -t is for decoding and the operations together.
func TestTimeIsSharedWithDecoding(t *testing.T) {
	scale, lines := daemon(t, "unix", undecodedOnce(func(r *request) { r.OK(asPNG, "small") }))
	gray, _ := daemon(t, "unix", func(int, *request) {})
	heif, _ := daemon(t, "unix", func(_ int, r *request) {
		<-time.After(10 * time.Millisecond) // so that 5 ms can have been worked
		r.OK("type=image/tiff width=40 height=30 from=heic as=jpeg ms=5", "decoded")
	})
	d, in := withHeifd(t, gray, scale, heif)
	deaths, _ := counter()
	r, err := d.Run(context.Background(), ops.Must("scale=1/2"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	r.File.Close()
	if !strings.Contains(lines()[1], " timeout=9.995s") || r.Stages[0] != (Stage{"decode", 5 * time.Millisecond}) {
		t.Errorf("scaled was asked %q; stages %v", lines()[1], r.Stages)
	}
}

// The status of heifd says what it decodes; it is a spare daemon.
func TestHealthOfHeifd(t *testing.T) {
	work := func(_ int, r *request) {}
	gray, scale := fakedaemon.Start(t, "unix", work), fakedaemon.Start(t, "unix", work)
	one, two := fakedaemon.Start(t, "unix", work), fakedaemon.Start(t, "unix", work)
	const numbers = "workers: 1\nready: 1\nbusy: 0\nserved: 2\nfailed: 1\nrespawned: 0\nsandbox: off\n"
	gray.Status(t, numbers)
	scale.Status(t, numbers)
	one.Status(t, numbers+"heic: heif-convert 1.15.1\navif: avifdec 0.11.1\n")
	two.Status(t, numbers+"heic: none\navif: avifdec 1.0\n")
	for name, c := range map[string]struct {
		addresses []string
		want      string
	}{
		"one": {[]string{one.Address}, "heic avif"}, "both": {[]string{one.Address, two.Address}, "avif"}, "none": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(Config{Gray: []string{gray.Address}, Scale: []string{scale.Address}, HEIF: c.addresses, Timeout: time.Second, MaxPixels: 1, Patience: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, h := range d.Probe(context.Background()) {
				if h.Spare != (h.Name == Heifd) || h.Name != Heifd && h.Decodes != "" {
					t.Errorf("%+v", h)
				}
				got += h.Decodes
			}
			if got != c.want {
				t.Errorf("decodes %s, want %s", got, c.want)
			}
		})
	}
}
