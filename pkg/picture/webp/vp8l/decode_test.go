package vp8l

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/vp8l"

	"imgtools/pkg/picture/raster"
)

// payload returns the data of the chunk "VP8L" of a WebP file.
func payload(b []byte) []byte {
	for b = b[min(12, len(b)):]; len(b) >= 8; {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "VP8L" {
			return b[8 : 8+n]
		}
		b = b[min(len(b), 8+n+n&1):]
	}
	return nil
}

// pictures returns the lossless pictures of the test files by name.
func pictures(t testing.TB) map[string][]byte {
	files, _ := filepath.Glob("../testdata/*.webp")
	more, _ := filepath.Glob(filepath.Join(os.Getenv("VP8LFILES"), "*.webp"))
	m := map[string][]byte{}
	for _, name := range append(files, more...) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if p := payload(b); p != nil {
			m[filepath.Base(name)] = p
		}
	}
	return m
}

// decode returns the pixels of a picture as bytes: red, green, blue, alpha.
func decode(b []byte, lim raster.Limits) (pix []uint8, err error) {
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), lim)
	if err != nil {
		return nil, err
	}
	for {
		row, err := d.Next()
		if err == io.EOF {
			return pix, nil
		}
		if err != nil {
			return pix, err
		}
		for _, v := range row {
			pix = append(pix, uint8(v>>16), uint8(v>>8), uint8(v), uint8(v>>24))
		}
	}
}

func reference(b []byte) ([]uint8, error) {
	m, err := vp8l.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return m.(*image.NRGBA).Pix, nil
}

// The pixels are those of another decoder.
func TestSameAsReference(t *testing.T) {
	for name, b := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			want, err := reference(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(b, raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("byte %d differs", i)
					}
				}
			}
		})
	}
}
