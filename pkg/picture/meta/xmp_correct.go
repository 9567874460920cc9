package meta

import (
	"bytes"
	"encoding/xml"
	"io"
	"maps"
)

// untrue are the properties that describe the original's file and not the result:
// those of its samples, thumbnails, and pointers to data behind the picture, which are
// left out.
var untrue = map[xml.Name]bool{
	{Space: nsTIFF, Local: "Orientation"}: true, {Space: nsTIFF, Local: "ImageWidth"}: true, {Space: nsTIFF, Local: "ImageLength"}: true,
	{Space: nsTIFF, Local: "XResolution"}: true, {Space: nsTIFF, Local: "YResolution"}: true, {Space: nsTIFF, Local: "ResolutionUnit"}: true,
	{Space: nsTIFF, Local: "BitsPerSample"}: true, {Space: nsTIFF, Local: "SamplesPerPixel"}: true,
	{Space: nsTIFF, Local: "PhotometricInterpretation"}: true, {Space: nsTIFF, Local: "Compression"}: true,
	{Space: nsExif, Local: "PixelXDimension"}: true, {Space: nsExif, Local: "PixelYDimension"}: true, {Space: nsExif, Local: "ColorSpace"}: true,
	{Space: nsPhotoshop, Local: "ICCProfile"}: true, {Space: nsPhotoshop, Local: "ColorMode"}: true,
	{Space: nsXMP, Local: "Thumbnails"}: true, {Space: nsNote, Local: "HasExtendedXMP"}: true,
}

// untrueSpaces are namespaces of which nothing is true without the data behind the
// picture: gain maps, depth maps, and the video of a motion photo.
var untrueSpaces = map[string]bool{
	"http://ns.adobe.com/hdr-gain-map/1.0/":       true,
	"http://ns.google.com/photos/1.0/camera/":     true,
	"http://ns.google.com/photos/1.0/container/":  true,
	"http://ns.google.com/photos/1.0/depthmap/":   true,
	"http://ns.google.com/photos/1.0/image/":      true,
	"http://ns.apple.com/HDRGainMap/1.0/":         true,
	"http://ns.google.com/photos/dd/1.0/device/":  true,
	"http://ns.google.com/photos/1.0/audio/":      true,
	"http://ns.google.com/photos/1.0/panorama/":   true,
	"http://ns.google.com/photos/dd/1.0/profile/": true,
}

func isUntrue(n xml.Name) bool { return untrue[n] || untrueSpaces[n.Space] }

// correctXMP returns a packet without what is not true of the result, and false if it
// is damaged. The rest is copied byte for byte.
func correctXMP(packet []byte) (corrected []byte, ok bool) {
	if len(packet) == 0 {
		return nil, true
	}
	if len(packet) > maxXMP {
		return nil, false
	}
	d := xml.NewDecoder(bytes.NewReader(packet))
	var out []byte
	var names []xml.Name // elements that are open, as written: prefix and local name
	spaces := []map[string]string{{"xml": "http://www.w3.org/XML/1998/namespace"}}
	without := 0 // elements that are open and left out
	for from := int64(0); ; {
		token, err := d.RawToken()
		if err == io.EOF && len(names) == 0 {
			return out, true
		}
		if err != nil {
			return nil, false
		}
		raw := packet[from:d.InputOffset()]
		from = d.InputOffset()
		switch token := token.(type) {
		case xml.StartElement:
			if names = append(names, token.Name); len(names) > maxXMPDepth {
				return nil, false
			}
			spaces = append(spaces, declared(token, spaces[len(spaces)-1]))
			known := spaces[len(spaces)-1]
			if without > 0 || isUntrue(xml.Name{Space: known[token.Name.Space], Local: token.Name.Local}) {
				without++
				continue
			}
			raw = withoutAttributes(token, raw, known)
		case xml.EndElement:
			if len(names) == 0 || names[len(names)-1] != token.Name {
				return nil, false
			}
			names, spaces = names[:len(names)-1], spaces[:len(spaces)-1]
			if without > 0 {
				without--
				continue
			}
		default:
			if without > 0 {
				continue
			}
		}
		out = append(out, raw...)
	}
}

// declared returns the namespaces by prefix inside an element.
func declared(e xml.StartElement, outer map[string]string) map[string]string {
	inner := outer
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" {
			inner = maps.Clone(inner)
			inner[a.Name.Local] = a.Value
		}
	}
	return inner
}

// withoutAttributes returns the text of a start tag without the attributes that are not
// true of the result.
func withoutAttributes(e xml.StartElement, raw []byte, known map[string]string) []byte {
	var kept []xml.Attr
	for _, a := range e.Attr {
		if !isUntrue(xml.Name{Space: known[a.Name.Space], Local: a.Name.Local}) {
			kept = append(kept, a)
		}
	}
	if len(kept) == len(e.Attr) {
		return raw
	}
	var b bytes.Buffer
	b.WriteString("<" + written(e.Name))
	for _, a := range kept {
		b.WriteString(" " + written(a.Name) + `="`)
		xml.EscapeText(&b, []byte(a.Value))
		b.WriteString(`"`)
	}
	if bytes.HasSuffix(raw, []byte("/>")) {
		b.WriteString("/")
	}
	b.WriteString(">")
	return b.Bytes()
}

// written returns a name as it stands in the text.
func written(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}
