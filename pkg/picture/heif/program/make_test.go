package program

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"strings"
)

// bx returns a box (ISO/IEC 14496-12, 4.2).
func bx(kind string, parts ...string) string {
	payload := strings.Join(parts, "")
	return n4(8+len(payload)) + kind + payload
}

func n1(v int) string { return string([]byte{byte(v)}) }
func n2(v int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(v))) }
func n4(v int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(v))) }

// full is the version and the flags of a box.
func full(version, flags int) string { return n4(version<<24 | flags) }

// item is an item of a file that a test makes. Its id is its place, from 1.
type item struct {
	kind       string
	hidden     bool
	properties []string // boxes
	data       string
}

// link is a reference between items.
type link struct {
	kind string
	from int
	to   []int
}

// build returns a HEIF file of items, of which the first is primary.
func build(items []item, links ...link) []byte {
	var infe, ipco, ipma, iref, mdat string
	properties := 0
	for i, it := range items {
		hidden := 0
		if it.hidden {
			hidden = 1
		}
		infe += bx("infe", full(2, hidden), n2(i+1), n2(0), it.kind, "\x00")
		ipma += n2(i+1) + n1(len(it.properties))
		for _, p := range it.properties {
			properties++
			ipco += p
			essential := 0
			if kind := p[4:8]; kind == "hvcC" || kind == "irot" || kind == "imir" || kind == "clap" {
				essential = 0x80
			}
			ipma += n1(properties | essential)
		}
	}
	for _, l := range links {
		to := ""
		for _, id := range l.to {
			to += n2(id)
		}
		iref += bx(l.kind, n2(l.from), n2(len(l.to)), to)
	}
	make := func(start int) (string, string) {
		iloc := ""
		mdat = ""
		for i, it := range items {
			iloc += n2(i+1) + n2(0) + n2(1) + n4(start+len(mdat)) + n4(len(it.data))
			mdat += it.data
		}
		ref := ""
		if iref != "" {
			ref = bx("iref", full(0, 0), iref)
		}
		meta := bx("meta", full(0, 0), bx("hdlr", full(0, 0), n4(0), "pict", strings.Repeat("\x00", 13)),
			bx("pitm", full(0, 0), n2(1)), bx("iloc", full(0, 0), n2(0x4400), n2(len(items)), iloc),
			bx("iinf", full(0, 0), n2(len(items)), infe), ref, bx("iprp", bx("ipco", ipco), bx("ipma", full(0, 0), n4(len(items)), ipma)))
		return bx("ftyp", "heic", n4(0), "mif1heic") + meta, mdat
	}
	head, _ := make(0)
	head, data := make(len(head) + 8)
	return []byte(head + bx("mdat", data))
}

func ispe(w, h int) string { return bx("ispe", full(0, 0), n4(w), n4(h)) }

// coded returns the item of a picture that heif-enc has coded.
func (f folder) coded(m image.Image) item {
	f.t.Helper()
	f.writePNG("coded.png", m)
	f.run("heif-enc", "-q", "95", "-p", "preset=ultrafast", "-o", "coded.heic", "coded.png")
	b := f.read("coded.heic")
	box := func(kind string) string {
		i := bytes.Index(b, []byte(kind))
		if i < 4 {
			f.t.Fatalf("heif-enc wrote no box %s", kind)
		}
		return string(b[i-4 : i-4+int(binary.BigEndian.Uint32(b[i-4:]))])
	}
	return item{kind: "hvc1", properties: []string{ispe(m.Bounds().Dx(), m.Bounds().Dy()), box("hvcC")}, data: box("mdat")[8:]}
}

// with returns the item with more properties.
func (it item) with(boxes ...string) item {
	it.properties = append(append([]string{}, it.properties...), boxes...)
	return it
}

func (it item) hide() item {
	it.hidden = true
	return it
}

func (f folder) write(name string, b []byte) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), b, 0o666); err != nil {
		f.t.Fatal(err)
	}
}

// turned returns a picture turned a quarter to the right.
func turned(m *image.NRGBA) *image.NRGBA {
	b := m.Bounds()
	o := image.NewNRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			o.SetNRGBA(b.Dy()-1-y, x, m.NRGBAAt(b.Min.X+x, b.Min.Y+y))
		}
	}
	return o
}

// part returns a part of a picture, from 0, 0 on; beyond its ends it goes on with its last
// pixels.
func part(m *image.NRGBA, x, y, w, h int) *image.NRGBA {
	o := image.NewNRGBA(image.Rect(0, 0, w, h))
	for dy := range h {
		for dx := range w {
			o.SetNRGBA(dx, dy, m.NRGBAAt(min(x+dx, m.Rect.Dx()-1), min(y+dy, m.Rect.Dy()-1)))
		}
	}
	return o
}
