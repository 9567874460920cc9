package heif

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// mostMemory is the most that Open may allocate for any file, in bytes.
const mostMemory = 8 * maxMeta

// counted are many ids, one after another.
func counted(n int, f func(id int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// hostile are files that lie, with the kind and the beginning of the error that they get.
func hostile() map[string]struct {
	data []byte
	kind fault.Kind
	want string
} {
	type row = struct {
		data []byte
		kind fault.Kind
		want string
	}
	const bad, large = fault.Format, fault.TooLarge
	raw := func(s string) []byte { return []byte(s) }
	ftyp := bx("ftyp", "heic", n4(0), "heic")
	grid := func(rows, cols, w, h, tiles int, idat int) made {
		ids := make([]int, tiles)
		for i := range ids {
			ids[i] = 2
		}
		return made{iinf: iinf(infe(1, "grid"), infe(2, HEVC)), iref: iref("dimg", 1, ids...), iloc: ilocIDAT(1, 0, idat),
			ipco: bx("ipco", ispe(1000, 1000), ispe(512, 512), hvcC(1, 8)), ipma: ipma(assign(1, 1), assign(2, 2, 3)),
			idat: n2(0) + n1(rows-1) + n1(cols-1) + n2(w) + n2(h)}
	}
	cyclic := func(kind string) made {
		return made{iinf: iinf(infe(1, kind), infe(2, kind)), iref: iref("dimg", 1, 2) + iref("dimg", 2, 1), ipma: ipma(assign(1, 1), assign(2, 1))}
	}
	long := func(id int) string { return infe(id%65536, HEVC) }
	return map[string]row{
		"empty":                              {nil, bad, "truncated: no meta box in the first 0 of 0 bytes"},
		"a box smaller than itself":          {raw(ftyp + n4(4) + "meta"), bad, `box "meta" of 4 bytes, which is less than its header`},
		"a box of 2^64 bytes":                {raw(ftyp + n4(1) + "mdat" + strings.Repeat("\xff", 8)), bad, "truncated: no meta box"},
		"meta of 2^64 bytes":                 {raw(ftyp + n4(1) + "meta" + strings.Repeat("\xff", 8)), bad, "truncated: box meta has 0 of"},
		"meta of 4 GB":                       {raw(ftyp + n4(-16) + "meta"), bad, "truncated: box meta has 0 of 4294967272"},
		"a meta of 5 MB":                     {raw(ftyp + bx("meta", strings.Repeat("\x00", 5<<20))), large, "box meta of 5242880 bytes > 4194304"},
		"meta to the end":                    {raw(ftyp + n4(0) + "meta"), bad, "no box pitm"},
		"ftyp of 1 MB":                       {raw(bx("ftyp", strings.Repeat("heic", 1<<18))), large, "box ftyp of 1048576 bytes"},
		"endless boxes of the file":          {raw(ftyp + strings.Repeat(bx("free"), 1000)), bad, "truncated: no meta box in the first 812 of 8020 bytes"},
		"endless boxes in meta":              {raw(ftyp + bx("meta", full(0, 0), strings.Repeat(bx("free"), 1<<16))), large, "more than 32768 boxes in a box"},
		"a box beyond meta":                  {raw(ftyp + bx("meta", full(0, 0), n4(100)+"iinf")), bad, `truncated: box "iinf" of 100 bytes with room for 8`},
		"a sequence without a still picture": {raw(bx("ftyp", "hevc", n4(0), "msf1") + bx("moov")), fault.Unsupported, "a sequence without"},
		"too many items":                     {made{iinf: iinf(counted(20000, long))}.file(), large, "more than 16384 items"},
		"iloc for 2^32 items":                {made{iloc: bx("iloc", full(2, 0), n2(0), n4(-1))}.file(), large, "box iloc for 4294967295 items > 16384"},
		"iloc that ends early":               {made{iloc: bx("iloc", full(0, 0), n2(0x4400), n2(9))}.file(), bad, "box iloc ends early"},
		"iloc of version 3":                  {made{iloc: bx("iloc", full(3, 0), n2(0), n2(0))}.file(), fault.Unsupported, "box iloc of version 3"},
		"numbers of 15 bytes":                {made{iloc: bx("iloc", full(0, 0), n2(0xffff), n2(1))}.file(), bad, "box iloc has numbers of 15 bytes"},
		"pieces without bytes":               {made{iloc: bx("iloc", full(0, 0), n2(0), n2(16000), strings.Repeat(n2(1)+n2(0)+n2(0xffff), 16000))}.file(), large, "more than 32768 pieces of data"},
		"an offset that wraps":               {made{iloc: bx("iloc", full(0, 0), n2(0x8880), n2(1), n2(1), n2(0), strings.Repeat("\xff", 8), n2(1), strings.Repeat("\xff", 8), n4(0), n4(1))}.file(), bad, "item 1 has data at"},
		"no primary item":                    {made{pitm: bx("pitm", full(0, 0), n2(77))}.file(), bad, "primary item 77 is not there"},
		"too many references":                {made{iref: strings.Repeat(bx("thmb", n2(1)+n2(0xffff)), 2)}.file(), large, "more than 32768 references"},
		"references that end early":          {made{iref: bx("thmb", n2(1)+n2(20000))}.file(), bad, "box iref ends early"},
		"too many properties":                {made{ipco: bx("ipco", strings.Repeat(bx("free"), 5000))}.file(), large, "more than 4096 properties"},
		"a property that is not there":       {made{ipma: ipma(assign(1, 1, 2, 99))}.file(), bad, "item 1 has property 99 of 2"},
		"ipma for 2^32 items":                {made{ipma: bx("ipma", full(0, 0), n4(-1))}.file(), bad, "box ipma ends early"},
		"endless uses of properties":         {made{ipma: ipmaOf(1000, counted(1000, func(id int) string { return assign(id, make([]int, 255)...) }))}.file(), large, "more than 65536 properties of items"},
		"no size":                            {made{ipma: ipma(assign(1, 2))}.file(), bad, "picture 1 has no size"},
		"a size of 0":                        {made{ipco: bx("ipco", ispe(0, 48), hvcC(1, 8))}.file(), bad, "a picture of 0×48 pixels"},
		"a side of 2^32":                     {made{ipco: bx("ipco", ispe(-1, 1), hvcC(1, 8))}.file(), large, "4294967295×1: side over"},
		"no configuration":                   {made{ipma: ipma(assign(1, 1))}.file(), bad, "picture 1 has no hvcC"},
		"a short configuration":              {made{ipco: bx("ipco", ispe(64, 48), bx("hvcC", "\x01"))}.file(), bad, "box hvcC ends early"},
		"a grid with too few tiles":          {grid(2, 2, 1000, 1000, 3, 8).file(), bad, "grid of 2×2 tiles has 3"},
		"a grid of another size":             {grid(2, 2, 1001, 1000, 4, 8).file(), bad, "grid of 1001×1000 pixels is said to have 1000×1000"},
		"a grid with gaps":                   {grid(1, 2, 1000, 1000, 2, 8).file(), bad, "2×1 tiles of 512×512 pixels don't cover 1000×1000"},
		"a grid cut short":                   {grid(2, 2, 1000, 1000, 4, 5).file(), bad, "grid of 5 bytes ends early"},
		"a grid beyond idat":                 {grid(2, 2, 1000, 1000, 4, 50).file(), bad, "truncated: item 1 ends at 50 of 8 bytes"},
		"a grid of nothing":                  {made{iinf: iinf(infe(1, "grid"))}.file(), bad, "item 1 is made of no pictures"},
		"a grid of what is not there":        {made{iinf: iinf(infe(1, "grid")), iref: iref("dimg", 1, 9)}.file(), bad, "item 9 is a part of item 1 and not there"},
		"a picture of itself":                {cyclic("iden").file(), large, "more than 4 derived pictures of derived pictures"},
		"overlays in a circle":               {cyclic("iovl").file(), large, "more than 4 derived pictures of derived pictures"},
		"more frames than can be":            {made{ftyp: bx("ftyp", "avis", n4(0), "avis"), rest: stsz(1<<16+1, 4*(1<<16+1))}.file(), large, "65537 frames > 65536"},
	}
}

// stsz is a moov whose only track says that it has some number of frames in a table of so
// many bytes.
func stsz(frames, bytes int) string {
	return bx("moov", bx("trak", bx("mdia", bx("hdlr", full(0, 0), n4(0), "pict"),
		bx("minf", bx("stbl", bx("stsz", full(0, 0), n4(0), n4(frames), strings.Repeat("\x00", bytes)))))))
}

func TestHostileFiles(t *testing.T) {
	for name, c := range hostile() {
		t.Run(name, func(t *testing.T) {
			_, err := bounded(t, c.data)
			if err == nil || fault.Of(err) != c.kind || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v: %v, want %v: %s", fault.Of(err), err, c.kind, c.want)
			}
		})
	}
}

// bounded opens a file and checks the memory that it takes.
func bounded(t *testing.T, data []byte) (*Picture, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := open(data)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostMemory {
		t.Errorf("%d KiB allocated", n>>10)
	}
	return p, err
}

// Work is bounded by the size of the file: none of these may multiply one list by another.
func TestListsAreNotMultiplied(t *testing.T) {
	const n = 16000
	all := func(f func(id int) string) string { return counted(n, func(i int) string { return f(i + 2) }) }
	urn := bx("auxC", full(0, 0), strings.Repeat("u", 1<<20))
	for name, m := range map[string]made{
		"alpha pictures":        {iinf: iinf(infe(1, HEVC), all(func(id int) string { return infe(id, HEVC) })), iref: all(func(id int) string { return iref("auxl", id, 1) }), ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), urn), ipma: ipmaOf(n+1, assign(1, 1, 2), all(func(id int) string { return assign(id, 3) }))},
		"one alpha often":       {iinf: iinf(infe(1, HEVC), infe(2, HEVC)), iref: strings.Repeat(iref("auxl", 2, 1), n), ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), urn), ipma: ipmaOf(n+1, assign(1, 1, 2), strings.Repeat(assign(2, 3), n))},
		"EXIF":                  {iinf: iinf(infe(1, HEVC), all(func(id int) string { return infe(id, "Exif") })), iref: all(func(id int) string { return iref("cdsc", id, 1) })},
		"references to the one": {iref: bx("thmb", n2(1)+n2(n)+strings.Repeat(n2(1), n))},
		"one tile in pieces": {iinf: iinf(infe(1, "iovl"), infe(2, HEVC)), iref: bx("dimg", n2(1)+n2(n)+strings.Repeat(n2(2), n)), ipma: ipma(assign(1, 1), assign(2, 1, 2)),
			iloc: bx("iloc", full(0, 0), n2(0), n2(1), n2(2), n2(0), n2(30000))},
		"one tile with its size last": {iinf: iinf(infe(1, "grid"), infe(2, HEVC)), iref: bx("dimg", n2(1)+n2(n)+strings.Repeat(n2(2), n)), idat: n2(0) + n1(124) + n1(127) + n2(64) + n2(48),
			iloc: ilocIDAT(1, 0, 8), ipma: ipma(assign(1, 1), assign(2, append(slices.Repeat([]int{2}, 254), 1)...))},
	} {
		t.Run(name, func(t *testing.T) {
			data := m.file()
			start := time.Now()
			if _, err := bounded(t, data); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > 2*time.Second { // milliseconds, if all is well
				t.Errorf("%v for %d bytes", d, len(data))
			}
		})
	}
}

// What is wrong with metadata or the list of frames is a note.
func TestNotes(t *testing.T) {
	sequence := bx("ftyp", "avis", n4(0), "avis")
	exif := func(iloc, idat string) made {
		return made{iinf: iinf(infe(1, HEVC), infe(2, "Exif")), iref: iref("cdsc", 2, 1), iloc: iloc, idat: idat}
	}
	big := strings.Repeat("\x00", maxMetadata+1)
	for name, c := range map[string]struct {
		m    made
		want string
	}{
		"EXIF beyond the file":    {exif(bx("iloc", full(0, 0), n2(0x4400), n2(1), n2(2), n2(0), n2(1), n4(0), n4(1<<20)), ""), "metadata ignored: truncated: item 2 ends at 1048576 of"},
		"EXIF of 1 MB and a byte": {exif(ilocIDAT(2, 0, len(big)), big), "metadata ignored: item 2 of more than 1048576 bytes"},
		"EXIF that begins late":   {exif(ilocIDAT(2, 0, 6), n4(7)+"MM"), "metadata ignored: EXIF of 2 bytes begins at 7"},
		"frames without sizes":    {made{ftyp: sequence, rest: stsz(10, 36)}, "damaged list of frames"},
		"frames that are cut":     {made{ftyp: sequence, rest: n4(100) + "moov"}, "frames not counted: truncated: box moov has 0 of 92 bytes"},
		"no profile":              {made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("colr", "prof", "?")), ipma: ipma(assign(1, 1, 2, 3))}, "damaged colour profile ignored"},
		"a crop by 0":             {made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("clap", strings.Repeat("\x00", 32))), ipma: ipma(assign(1, 1, 2, 3))}, "crop that is not within the picture ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := open(c.m.file())
			if err != nil || p.W != 64 || p.Frames != 1 || !strings.HasPrefix(strings.Join(p.Notes(), "; "), c.want) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestLimitOfPixels(t *testing.T) {
	data := made{ipco: bx("ipco", ispe(20000, 20000), hvcC(1, 8))}.file()
	if _, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{}); fault.Of(err) != fault.TooLarge || err.Error() != "400 Mpixel > 250 Mpixel (-maxpixels)" {
		t.Error(err)
	}
}

// failing is a file whose disk fails.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestFailedReadIsNoDamage(t *testing.T) {
	if _, err := Open(failing{}, 1000, unlimited); fault.Of(err) != fault.Internal {
		t.Errorf("%v: %v", fault.Of(err), err)
	}
}

// FuzzOpen gives any bytes to Open. What it accepts must be a picture within bounds.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"exif.heic", "alpha.heic", "thumb.heic", "p3.heic", "deep.avif", "grid.avif", "anim.avif", "exif.avif"} {
		f.Add(testdata(f, name))
	}
	for _, c := range hostile() {
		if len(c.data) < 1<<16 {
			f.Add(c.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := open(data)
		if err != nil {
			if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
				t.Fatalf("%v: %v", k, err)
			}
			return
		}
		if p.W < 1 || p.H < 1 || p.W > raster.MaxSide || p.H > raster.MaxSide || p.Orientation < 1 || p.Orientation > 8 || p.Depth < 0 || p.Depth > 255 || p.Frames < 1 || p.Frames > maxFrames ||
			len(p.Metadata.EXIF) > maxMetadata || len(p.Metadata.XMP) > maxMetadata || p.Premul && !p.Alpha {
			t.Fatalf("%+v", p)
		}
	})
}
