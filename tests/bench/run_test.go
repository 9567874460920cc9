package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// measured returns results of one job, as a bench has them.
func measured() []result {
	took := func(tool string, cpu time.Duration, bytes int64) row {
		return row{tool: tool, cpu: cpu, wall: cpu, peak: 8 << 20, bytes: bytes, psnr: 33.5}
	}
	return []result{{
		p: picture{name: "photo12.jpg", w: 4032, h: 3024, bytes: 2_600_000},
		j: job{name: "scale 1/4, defaults"},
		rows: []row{
			took(process, 30*time.Millisecond, 150_000), took(vipsthumbnail, 120*time.Millisecond, 200_000),
			{tool: "ImageMagick", err: errors.New("not today")}, took("a tool of no chart", time.Second, 1),
		},
	}}
}

// keptRun returns that run, written and read again.
func keptRun(t *testing.T) (r run, path string) {
	t.Helper()
	b := &bench{bin: bin, runs: 3}
	path = filepath.Join(t.TempDir(), "run.json")
	if err := b.kept(measured()).write(path); err != nil {
		t.Fatal(err)
	}
	r, err := readRun(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

func TestRunIsReadAgain(t *testing.T) {
	r, path := keptRun(t)
	k, ok := r.job("photo12.jpg", "scale 1/4, defaults")
	if !ok || len(k.Rows) != 3 || k.Rows[0].CPU != 30 || k.Rows[1].Bytes != 200_000 || r.Runs != 3 {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	if err := (&figures{from: path}).redraw(&out); err != nil {
		t.Fatal(err)
	}
	has(t, &out, `^photo12.jpg, 4032x3024, 2600000 bytes: scale 1/4, defaults$`, `^  imgtools +30\.0 +1\.00 +8\.0 +150000 +33\.50$`, `^  vipsthumbnail +120\.0 +4\.00 `)
	for line := range strings.Lines(out.String()) {
		if len(line) > 76 {
			t.Errorf("%d bytes wide: %s", len(line), line)
		}
	}
	if _, err := readRun(os.DevNull); err == nil {
		t.Error("an empty file is a run")
	}
}

// The bars of a group are as long as what they stand for, and the chart is light or dark.
func TestChartOfARun(t *testing.T) {
	r, _ := keptRun(t)
	var out bytes.Buffer
	if err := r.chart(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "@media (prefers-color-scheme: dark)") {
		t.Error("it has no dark colours")
	}
	for _, missing := range []string{"ImageMagick", "a tool of no chart", "Gray of"} {
		if strings.Contains(out.String(), missing) {
			t.Errorf("it has %q", missing)
		}
	}
	var widths []float64
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "rect" {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local == "width" {
				w, err := strconv.ParseFloat(a.Value, 64)
				if err != nil {
					t.Fatal(err)
				}
				widths = append(widths, w)
			}
		}
	}
	// The background, then the bars of imgtools and of the peer, each with time and bytes.
	want := []float64{chartWidth, timeWidth / 4.0, bytesWidth * 0.75, timeWidth, bytesWidth}
	if len(widths) != len(want) {
		t.Fatalf("widths %v, want %v", widths, want)
	}
	for i := range want {
		if d := widths[i] - want[i]; d < -0.1 || d > 0.1 {
			t.Errorf("widths %v, want %v", widths, want)
			break
		}
	}
	if err := (run{Results: []keptJob{{Picture: "other.jpg"}}}).chart(io.Discard); err == nil {
		t.Error("a chart of nothing")
	}
}

// A run and the tables of other measurements replace the figures of a manual page, and
// nothing else of it.
func TestFiguresOfAPage(t *testing.T) {
	_, path := keptRun(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	page := write("page.7", ".Sh A\n.\\\" begin figures: jobs\nold\n.\\\" end figures\n.Sh B\n.\\\" begin figures: faults\n.\\\" end figures\n"+
		".\\\" begin figures: http\n.\\\" end figures\nend\n")
	faults := write("faults", "=== RUN   TestFault  a  b\nfault                      times  served  recovery\n------------\nworker killed                 20     510      47 ms\n"+
		"a fault   1   -   -\nPASS\n")
	http := write("http", "gray  bytes in\n\n| gray | clients | requests/s |\n|---|---|---|\n| 8 kB | 1 | 1697 |\n")
	f := figures{from: path, man: page, tables: []string{"faults=" + faults, "http=" + http}}
	if err := f.redraw(io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		".Bd -literal\n", "  vipsthumbnail ", ".Ed\n.\\\" end figures\n.Sh B\n",
		"begin figures: faults\n.It 20 Ta 510 Ta 47 ms Ta worker killed\n.It 1 Ta - Ta - Ta a fault\n.\\\" end figures\n",
		"begin figures: http\n.It 1 Ta 1697 Ta 8 kB\n.\\\" end figures\nend\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") || regexp.MustCompile(`(?m)^PASS`).MatchString(got) {
		t.Errorf("left over:\n%s", got)
	}
	f.tables = []string{"none=" + faults}
	if err := f.redraw(io.Discard); err == nil {
		t.Error("figures that the page does not have")
	}
}
