package dispatch

import (
	"context"
	"io"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

const asTwo = "type=image/png width=30 height=20 width2=15 height2=10"

// read returns the bytes of the pictures, and closes them.
func read(t *testing.T, r Result) []string {
	t.Helper()
	defer r.Close()
	var all []string
	for _, p := range r.All() {
		f, err := p.File.Reader()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil || int64(len(b)) != p.Size {
			t.Errorf("%d bytes, said %d, %v", len(b), p.Size, err)
		}
		all = append(all, string(b))
	}
	return all
}

func TestSeveralSizes(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			d, lines := daemon(t, network, func(_ int, r *request) {
				r.OK(asTwo+" note=odd", "large "+string(r.Body), "small")
			})
			c, in := dispatcher(t, nobody, d)
			deaths, _ := counter()
			r, err := c.Run(context.Background(), ops.Must("scale=30x,15x"), in, deaths)
			if err != nil {
				t.Fatal(err)
			}
			if r.Width != 30 || r.More[0].Width != 15 || r.More[0].Height != 10 || r.More[0].Type != "image/png" || r.Note != "odd" {
				t.Errorf("%+v", r)
			}
			if got := strings.Join(read(t, r), ","); got != "large picture,small" {
				t.Errorf("%q", got)
			}
			if got := lines()[0]; !strings.HasPrefix(got, "img/1 scale 30x,15x maxpixels=") {
				t.Errorf("asked %q", got)
			}
		})
	}
}

func TestGrayThenSeveralSizes(t *testing.T) {
	gray, grayLines := daemon(t, "unix", func(_ int, r *request) {
		r.OK("type=image/x-portable-graymap width=251 height=188 full=1001x750 reduced=2/8 goal=100x75 goal2=50x37 from=jpeg as=jpeg", "mid")
	})
	scale, scaleLines := daemon(t, "tcp", func(_ int, r *request) { r.OK(asTwo, "large of "+string(r.Body), "small of "+string(r.Body)) })
	c, in := dispatcher(t, gray, scale)
	deaths, _ := counter()
	r, err := c.Run(context.Background(), ops.Must("gray=601 scale=100x,50x"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(read(t, r), ","); got != "large of mid,small of mid" {
		t.Errorf("%q", got)
	}
	if want := "img/1 gray for=100x,50x maxpixels=1000000 timeout=10s"; grayLines()[0] != want {
		t.Errorf("grayd was asked %q, want %q", grayLines()[0], want)
	}
	want := "img/1 scale 100x75!,50x37! format=jpeg maxpixels=1000000 timeout=10s of=1001x750 reduced=2/8 len=3"
	if scaleLines()[0] != want {
		t.Errorf("scaled was asked %q, want %q", scaleLines()[0], want)
	}
}

func TestGrayWithoutAllGoals(t *testing.T) {
	gray, _ := daemon(t, "unix", func(_ int, r *request) {
		r.OK("type=image/x-portable-graymap width=251 height=188 full=1001x750 reduced=2/8 goal=100x75 from=jpeg as=jpeg", "mid")
	})
	c, in := dispatcher(t, gray, nobody)
	deaths, _ := counter()
	if _, err := c.Run(context.Background(), ops.Must("gray=601 scale=100x,50x"), in, deaths); fault.Of(err) != fault.Internal || !strings.Contains(err.Error(), "goal=") {
		t.Errorf("%v", err)
	}
}

// What a worker says of each result is checked; a lie about any of them is the death of
// the worker, and the second try is good.
func TestEachResultIsVerified(t *testing.T) {
	for name, bad := range map[string]func(r *request){
		"one result for two":       func(r *request) { r.OK("type=image/png width=30 height=20", "large") },
		"three results for two":    func(r *request) { r.OK(asTwo+" width3=5 height3=5", "large", "small", "smaller") },
		"the second has no size":   func(r *request) { r.OK("type=image/png width=30 height=20", "large", "small") },
		"the second is a web page": func(r *request) { r.OK(asTwo+" type2=text/html", "large", "<script>") },
		"the second is empty":      func(r *request) { r.OK(asTwo, "large", "") },
		"the second is huge":       func(r *request) { r.Say("ok " + asTwo + " len=5 len2=999999999999") },
	} {
		for _, network := range []string{"unix", "tcp"} {
			t.Run(name+", "+network, func(t *testing.T) {
				d, lines := daemon(t, network, func(n int, r *request) {
					if n == 1 {
						bad(r)
						return
					}
					r.OK(asTwo, "large", "small")
				})
				c, in := dispatcher(t, nobody, d)
				deaths, n := counter()
				r, err := c.Run(context.Background(), ops.Must("scale=30x,15x"), in, deaths)
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(read(t, r), ","); got != "large,small" || *n != 1 || len(lines()) != 2 {
					t.Errorf("%q after %d deaths in %d tries", got, *n, len(lines()))
				}
			})
		}
	}
}

// A connection that breaks within the second result is no worker's death.
func TestSecondResultCutOff(t *testing.T) {
	d, lines := daemon(t, "tcp", func(n int, r *request) {
		if n == 1 {
			r.Say("ok " + asTwo + " len=5 len2=5")
			io.WriteString(r.Conn, "largesm")
			return
		}
		r.OK(asTwo, "large", "small")
	})
	c, in := dispatcher(t, nobody, d)
	deaths, n := counter()
	r, err := c.Run(context.Background(), ops.Must("scale=30x,15x"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(read(t, r), ","); got != "large,small" || *n != 0 || len(lines()) != 2 {
		t.Errorf("%q after %d deaths in %d tries", got, *n, len(lines()))
	}
}
