package heif

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// alone returns the copy of a file in which an item is primary.
func alone(data []byte, item uint32) ([]byte, error) {
	r, err := Alone(bytes.NewReader(data), int64(len(data)), item, false)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(r, 0, int64(len(data))))
}

// In a copy the item is primary, shown and belongs to nothing; all else is as it was.
func TestCopyHasTheItemAsItsPicture(t *testing.T) {
	reference := func(kind string) string { // with a size of 64 bits
		short := iref(kind, 2, 1)
		return n4(1) + kind + "\x00\x00\x00\x00" + n4(len(short)+8) + short[8:]
	}
	m := made{
		iinf: iinf(infe(1, HEVC), bx("infe", full(2, 1), n2(2), n2(0), HEVC, "\x00")),
		ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), ispe(16, 12), bx("auxC", full(0, 0), "urn:mpeg:hevc:2015:auxid:1\x00")),
		ipma: ipma(assign(1, 1, 2), assign(2, 3, 2, 4)),
		iref: iref("thmb", 2, 1) + reference("auxl") + iref("cdsc", 2, 1),
	}
	data := m.file()
	got, err := alone(data, 2)
	if err != nil {
		t.Fatal(err)
	}
	m.pitm = bx("pitm", full(0, 0), n2(2))
	m.iinf = iinf(bx("infe", full(2, 1), n2(1), n2(0), HEVC, "\x00"), infe(2, HEVC))
	m.iref = iref("free", 2, 1) + reference("free") + iref("cdsc", 2, 1)
	if want := m.file(); !bytes.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	p, err := open(got)
	if err != nil || p.W != 16 || p.H != 12 || p.Alpha || len(p.Thumbs) > 0 {
		t.Errorf("%+v, %v", p, err)
	}
	t.Run("without alpha", func(t *testing.T) {
		m := made{iinf: iinf(infe(1, HEVC), infe(2, HEVC)), iref: iref("auxl", 2, 1)}
		data := m.file()
		for _, alpha := range []bool{false, true} {
			r, err := Alone(bytes.NewReader(data), int64(len(data)), 1, alpha)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.NewSectionReader(r, 0, int64(len(data))))
			if err != nil || bytes.Contains(got, []byte("auxl")) != alpha {
				t.Errorf("alpha %v: %q, %v", alpha, got, err)
			}
		}
	})
	t.Run("of a sequence", func(t *testing.T) {
		m := m
		m.ftyp, m.rest = bx("ftyp", "avis", n4(0), "avisavif"), bx("moov", "frames")
		got, err := alone(m.file(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(got, []byte("ftypavif")) || bytes.Contains(got, []byte("moov")) || !bytes.Contains(got, []byte("freeframes")) {
			t.Errorf("%q", got)
		}
	})
	t.Run("in pieces", func(t *testing.T) {
		r, err := Alone(bytes.NewReader(data), int64(len(data)), 2, true)
		if err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		for i := range data {
			if n, err := r.ReadAt(b[:], int64(i)); n != 1 || b[0] != got[i] {
				t.Fatal(i, n, err)
			}
		}
	})
	for name, c := range map[string]struct {
		item uint32
		kind fault.Kind
	}{"not there": {7, fault.Format}, "with too large an id": {1 << 16, fault.Format}} {
		t.Run(name, func(t *testing.T) {
			if _, err := alone(data, c.item); fault.Of(err) != c.kind || err == nil {
				t.Fatal(err)
			}
		})
	}
}

// A copy has the length of the file, differs from it in meta only, and has the item as
// its picture whatever the file is.
func FuzzAlone(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data[:min(len(data), 2000)], uint32(2))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, item uint32) {
		got, err := alone(data, item)
		if err != nil {
			return
		}
		if len(got) != len(data) {
			t.Fatalf("%d bytes, the file has %d", len(got), len(data))
		}
		again := file{r: bytes.NewReader(got), size: int64(len(got))}
		if err := again.walk(); err != nil || again.primary != item {
			t.Fatalf("primary item %d, want %d: %v", again.primary, item, err)
		}
		Open(bytes.NewReader(got), int64(len(got)), raster.Limits{})
	})
}
