package heif

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"imgtools/pkg/fault"
)

// alone returns the copy of a file that has one item of it.
func alone(data []byte, item uint32, alpha bool) ([]byte, error) {
	r, err := Alone(bytes.NewReader(data), int64(len(data)), item, alpha)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// listed returns the boxes of a file.
func listed(t *testing.T, data []byte) *file {
	t.Helper()
	f := &file{r: bytes.NewReader(data), size: int64(len(data))}
	if err := f.walk(); err != nil {
		t.Fatal(err)
	}
	return f
}

// contents returns the data of an item.
func (f *file) contents(t *testing.T, id uint32) string {
	t.Helper()
	b, err := f.data(f.items[id], f.size)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// several is a file with a picture (1), its thumbnail (2) whose data are in two pieces,
// its alpha (3), and metadata (70000).
func several() []byte {
	infe3 := func(id int, kind string) string { return bx("infe", full(3, 0), n4(id), n2(0), kind, "\x00") }
	iref4 := func(kind string, from, to int) string { return bx(kind, n4(from), n2(1), n4(to)) }
	meta := func(at int) string {
		place := func(id, method int, extents ...int) string {
			s := n4(id) + n2(method) + n2(0) + n2(len(extents)/2)
			for _, v := range extents {
				s += n4(v)
			}
			return s
		}
		return bx("meta", full(0, 0), bx("hdlr", full(0, 0), n4(0), "pict", strings.Repeat("\x00", 13)),
			bx("pitm", full(1, 0), n4(1)),
			bx("iloc", full(2, 0), n2(0x4400), n4(4), place(1, 0, at, 7), place(2, 0, at+7, 5, at, 3), place(3, 1, 2, 5), place(70000, 0, at, 1000)),
			bx("iinf", full(0, 0), n2(4), infe3(1, HEVC), infe3(2, HEVC), infe3(3, HEVC), infe3(70000, "Exif")),
			bx("iref", full(1, 0), iref4("thmb", 2, 1), iref4("auxl", 3, 1), iref4("prem", 1, 3), iref4("cdsc", 70000, 1)),
			bx("iprp", bx("ipco", ispe(64, 48), hvcC(1, 8), ispe(16, 12), hvcC(0, 8), bx("auxC", full(0, 0), "urn:mpeg:hevc:2015:auxid:1\x00")),
				bx("ipma", full(1, 0), n4(3), n4(1)+n1(2)+n1(1)+n1(0x82), n4(2)+n1(2)+n1(3)+n1(0x82), n4(3)+n1(3)+n1(1)+n1(0x84)+n1(5))),
			bx("idat", "--alpha--"))
	}
	head := bx("ftyp", "avis", n4(0), "heicavismsf1")
	at := len(head) + len(meta(0)) + 8
	return []byte(head + meta(at) + bx("mdat", "picturethumb") + bx("moov", "frames"))
}

func TestCopyHasTheItemAsItsPicture(t *testing.T) {
	data := several()
	for _, c := range []struct {
		name     string
		item     uint32
		alpha    bool
		w        int
		contents []string // of items 1 and up
	}{
		{"picture", 1, false, 64, []string{"picture"}},
		{"picture with alpha", 1, true, 64, []string{"picture", "alpha"}},
		{"thumbnail", 2, true, 16, []string{"thumbpic"}},
		{"alpha", 3, false, 64, []string{"alpha"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := alone(data, c.item, c.alpha)
			if err != nil {
				t.Fatal(err)
			}
			p, err := open(got)
			if err != nil || p.W != c.w || p.Alpha != (len(c.contents) > 1) || p.Premul != p.Alpha || len(p.Thumbs) > 0 || p.Others || p.Item != 1 || p.Frames != 1 {
				t.Errorf("%+v, %v", p, err)
			}
			f := listed(t, got)
			if f.sequence || f.moov != nil || Brand(got) != "HEIC" || len(f.items) != len(c.contents) {
				t.Errorf("%q", got)
			}
			for i, want := range c.contents {
				id := uint32(i + 1)
				if got := f.contents(t, id); got != want || f.items[id].hidden != (i > 0) {
					t.Errorf("item %d: %q, want %q", id, got, want)
				}
			}
			essential := slices.ContainsFunc(f.items[1].use, func(u use) bool { return u.essential && f.properties[u.index].kind == "hvcC" })
			if len(f.items[1].use) < 2 || !essential {
				t.Errorf("properties %v", f.items[1].use)
			}
			r, _ := Alone(bytes.NewReader(data), int64(len(data)), c.item, c.alpha)
			if err := iotest.TestReader(r, got); err != nil {
				t.Error(err)
			}
		})
	}
	for name, item := range map[string]uint32{"not there": 7, "with too large an id": 1 << 16} {
		t.Run(name, func(t *testing.T) {
			if _, err := alone(data, item, false); fault.Of(err) != fault.Format || err == nil {
				t.Fatal(err)
			}
		})
	}
}

// A grid comes with its tiles. Of files of the peers the copy says the same of the picture.
func TestCopyKeepsTheRest(t *testing.T) {
	for _, name := range []string{"alpha.heic", "grid.avif", "p3.heic", "deep.avif", "alpha.avif", "anim.avif", "exif.heic"} {
		t.Run(name, func(t *testing.T) {
			data := testdata(t, name)
			want, err := open(data)
			if err != nil {
				t.Fatal(err)
			}
			copied, err := alone(data, want.Item, true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := open(copied)
			if err != nil {
				t.Fatal(err)
			}
			if got.W != want.W || got.H != want.H || got.Rows != want.Rows || got.Cols != want.Cols || got.Alpha != want.Alpha || got.Depth != want.Depth ||
				got.Chroma != want.Chroma || got.CICP != want.CICP || got.Orientation != want.Orientation || got.Crop != want.Crop || !bytes.Equal(got.ICC, want.ICC) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			f, original := listed(t, copied), listed(t, data)
			tiles, before := f.to("dimg", 1), original.to("dimg", want.Item)
			if len(tiles) != len(before) {
				t.Fatalf("%d tiles, want %d", len(tiles), len(before))
			}
			for i, id := range append(tiles, 1) {
				if got, want := f.contents(t, id), original.contents(t, append(before, want.Item)[i]); got != want {
					t.Errorf("item %d: %d bytes, want %d", id, len(got), len(want))
				}
			}
		})
	}
}

// A small file can't become a large copy, and references in circles end.
func TestCopyIsBounded(t *testing.T) {
	t.Run("overlapping data", func(t *testing.T) {
		const n = 1000
		extents := ""
		for i := range n {
			extents += n4(0) + n4(100+i)
		}
		m := made{iloc: bx("iloc", full(0, 0), n2(0x4400), n2(1), n2(1), n2(0), n2(n), extents)}
		_, err := alone(m.file(), 1, false)
		if fault.Of(err) != fault.Format || !strings.HasPrefix(err.Error(), "data of items overlap") {
			t.Error(err)
		}
	})
	t.Run("shared data", func(t *testing.T) {
		m := made{iloc: bx("iloc", full(0, 0), n2(0x4400), n2(1), n2(1), n2(0), n2(1000), strings.Repeat(n4(0)+n4(500), 1000))}
		data := m.file()
		if got, err := alone(data, 1, false); err != nil || len(got) > 2*len(data) {
			t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
		}
	})
	t.Run("circles", func(t *testing.T) {
		m := made{iinf: iinf(infe(1, "iovl"), infe(2, "iovl"), infe(3, HEVC)), iref: iref("dimg", 1, 2) + iref("dimg", 2, 1, 3) + iref("auxl", 1, 3) + iref("auxl", 3, 1)}
		if got, err := alone(m.file(), 1, true); err != nil || len(listed(t, got).items) != 3 {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct {
		m    made
		want string
	}{
		"encrypted":      {made{iinf: iinf(bx("infe", full(2, 0), n2(1), n2(1), HEVC, "\x00"))}, "item 1 is encrypted"},
		"tile not there": {made{iinf: iinf(infe(1, "grid")), iref: iref("dimg", 1, 9)}, "item 9 is not there"},
		"made otherwise": {made{iloc: bx("iloc", full(1, 0), n2(0x4400), n2(1), n2(1), n2(2), n2(0), n2(0))}, "item 1 is outside the file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := alone(c.m.file(), 1, true); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// A copy is not much longer than its file and has the item as its picture, whatever the
// file is.
func FuzzAlone(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data[:min(len(data), 2000)], uint32(2), true)
		}
	}
	f.Add(several(), uint32(1), true)
	f.Fuzz(func(t *testing.T, data []byte, item uint32, alpha bool) {
		got, err := alone(data, item, alpha)
		if err != nil {
			return
		}
		if len(got) > 12*len(data)+1000 { // an item in iinf may take 20 bytes in place of 2
			t.Fatalf("%d bytes, the file has %d", len(got), len(data))
		}
		again := file{r: bytes.NewReader(got), size: int64(len(got))}
		if err := again.walk(); err != nil || again.primary != 1 || again.items[1] == nil {
			t.Fatalf("primary item %d: %v", again.primary, err)
		}
		open(got)
	})
}
