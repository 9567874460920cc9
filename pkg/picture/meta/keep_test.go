package meta

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

func ascii(s string) []byte { return append([]byte(s), 0) }

// camera is the EXIF block of a photograph: what can be kept, and what must not be.
func camera(o order) []byte {
	rational := o.AppendUint32(o.AppendUint32(nil, 72), 1)
	return tree(o, []entry{
		{tagImageWidth, typeLong, 1, o.AppendUint32(nil, 4000)},
		{0x010f, typeASCII, 6, ascii("Maker")},
		{tagOrientation, typeShort, 1, o.AppendUint16(nil, 6)},
		{tagXResolution, typeRational, 1, rational},
		{tagYResolution, typeRational, 1, rational},
		{tagResolutionUnit, typeShort, 1, o.AppendUint16(nil, 2)},
		{tagDateTime, typeASCII, 20, ascii("2024:05:06 07:08:09")},
		{tagArtist, typeASCII, 8, ascii("A. Noble")[:8]},
		{tagCopyright, typeASCII, 14, []byte("(c) 2024\x00Edit\x00")},
		{tagExifIFD, typeLong, 1, nil},
	}, []entry{
		{tagTaken, typeASCII, 20, ascii("2023:01:02 03:04:05")},
		{tagOffsetTaken, typeASCII, 7, ascii("+01:00")},
		{tagSubSecTaken, typeASCII, 4, ascii("123")},
		{0x927c, typeUndefined, 12, []byte("secret maker")},
		{tagColorSpace, typeShort, 1, o.AppendUint16(nil, 0xffff)},
		{tagPixelX, typeShort, 1, o.AppendUint16(nil, 4000)},
		{tagPixelY, typeShort, 1, o.AppendUint16(nil, 3000)},
		{0xa431, typeASCII, 9, ascii("SN123456")}, // body serial number
	})
}

const packet = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:p="http://ns.adobe.com/photoshop/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 p:Credit="Agency &amp; Sons" tiff:Orientation="6" exif:GPSLatitude="48,8N" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2023-01-02T03:04:05+01:00">
<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob &lt;b@example.org&gt;</rdf:li></rdf:Seq></dc:creator>
<dc:rights xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt><rdf:li xml:lang="x-default">© Ann</rdf:li></rdf:Alt></dc:rights>
<xmp:Thumbnails><rdf:Alt><rdf:li>thumb</rdf:li></rdf:Alt></xmp:Thumbnails>
<exif:PixelXDimension>4000</exif:PixelXDimension>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

// iim returns a dataset.
func iim(number int, text string) []byte {
	b := []byte{0x1c, byte(number >> 8), byte(number)}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

func caption() []byte {
	return bytes.Join([][]byte{iim(iptcCharset, "\x1b%G"), iim(2<<8|120, "a secret caption"), iim(iptcByLine, "Ann"),
		iim(iptcDateCreated, "20230102"), iim(iptcCopyright, "© Ann"), iim(2<<8|202, "thumbnail")}, nil)
}

// texts returns the texts of a block that can be kept, by tag.
func texts(exif []byte) map[uint16]string {
	got := map[uint16]string{}
	for _, t := range Texts(exif, KeepDate|KeepCopyright) {
		got[t.Tag] = t.Value
	}
	return got
}

func TestOnlyWhatIsAskedForIsKept(t *testing.T) {
	date := map[uint16]string{tagDateTime: "2024:05:06 07:08:09", tagTaken: "2023:01:02 03:04:05", tagOffsetTaken: "+01:00", tagSubSecTaken: "123"}
	owner := map[uint16]string{tagArtist: "A. Noble", tagCopyright: "(c) 2024; Edit"}
	both := map[uint16]string{}
	for _, m := range []map[uint16]string{date, owner} {
		for k, v := range m {
			both[k] = v
		}
	}
	for _, c := range []struct {
		words    string
		exif     map[uint16]string
		xmp, not []string
		iptc     []byte
	}{
		{"date", date, []string{"<xmp:CreateDate>2023-01-02T03:04:05+01:00</xmp:CreateDate>"}, []string{"Ann", "Agency"},
			append(iim(iptcCharset, "\x1b%G"), iim(iptcDateCreated, "20230102")...)},
		{"copyright", owner, []string{"<photoshop:Credit>Agency &amp; Sons</photoshop:Credit>", "<rdf:li>Ann</rdf:li><rdf:li>Bob &lt;b@example.org&gt;</rdf:li>",
			`<rdf:li xml:lang="x-default">© Ann</rdf:li>`}, []string{"CreateDate"},
			append(iim(iptcCharset, "\x1b%G"), append(iim(iptcByLine, "Ann"), iim(iptcCopyright, "© Ann")...)...)},
		{"date,copyright", both, []string{"CreateDate", "Ann"}, nil,
			bytes.Join([][]byte{iim(iptcCharset, "\x1b%G"), iim(iptcByLine, "Ann"), iim(iptcDateCreated, "20230102"), iim(iptcCopyright, "© Ann")}, nil)},
	} {
		for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
			t.Run(c.words+" "+o.String(), func(t *testing.T) {
				m := raster.Metadata{EXIF: camera(o), XMP: []byte(packet), IPTC: caption()}
				got, note := Filter(m, ParseKeep(c.words), Result{W: 40, H: 30, SRGB: true, IPTC: true})
				if note != "" {
					t.Error(note)
				}
				have := texts(got.EXIF)
				if len(have) != len(c.exif) {
					t.Errorf("EXIF %v", have)
				}
				for tag, want := range c.exif {
					if have[tag] != want {
						t.Errorf("tag %#x is %q, want %q", tag, have[tag], want)
					}
				}
				if e := ParseEXIF(got.EXIF); e.Orientation != 1 || e.Space != Unnamed || e.Density != (raster.Density{}) {
					t.Errorf("%+v", e)
				}
				all := string(got.EXIF) + string(got.XMP) + string(got.IPTC)
				for _, secret := range append(c.not, "secret", "SN123456", "GPS", "48,8N", "Maker", "thumb") {
					if strings.Contains(all, secret) {
						t.Errorf("%q is in it", secret)
					}
				}
				for _, s := range c.xmp {
					if !strings.Contains(string(got.XMP), s) {
						t.Errorf("XMP has no %q: %s", s, got.XMP)
					}
				}
				if !bytes.Equal(got.IPTC, c.iptc) {
					t.Errorf("IPTC %q", got.IPTC)
				}
				// What was written is read as what it is.
				again, note := Filter(got, ParseKeep(c.words), Result{IPTC: true})
				if note != "" || !bytes.Equal(again.EXIF, got.EXIF) || !bytes.Equal(again.XMP, got.XMP) || !bytes.Equal(again.IPTC, got.IPTC) {
					t.Errorf("kept again: %q, note %q", again, note)
				}
			})
		}
	}
}

func TestAllIsCorrected(t *testing.T) {
	for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
		t.Run(o.String(), func(t *testing.T) {
			exif := camera(o)
			// A second directory with a thumbnail, at the end.
			at := 8 + 2 + 12*10
			o.PutUint32(exif[at:], uint32(len(exif)))
			exif = o.AppendUint16(exif, 2)
			for _, e := range []entry{{tagThumbnailAt, typeLong, 1, o.AppendUint32(nil, uint32(len(exif)+28))}, {tagThumbnailLen, typeLong, 1, o.AppendUint32(nil, 9)}} {
				exif = append(o.AppendUint32(o.AppendUint16(o.AppendUint16(exif, e.tag), e.typ), e.count), e.value...)
			}
			exif = append(o.AppendUint32(exif, 0), "thumbnail"...)
			was := string(exif)
			m := raster.Metadata{EXIF: exif, XMP: []byte(packet), IPTC: caption()}
			got, note := Filter(m, KeepAll, Result{W: 300, H: 400, Density: raster.Density{X: 5.5, Y: 5.5, Unit: raster.PerInch}, SRGB: true, IPTC: true})
			if note != "" || string(exif) != was {
				t.Errorf("note %q, changed %v", note, string(exif) != was)
			}
			e := ParseEXIF(got.EXIF)
			if e.Orientation != 1 || e.Space != SRGB || e.Density != (raster.Density{X: 5.5, Y: 5.5, Unit: raster.PerInch}) {
				t.Errorf("%+v", e)
			}
			b, first, _ := openEXIF(got.EXIF)
			sub, _ := b.integer(first, tagExifIFD)
			w, _ := b.integer(b.directory(sub), tagPixelX)
			h, _ := b.integer(b.directory(sub), tagPixelY)
			width, _ := b.integer(first, tagImageWidth)
			if w != 300 || h != 400 || width != 300 {
				t.Errorf("%d x %d, %d", w, h, width)
			}
			if s := string(got.EXIF); strings.Contains(s, "thumbnail") || !strings.Contains(s, "secret maker") || !strings.Contains(s, "SN123456") {
				t.Errorf("%q", s)
			}
			for _, s := range []string{"Orientation", "PixelXDimension", "thumb"} {
				if strings.Contains(string(got.XMP), s) {
					t.Errorf("XMP has %s: %s", s, got.XMP)
				}
			}
			for _, s := range []string{"48,8N", `p:Credit="Agency &amp; Sons"`, "© Ann"} {
				if !strings.Contains(string(got.XMP), s) {
					t.Errorf("XMP has no %s: %s", s, got.XMP)
				}
			}
			if _, err := parseXMP(got.XMP); err != nil {
				t.Error(err)
			}
			if s := string(got.IPTC); strings.Contains(s, "thumbnail") || !strings.Contains(s, "a secret caption") {
				t.Errorf("IPTC %q", s)
			}
		})
	}
}

func TestNothingIsKeptOfNothing(t *testing.T) {
	for _, words := range []string{"none", "date", "copyright", "all"} {
		t.Run(words, func(t *testing.T) {
			if got, note := Filter(raster.Metadata{}, ParseKeep(words), Result{}); !got.Empty() || note != "" {
				t.Errorf("%q, %q", got, note)
			}
		})
	}
	full := raster.Metadata{EXIF: camera(binary.BigEndian), XMP: []byte(packet), IPTC: caption()}
	if got, _ := Filter(full, ParseKeep("none"), Result{}); !got.Empty() {
		t.Errorf("%q", got)
	}
}

// A format without a place for IPTC has what it says in XMP.
func TestIPTCGoesIntoXMP(t *testing.T) {
	m := raster.Metadata{IPTC: append(caption(), iim(iptcByLine, "Bob")...)}
	got, note := Filter(m, KeepDate|KeepCopyright, Result{})
	if got.IPTC != nil || note != "" {
		t.Errorf("IPTC %q, note %q", got.IPTC, note)
	}
	for _, s := range []string{"<rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li>", "© Ann", "<photoshop:DateCreated>2023-01-02<"} {
		if !strings.Contains(string(got.XMP), s) {
			t.Errorf("no %s in %s", s, got.XMP)
		}
	}
	m.XMP = []byte(packet)
	if got, _ := Filter(m, KeepCopyright, Result{}); strings.Count(string(got.XMP), "Ann<") != 2 {
		t.Errorf("XMP that is there counts: %s", got.XMP)
	}
	if _, note := Filter(m, KeepAll, Result{}); note != "IPTC left out" {
		t.Errorf("note %q", note)
	}
}

func TestDamagedMetadata(t *testing.T) {
	for _, c := range []struct {
		name string
		in   raster.Metadata
		k    Keep
		note string
	}{
		{"XMP that is no XML", raster.Metadata{XMP: []byte("<a><b></a>")}, KeepDate, "damaged XMP left out"},
		{"XMP of many levels", raster.Metadata{XMP: []byte(strings.Repeat("<a>", 100))}, KeepCopyright, "damaged XMP left out"},
		{"XMP with entities", raster.Metadata{XMP: []byte(`<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>`)}, KeepCopyright, "damaged XMP left out"},
		{"all of it", raster.Metadata{EXIF: []byte("??"), XMP: []byte("<a>"), IPTC: []byte("x")}, KeepAll, "damaged EXIF and XMP and IPTC left out"},
		{"dates that are none", raster.Metadata{EXIF: tree(binary.BigEndian, []entry{{tagDateTime, typeASCII, 20, ascii("    :  :     :  :  ")}})}, KeepDate, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, note := Filter(c.in, c.k, Result{IPTC: true}); !got.Empty() || note != c.note {
				t.Errorf("%q, note %q", got, note)
			}
		})
	}
}

func TestPhotoshopResources(t *testing.T) {
	iptc := caption()
	block := PhotoshopOfIPTC(iptc)
	if got := IPTCOfPhotoshop(block); !bytes.Equal(got, iptc) {
		t.Errorf("%q", got)
	}
	other := append([]byte("8BIM\x04\x25\x03abc\x00\x00\x00\x03xyz\x00"), block...)
	if got := IPTCOfPhotoshop(other); !bytes.Equal(got, iptc) {
		t.Errorf("behind another resource: %q", got)
	}
	for n := range other {
		IPTCOfPhotoshop(other[:n]) // no cut makes it panic
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(camera(binary.BigEndian), []byte(packet), caption(), byte(3))
	f.Add(camera(binary.LittleEndian), []byte(packet), caption(), byte(4))
	f.Fuzz(func(t *testing.T, exif, xmp, iptc []byte, k byte) {
		m := raster.Metadata{EXIF: exif, XMP: xmp, IPTC: iptc}
		got, _ := Filter(m, Keep(k)&7, Result{W: 3, H: 4, SRGB: true})
		if Keep(k)&KeepAll == 0 && len(got.EXIF) > 0 {
			if e := ParseEXIF(got.EXIF); e.Orientation != 1 || e.Density != (raster.Density{}) {
				t.Errorf("%+v", e)
			}
		}
		if Keep(k)&KeepAll != 0 && len(got.EXIF) > len(exif) || len(got.IPTC) > len(iptc)+40 {
			t.Error("it grew")
		}
		if len(got.XMP) > 0 && Keep(k)&KeepAll == 0 {
			if _, err := parseXMP(got.XMP); err != nil {
				t.Errorf("wrote %q: %v", got.XMP, err)
			}
		}
		IPTCOfPhotoshop(iptc)
	})
}
