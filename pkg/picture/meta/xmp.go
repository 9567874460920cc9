package meta

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Namespaces of XMP (ISO 16684-1:2019, clause 8; the Exif ones in ISO 16684-2).
const (
	nsRDF       = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	nsDC        = "http://purl.org/dc/elements/1.1/"
	nsPhotoshop = "http://ns.adobe.com/photoshop/1.0/"
	nsRights    = "http://ns.adobe.com/xap/1.0/rights/"
	nsXMP       = "http://ns.adobe.com/xap/1.0/"
	nsExif      = "http://ns.adobe.com/exif/1.0/"
	nsTIFF      = "http://ns.adobe.com/tiff/1.0/"
	nsNote      = "http://ns.adobe.com/xmp/note/"
)

// Bounds of an XMP packet that is read.
const (
	maxXMP      = 1 << 20 // bytes
	maxXMPDepth = 64      // elements in one another
	maxValues   = 16      // of one property
)

// property is one that can be kept, and how it is written.
type property struct {
	ns, prefix, name string
	array            string // rdf:Seq, rdf:Alt, or "" for a single text
	with             Keep
	valid            func(string) bool // nil: any text
}

var isoDate = matches(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?$`)

// properties are in the order in which they are written.
var properties = []property{
	{nsDC, "dc", "creator", "rdf:Seq", KeepCopyright, nil},
	{nsDC, "dc", "rights", "rdf:Alt", KeepCopyright, nil},
	{nsExif, "exif", "DateTimeOriginal", "", KeepDate, isoDate},
	{nsPhotoshop, "photoshop", "Credit", "", KeepCopyright, nil},
	{nsPhotoshop, "photoshop", "DateCreated", "", KeepDate, isoDate},
	{nsXMP, "xmp", "CreateDate", "", KeepDate, isoDate},
	{nsRights, "xmpRights", "WebStatement", "", KeepCopyright, nil},
}

// xmp has the values of the properties that can be kept, by their place in properties.
type xmp [][]string

// find returns the place of a property in the list, or -1.
func find(name xml.Name) int {
	return slices.IndexFunc(properties, func(p property) bool { return p.ns == name.Space && p.name == name.Local })
}

// add adds a value of property i, if it is one that the property can have.
func (x xmp) add(i int, s string) {
	s = cleanText(s)
	if valid := properties[i].valid; s != "" && len(x[i]) < maxValues && (valid == nil || valid(s)) {
		x[i] = append(x[i], s)
	}
}

var errXMP = errors.New("too large or too deep")

// parseXMP reads the properties of a packet that can be kept: those that are attributes
// of an rdf:Description, and those that are elements in one. A value is a text, or a list
// of texts in rdf:li.
func parseXMP(packet []byte) (xmp, error) {
	x := make(xmp, len(properties))
	if len(packet) == 0 {
		return x, nil
	}
	if len(packet) > maxXMP {
		return x, errXMP
	}
	d := xml.NewDecoder(bytes.NewReader(packet))
	var path []xml.Name
	var text strings.Builder
	at := -1 // the property whose element this is in
	for {
		token, err := d.Token()
		switch {
		case err == io.EOF:
			return x, nil
		case err != nil:
			return x, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name); len(path) > maxXMPDepth {
				return x, errXMP
			}
			text.Reset()
			if description(token.Name) {
				for _, a := range token.Attr {
					if i := find(a.Name); i >= 0 {
						x.add(i, a.Value)
					}
				}
			}
			if len(path) > 1 && description(path[len(path)-2]) {
				at = find(token.Name)
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			parent := len(path) > 1 && description(path[len(path)-2])
			li := token.Name == xml.Name{Space: nsRDF, Local: "li"}
			if at >= 0 && (li || parent) {
				x.add(at, text.String())
			}
			if parent {
				at = -1
			}
			text.Reset()
			path = path[:len(path)-1]
		}
	}
}

func description(n xml.Name) bool { return n == xml.Name{Space: nsRDF, Local: "Description"} }

// only returns the values that k keeps.
func (x xmp) only(k Keep) xmp {
	kept := make(xmp, len(properties))
	for i, p := range properties {
		if p.with&k != 0 {
			kept[i] = x[i]
		}
	}
	return kept
}

// writeXMP returns a packet with these values, or nil if there are none.
func writeXMP(x xmp) []byte {
	var b bytes.Buffer
	seen := map[string]bool{}
	for i, p := range properties {
		if len(x[i]) == 0 {
			continue
		}
		seen[p.prefix] = true
		name := p.prefix + ":" + p.name
		b.WriteString("<" + name + ">")
		switch p.array {
		case "":
			xml.EscapeText(&b, []byte(x[i][0]))
		default:
			b.WriteString("<" + p.array + ">")
			for _, v := range x[i] {
				if p.array == "rdf:Alt" {
					b.WriteString(`<rdf:li xml:lang="x-default">`)
				} else {
					b.WriteString("<rdf:li>")
				}
				xml.EscapeText(&b, []byte(v))
				b.WriteString("</rdf:li>")
				if p.array == "rdf:Alt" {
					break // one text in one language; the first is the default
				}
			}
			b.WriteString("</" + p.array + ">")
		}
		b.WriteString("</" + name + ">")
	}
	if b.Len() == 0 {
		return nil
	}
	var out bytes.Buffer
	out.WriteString(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="` + nsRDF + `"><rdf:Description rdf:about=""`)
	for _, p := range properties {
		if seen[p.prefix] {
			seen[p.prefix] = false
			out.WriteString(" xmlns:" + p.prefix + `="` + p.ns + `"`)
		}
	}
	out.WriteString(">")
	out.Write(b.Bytes())
	out.WriteString(`</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`)
	return out.Bytes()
}
