package tests

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// browser is a headless Chromium of its own, driven by chromedriver in the words of
// the W3C's WebDriver.
type browser struct {
	t       *testing.T
	session string // its URL
}

var driverPort = regexp.MustCompile(`successfully on port ([1-9]\d*)`)

// startBrowser starts a browser that asks for pages in a language, with or without
// JavaScript.
func startBrowser(t *testing.T, language string, javaScript bool) *browser {
	t.Helper()
	driver := startGroup(t, "chromedriver", exec.Command("chromedriver", "--port=0"))
	profile := t.TempDir()
	port, err := driver.log.Wait(20*time.Second, driver.gone, func(out string) string {
		if m := driverPort.FindStringSubmatch(out); m != nil {
			return m[1]
		}
		return ""
	})
	if err != nil {
		t.Fatalf("chromedriver: %v", err)
	}
	b := &browser{t: t, session: "http://127.0.0.1:" + port + "/session"}
	prefs := map[string]any{"intl.accept_languages": language}
	if !javaScript {
		prefs["profile.managed_default_content_settings.javascript"] = 2
	}
	var made struct{ SessionID string }
	b.call("POST", "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome",
		"goog:chromeOptions": map[string]any{
			"binary": "/usr/bin/chromium",
			"args": []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
				"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1200,1000", "--user-data-dir=" + profile},
			"prefs": prefs,
		},
		"goog:loggingPrefs": map[string]any{"browser": "ALL"},
	}}}, &made)
	b.session += "/" + made.SessionID
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the browser complains: %q", b.complaints())
		}
		b.call("DELETE", "", nil, nil)
	})
	return b
}

// ask sends a command and puts its value into into, which may be nil.
func (b *browser) ask(method, path string, body, into any) error {
	var r bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&r).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, b.session+path, &r)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("%s %s: %.500s", method, path, answer.Value)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, into)
}

func (b *browser) call(method, path string, body, into any) {
	b.t.Helper()
	if err := b.ask(method, path, body, into); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.call("POST", "/url", map[string]string{"url": url}, nil)
}

// find returns the first element of a CSS selector.
func (b *browser) find(css string) string {
	b.t.Helper()
	var e map[string]string
	b.call("POST", "/element", map[string]string{"using": "css selector", "value": css}, &e)
	for _, id := range e {
		return id
	}
	b.t.Fatalf("no %s", css)
	return ""
}

func (b *browser) click(css string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.find(css)+"/click", map[string]any{}, nil)
}

// keys types text into an element; into a file input, the paths of files.
func (b *browser) keys(css, text string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.find(css)+"/value", map[string]string{"text": text}, nil)
}

// press presses keys one after the other on what has the focus, with Shift held or not.
func (b *browser) press(shift bool, keys string) {
	b.t.Helper()
	var list []map[string]any
	key := func(kind string, k rune) { list = append(list, map[string]any{"type": kind, "value": string(k)}) }
	const shiftKey = '\ue008'
	if shift {
		key("keyDown", shiftKey)
	}
	for _, k := range keys {
		key("keyDown", k)
		key("keyUp", k)
	}
	if shift {
		key("keyUp", shiftKey)
	}
	b.act(map[string]any{"type": "key", "id": "keyboard", "actions": list})
}

// drag presses the mouse, or a finger when kind is "touch", on shares x0, y0 of an
// element, moves it to x1, y1 and lets go.
func (b *browser) drag(kind, css string, x0, y0, x1, y1 float64) {
	b.t.Helper()
	var at struct{ Left, Top, Width, Height float64 }
	b.run("const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'}); return e.getBoundingClientRect().toJSON()", &at, css)
	move := func(x, y float64, ms int) map[string]any {
		return map[string]any{"type": "pointerMove", "duration": ms, "x": int(math.Round(at.Left + x*at.Width)), "y": int(math.Round(at.Top + y*at.Height))}
	}
	b.act(map[string]any{"type": "pointer", "id": kind, "parameters": map[string]string{"pointerType": kind}, "actions": []any{
		move(x0, y0, 0), map[string]any{"type": "pointerDown", "button": 0},
		move((x0+x1)/2, (y0+y1)/2, 20), move(x1, y1, 20), map[string]any{"type": "pointerUp", "button": 0},
	}})
}

func (b *browser) act(device map[string]any) {
	b.t.Helper()
	b.call("POST", "/actions", map[string]any{"actions": []any{device}}, nil)
}

// text is what a person sees of an element.
func (b *browser) text(css string) (s string) {
	b.t.Helper()
	b.call("GET", "/element/"+b.find(css)+"/text", nil, &s)
	return s
}

// run runs the body of a function in the page and puts what it returns, or what the
// promise it returns becomes, into into.
func (b *browser) run(script string, into any, args ...any) {
	b.t.Helper()
	b.call("POST", "/execute/sync", map[string]any{"script": script, "args": append([]any{}, args...)}, into)
}

// until waits until an expression is true in the page.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	eventually.Within(b.t, 30*time.Second, what, func() bool {
		var ok bool
		// While another page is being loaded there is nothing to ask.
		err := b.ask("POST", "/execute/sync", map[string]any{"script": "return !!(" + expression + ")", "args": []any{}}, &ok)
		return err == nil && ok
	})
}

// devtools sends a command of Chromium's own protocol.
func (b *browser) devtools(cmd string, params map[string]any) {
	b.t.Helper()
	b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": cmd, "params": params}, nil)
}

// look puts a screenshot into the folder IMGTOOLS_SHOTS, if that is set.
func (b *browser) look(name string) {
	b.t.Helper()
	dir := os.Getenv("IMGTOOLS_SHOTS")
	if dir == "" {
		return
	}
	var data string
	b.call("GET", "/screenshot", nil, &data)
	png, err := base64.StdEncoding.DecodeString(data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// complaints are the errors in the browser's log: of scripts, of what could not be
// loaded, of the Content-Security-Policy.
func (b *browser) complaints() (list []string) {
	b.t.Helper()
	var entries []struct{ Level, Message string }
	b.call("POST", "/se/log", map[string]string{"type": "browser"}, &entries)
	for _, e := range entries {
		if e.Level == "SEVERE" || strings.Contains(e.Message, "Content Security Policy") {
			list = append(list, e.Message)
		}
	}
	return list
}
