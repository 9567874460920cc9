package tests

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"testing"
)

// scanned is a gray JPEG as a scanner writes it: 300 dots to the inch, and a profile of
// gray with gamma 1.75. It is returned with the profile.
func scanned(t *testing.T, w, h int) (file, profile []byte) {
	t.Helper()
	be := binary.BigEndian
	profile = make([]byte, 128)
	copy(profile[8:], "\x02\x40\x00\x00mntrGRAYXYZ ")
	copy(profile[36:], "acsp")
	profile = append(profile, "\x00\x00\x00\x01kTRC\x00\x00\x00\x90\x00\x00\x00\x0ecurv\x00\x00\x00\x00\x00\x00\x00\x01\x01\xc0\x00\x00"...)
	be.PutUint32(profile, uint32(len(profile)))

	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i / w * 255 / h)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	segment := func(marker byte, body string) string {
		return string([]byte{0xff, marker}) + string(be.AppendUint16(nil, uint16(len(body)+2))) + body
	}
	head := "\xff\xd8" + segment(0xe0, "JFIF\x00\x01\x02\x01\x01\x2c\x01\x2c\x00\x00") + segment(0xe2, "ICC_PROFILE\x00\x01\x01"+string(profile))
	return append([]byte(head), b.Bytes()[2:]...), profile
}

// checkScanned checks that a JPEG has a profile and dots to the inch.
func checkScanned(t *testing.T, file, profile []byte, dots int) {
	t.Helper()
	if !bytes.Contains(file, append([]byte("ICC_PROFILE\x00\x01\x01"), profile...)) {
		t.Errorf("no profile in %.60q", file)
	}
	at := bytes.Index(file, []byte("JFIF\x00"))
	if at < 0 || file[at+7] != 1 || int(binary.BigEndian.Uint16(file[at+8:])) != dots {
		t.Errorf("not %d dots to the inch: %.40q", dots, file)
	}
	if _, err := jpeg.Decode(bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
}

// A gray picture keeps its profile, and its size on paper, through the filters, and
// through grayd and scaled, one after the other.
func TestScanKeepsProfileAndSizeOnPaper(t *testing.T) {
	file, profile := scanned(t, 160, 120)
	dir := t.TempDir()
	write(t, dir, "scan.jpg", file)
	for _, c := range []struct {
		name, line string
		dots       int
	}{
		{"gray", "gray scan.jpg", 300},
		{"scale", "scale 1/2 scan.jpg", 150},
		{"gray, then scale", "gray scan.jpg | scale 1/4", 75},
		{"profile=keep", "gray -profile keep scan.jpg", 300},
	} {
		t.Run(c.name, func(t *testing.T) { checkScanned(t, must(t, dir, c.line), profile, c.dots) })
	}
	s := startImgd(t)
	for _, c := range []struct {
		query string
		dots  int
	}{{"gray", 300}, {"scale=1/2", 150}, {"gray&scale=1/2", 150}, {"gray&scale=1/4&profile=keep", 75}} {
		t.Run(c.query, func(t *testing.T) {
			_, b := s.want(t, 200, "POST", "/image?"+c.query, bytes.NewReader(file))
			checkScanned(t, b, profile, c.dots)
		})
	}
	t.Run("profile=srgb", func(t *testing.T) {
		_, b := s.want(t, 200, "POST", "/image?gray&scale=1/2&profile=srgb", bytes.NewReader(file))
		if bytes.Contains(b, []byte("ICC_PROFILE")) {
			t.Error("a profile is left")
		}
	})
	t.Run("unknown value", func(t *testing.T) {
		s.want(t, 400, "POST", "/image?profile=adobe", bytes.NewReader(file))
	})
}
