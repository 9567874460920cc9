package vp8

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/vp8"
)

// payload returns the data of the chunk "VP8 " of a WebP file.
func payload(b []byte) []byte {
	for b = b[min(12, len(b)):]; len(b) >= 8; {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "VP8 " {
			return b[8 : 8+n]
		}
		b = b[min(len(b), 8+n+n&1):]
	}
	return nil
}

// frames returns the key frames of the test files by name.
func frames(t testing.TB) map[string][]byte {
	files, _ := filepath.Glob("../testdata/*.webp")
	more, _ := filepath.Glob(filepath.Join(os.Getenv("VP8FILES"), "*.webp"))
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

// picture is all samples of a frame.
type picture struct {
	y, cb, cr []uint8
}

func decode(b []byte, lumaOnly bool) (p picture, err error) {
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), lumaOnly)
	if err != nil {
		return p, err
	}
	for y := 0; ; {
		s, err := d.Next()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		if s.First != y {
			return p, errors.New("a gap between strips")
		}
		for ; y < s.First+s.Rows; y++ {
			p.y = append(p.y, s.Luma(y)...)
			if y%2 == 0 && !lumaOnly {
				p.cb = append(p.cb, s.Chroma(0, y/2)...)
				p.cr = append(p.cr, s.Chroma(1, y/2)...)
			}
		}
	}
}

func reference(b []byte) (p picture, err error) {
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(b), len(b))
	h, err := d.DecodeFrameHeader()
	if err != nil {
		return p, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return p, err
	}
	for y := range h.Height {
		p.y = append(p.y, m.Y[y*m.YStride:][:h.Width]...)
		if y%2 == 0 {
			p.cb = append(p.cb, m.Cb[y/2*m.CStride:][:(h.Width+1)/2]...)
			p.cr = append(p.cr, m.Cr[y/2*m.CStride:][:(h.Width+1)/2]...)
		}
	}
	return p, nil
}

// The samples of all planes are those of another decoder.
func TestSameAsReference(t *testing.T) {
	for name, b := range frames(t) {
		t.Run(name, func(t *testing.T) {
			want, err := reference(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(b, false)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.y, want.y) || !bytes.Equal(got.cb, want.cb) || !bytes.Equal(got.cr, want.cr) {
				t.Error("samples differ")
			}
			if got, err = decode(b, true); err != nil || !bytes.Equal(got.y, want.y) {
				t.Errorf("luma alone differs: %v", err)
			}
		})
	}
}
