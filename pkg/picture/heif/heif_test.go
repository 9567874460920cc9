package heif

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

var unlimited = raster.Limits{Pixels: math.MaxInt64}

// The files of testdata were made by heif-enc (libheif 1.15) and avifenc (libavif 0.11).
func TestFilesOfHeifEncAndAvifenc(t *testing.T) {
	heic := Picture{W: 64, H: 48, Item: 2, StoredW: 64, StoredH: 48, Crop: geometry.Whole(64, 48), Orientation: 1, Coding: HEVC, Depth: 8, Chroma: C420, Rows: 1, Cols: 1, Frames: 1, CICP: [4]byte{2, 2, 6, 1}}
	avif := heic
	avif.Item, avif.Coding, avif.Chroma, avif.CICP = 1, AV1, C444, [4]byte{1, 13, 6, 1}
	with := func(p Picture, turn func(*Picture)) Picture {
		turn(&p)
		return p
	}
	for _, c := range []struct {
		file, profile, date string
		want                Picture
	}{
		{"exif.heic", "", "2026-11-29T18:30:00+01:00", with(heic, func(p *Picture) { p.CICP[2] = 2 })},
		{"alpha.heic", "", "", with(heic, func(p *Picture) { p.Alpha, p.AlphaItem = true, 4 })},
		{"odd.heic", "", "", with(heic, func(p *Picture) { p.W, p.H, p.StoredW, p.StoredH, p.Crop = 45, 31, 45, 31, geometry.Whole(45, 31) })},
		{"thumb.heic", "", "", with(heic, func(p *Picture) { p.Thumbs = []Thumb{{4, 32, 24}} })},
		{"p3.heic", "sP3C", "", heic},
		{"deep.heic", "", "", with(heic, func(p *Picture) { p.Depth, p.Chroma = 10, C444 })},
		{"exif.avif", "", "2026-11-29T18:30:00+01:00", with(avif, func(p *Picture) { p.W, p.H, p.Orientation, p.Chroma = 48, 64, 5, C420 })},
		{"alpha.avif", "", "", with(avif, func(p *Picture) { p.Alpha, p.AlphaItem = true, 2 })},
		{"deep.avif", "", "", with(avif, func(p *Picture) {
			p.W, p.H, p.Depth, p.Chroma, p.CICP = 40, 30, 12, C422, [4]byte{9, 16, 9, 1}
			p.Crop = geometry.Rect{X: 8, Y: 6, W: 40, H: 30}
		})},
		{"gray.avif", "", "", with(avif, func(p *Picture) { p.Chroma = Mono })},
		{"grid.avif", "", "", with(avif, func(p *Picture) {
			p.W, p.H, p.Cols = 256, 96, 2
			p.StoredW, p.StoredH, p.Crop = 256, 96, geometry.Whole(256, 96)
		})},
		{"anim.avif", "", "", with(avif, func(p *Picture) { p.Frames, p.Alpha, p.AlphaItem = 3, true, 2 })},
	} {
		t.Run(c.file, func(t *testing.T) {
			p, err := open(testdata(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if got := meta.ICCName(p.ICC); got != c.profile {
				t.Errorf("profile %q, want %q", got, c.profile)
			}
			if got := meta.DateOf(p.Metadata.EXIF); got != c.date {
				t.Errorf("date %q, want %q", got, c.date)
			}
			if want := map[string]string{".heic": format.HEIC, ".avif": format.AVIF}[filepath.Ext(c.file)]; p.Format() != want {
				t.Errorf("format %s, want %s", p.Format(), want)
			}
			p.ICC, p.Metadata = nil, raster.Metadata{}
			if !reflect.DeepEqual(*p, c.want) {
				t.Errorf("%+v\nwant %+v", *p, c.want)
			}
		})
	}
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A telephone stores 12 Mpixel as tiles, turned, with a thumbnail, a profile, EXIF and a
// gain map.
func TestPictureOfATelephone(t *testing.T) {
	const rows, cols = 6, 8
	icc := make([]byte, 132)
	copy(icc[16:], "RGB ")
	copy(icc[36:], "acsp")
	icc[3] = 132
	items := []string{infe(1, "grid"), infe(2, HEVC), infe(3, "Exif"), bx("infe", full(2, 1), n2(4), n2(0), "mime", "\x00application/rdf+xml\x00"), infe(5, HEVC)}
	uses := []string{assign(1, 1, 3, -4), assign(2, 5, -6), assign(5, 5, -6, 7)}
	var tiles []int
	for i := range rows * cols {
		items = append(items, infe(10+i, HEVC))
		uses = append(uses, assign(10+i, 2, -6))
		tiles = append(tiles, 10+i)
	}
	grid := n1(0) + n1(0) + n1(rows-1) + n1(cols-1) + n2(4032) + n2(3024)
	exif, xmp := n4(6)+"Exif\x00\x00MM\x00*", "<x:xmpmeta/>"
	at := func(id, method, off, n int) string { return n2(id) + n2(method) + n2(0) + n2(1) + n4(off) + n4(n) }
	m := made{
		iinf: iinf(items...),
		iloc: bx("iloc", full(1, 0), n2(0x4400), n2(3), at(1, 1, 0, len(grid)), at(3, 1, len(grid), len(exif)), at(4, 1, len(grid)+len(exif), len(xmp))),
		iref: iref("dimg", 1, tiles...) + iref("thmb", 2, 1) + iref("cdsc", 3, 1) + iref("cdsc", 4, 1) + iref("auxl", 5, 1),
		ipco: bx("ipco", ispe(4032, 3024), ispe(512, 512), bx("colr", "prof", string(icc)), bx("irot", n1(3)), ispe(320, 240), hvcC(1, 8),
			bx("auxC", full(0, 0), "urn:com:apple:photo:2020:aux:hdrgainmap\x00")),
		ipma: ipma(uses...), idat: grid + exif + xmp, rest: bx("mdat", "pixels"),
	}
	got, err := open(m.file())
	if err != nil {
		t.Fatal(err)
	}
	want := &Picture{Item: 1, W: 3024, H: 4032, StoredW: 4032, StoredH: 3024, Crop: geometry.Whole(4032, 3024), Orientation: 6, Coding: HEVC, Depth: 8, Chroma: C420, ICC: icc, Rows: rows, Cols: cols,
		Thumbs: []Thumb{{2, 320, 240}}, Frames: 1, Others: true, Metadata: raster.Metadata{EXIF: []byte("MM\x00*"), XMP: []byte(xmp)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// point is a place from the middle of a picture, y downwards.
type point struct{ x, y float64 }

// upright says where a point of the stored picture is when it has been made upright, for
// each orientation (Exif 2.32, 4.6.4).
var upright = map[uint8]func(point) point{
	1: func(p point) point { return p }, 2: func(p point) point { return point{-p.x, p.y} },
	3: func(p point) point { return point{-p.x, -p.y} }, 4: func(p point) point { return point{p.x, -p.y} },
	5: func(p point) point { return point{p.y, p.x} }, 6: func(p point) point { return point{-p.y, p.x} },
	7: func(p point) point { return point{-p.y, -p.x} }, 8: func(p point) point { return point{p.y, -p.x} },
}

// Every row of turns and mirrorings, in either order, against turning a point with each.
func TestOrientation(t *testing.T) {
	left := func(p point) point { return point{p.y, -p.x} } // a quarter turn
	for angle := range 4 {
		for mirror := range 3 { // 2: none
			for _, mirrorFirst := range []bool{false, true} {
				at := point{1, 2}
				turn := func() {
					for range angle {
						at = left(at)
					}
				}
				mirrorIt := func() {
					switch mirror {
					case 0:
						at.y = -at.y
					case 1:
						at.x = -at.x
					}
				}
				order := []int{-3, -4}
				if mirrorFirst {
					order = []int{-4, -3}
					mirrorIt()
					turn()
				} else {
					turn()
					mirrorIt()
				}
				if mirror == 2 {
					order = []int{-3}
				}
				m := made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("irot", n1(angle)), bx("imir", n1(mirror&1))), ipma: ipma(assign(1, append([]int{1, -2}, order...)...))}
				p, err := open(m.file())
				if err != nil {
					t.Fatal(err)
				}
				if got := upright[p.Orientation](point{1, 2}); got != at {
					t.Errorf("irot %d, imir %d, mirrored first %v: orientation %d takes (1, 2) to %v, want %v", angle, mirror, mirrorFirst, p.Orientation, got, at)
				}
				if want := angle&1 == 1; (p.W == 48) != want {
					t.Errorf("irot %d: %d×%d", angle, p.W, p.H)
				}
			}
		}
	}
}

func TestCropComesInOrder(t *testing.T) {
	crop := bx("clap", n4(40), n4(1), n4(60), n4(2), n4(-8), n4(1), n4(0), n4(1)) // 40 × 30, 8 to the left
	for _, c := range []struct {
		name string
		use  []int
		w, h int
		note string
	}{
		{"before it is turned", []int{1, -2, -3, -4}, 30, 40, ""},
		{"not within the picture, that is turned first", []int{1, -2, -4, -3}, 48, 64, "crop that is not within the picture ignored"},
		{"twice", []int{1, -3, -3}, 40, 30, "crop that is not within the picture ignored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), crop, bx("irot", n1(1))), ipma: ipma(assign(1, append([]int{-2}, c.use...)...))}
			p, err := open(m.file())
			if err != nil {
				t.Fatal(err)
			}
			if p.W != c.w || p.H != c.h || strings.Join(p.Notes(), "") != c.note {
				t.Errorf("%d×%d, %q", p.W, p.H, p.Notes())
			}
		})
	}
}

func TestSaysWhatCannotBeDecoded(t *testing.T) {
	for name, c := range map[string]struct {
		m    made
		want string
	}{
		"another coding":                {made{iinf: iinf(infe(1, "jpeg"))}, `coded as "jpeg"`},
		"an unknown essential property": {made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("wipe")), ipma: ipma(assign(1, 1, 2, -3))}, `needs property "wipe"`},
		"an unknown property":           {made{ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("wipe")), ipma: ipma(assign(1, 1, 2, 3))}, ""},
		"encrypted":                     {made{iinf: iinf(bx("infe", full(2, 0), n2(1), n2(1), HEVC, "\x00"))}, "encrypted"},
		"in another file":               {made{iloc: bx("iloc", full(0, 0), n2(0), n2(1), n2(1), n2(1), n2(0))}, "pixels outside the file"},
		"an overlay":                    {made{iinf: iinf(infe(1, "iovl"), infe(2, HEVC)), iref: iref("dimg", 1, 2), ipma: ipma(assign(1, 1), assign(2, 1, 2))}, "an overlay of pictures"},
		"identity":                      {made{iinf: iinf(infe(1, "iden"), infe(2, HEVC)), iref: iref("dimg", 1, 2), ipma: ipma(assign(1, 1), assign(2, 1, 2))}, "derived from another picture"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := open(c.m.file())
			if err != nil || p.Unsupported != c.want || p.W != 64 || p.Depth != 8 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestPremultipliedAlpha(t *testing.T) {
	m := made{iinf: iinf(infe(1, HEVC), infe(2, HEVC)), iref: iref("auxl", 2, 1) + iref("prem", 1, 2),
		ipco: bx("ipco", ispe(64, 48), hvcC(1, 8), bx("auxC", full(0, 0), "urn:mpeg:hevc:2015:auxid:1\x00")), ipma: ipma(assign(1, 1, 2), assign(2, 1, 2, -3))}
	if p, err := open(m.file()); err != nil || !p.Alpha || !p.Premul {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestBrand(t *testing.T) {
	ftyp := func(brands ...string) string { return bx("ftyp", brands[0], n4(0), strings.Join(brands[1:], "")) }
	for data, want := range map[string]string{
		ftyp("heic", "mif1"): "HEIC", ftyp("mif1", "heix"): "HEIC", ftyp("avis"): "AVIF", ftyp("mif1", "avif"): "AVIF", ftyp("mif1", "miaf"): "HEIF",
		ftyp("isom", "avc1"): "", ftyp("isom", "mif1"): "", "": "", "\x00\x00\x00\x14ftyp": "", "\xff\xff\xff\xffftypheic": "HEIC", "\x00\x00\x00\x00ftypavif": "AVIF",
	} {
		if got := Brand([]byte(data)); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

func TestSRGB(t *testing.T) {
	for cicp, want := range map[[4]byte]bool{{}: true, {1, 13, 6, 1}: true, {2, 2, 2, 0}: true, {12, 13, 6, 1}: false, {9, 16, 9, 1}: false} {
		if got := (&Picture{CICP: cicp}).SRGB(); got != want {
			t.Errorf("%v: %v", cicp, got)
		}
	}
}

// A cut file has its header, and says that it is cut.
func TestTruncated(t *testing.T) {
	data := testdata(t, "odd.heic")
	p, err := open(data[:len(data)-1])
	if err != nil || !slices.Equal(p.Notes(), []string{"truncated: 535 of 536 bytes"}) {
		t.Errorf("%+v, %v", p, err)
	}
	for n := range data {
		if p, err := open(data[:n]); err == nil && len(p.Notes()) == 0 || err != nil && fault.Of(err) != fault.Format {
			t.Errorf("%d bytes: %+v, %v: %v", n, p, fault.Of(err), err)
		}
	}
}
