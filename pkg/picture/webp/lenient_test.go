package webp

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// A still that is cut anywhere is refused. With Lenient the rows before the cut are
// those of the whole picture, the note says how many they are, and the longer the file,
// the more there are.
func TestCutStills(t *testing.T) {
	for _, name := range []string{"lossy", "lossy-filtered", "lossless", "lossless-few", "lossless-alpha", "alpha"} {
		t.Run(name, func(t *testing.T) {
			data := read(t, name+".webp")
			whole, err := rastertest.Colors(rastertest.Start(open(data)))
			if err != nil {
				t.Fatal(err)
			}
			read, most := 0, 0
			for n := len(data) / 4; n < len(data)-2; n += 1 + len(data)/60 {
				if _, err := rastertest.Colors(rastertest.Start(open(data[:n]))); fault.Of(err) != fault.Format {
					t.Fatalf("%d of %d bytes, strict: %v", n, len(data), err)
				}
				r, err := Open(bytes.NewReader(data[:n]), int64(n), raster.Limits{Lenient: true})
				got, err := rastertest.Colors(rastertest.Start(r, err))
				if err != nil {
					if fault.Of(err) != fault.Format || !strings.Contains(err.Error(), "truncated") {
						t.Fatalf("%d of %d bytes: %v", n, len(data), err)
					}
					continue
				}
				w, h := r.Header().W(), r.Header().H()
				done := 0
				notes := r.Notes()
				last := notes[len(notes)-1]
				if _, err := fmt.Sscanf(last, "truncated after %d of "+fmt.Sprint(h)+" rows", &done); err != nil || done < 1 || done > h {
					t.Fatalf("%d of %d bytes: notes %q", n, len(data), notes)
				}
				rastertest.Same(t, fmt.Sprintf("%d of %d bytes: %d rows", n, len(data), done), got[:done*w], whole[:done*w])
				for _, c := range got[done*w:] {
					if gray := c.A == 255 && c.R == c.G && c.G == c.B && c.R > 120 && c.R < 136; c.A != 0 && (!gray || r.HasAlpha()) {
						// The first row filled may have colour from the row above it.
						if i := slices.Index(got[done*w:], c); i >= 2*w {
							t.Fatalf("%d of %d bytes: a missing pixel is %v", n, len(data), c)
						}
					}
				}
				if done < most {
					t.Errorf("%d of %d bytes give %d rows, fewer give %d", n, len(data), done, most)
				}
				read, most = read+1, max(most, done)
			}
			ref, err := png.DecodeConfig(bytes.NewReader(rastertest.File(t, "testdata/"+name+".png")))
			if err != nil {
				t.Fatal(err)
			}
			if read < 5 || most < ref.Height/4 {
				t.Errorf("%d lengths were read, at most %d of %d rows", read, most, ref.Height)
			}
		})
	}
}

// A file whose RIFF header counts a byte too few has all its pixels, and is as long as
// needed; with Lenient it is read, and not without a note.
func TestShortRIFFSizeIsNoted(t *testing.T) {
	data := bytes.Clone(read(t, "lossy.webp"))
	data[4]--
	if _, err := open(data); fault.Of(err) != fault.Format {
		t.Errorf("strict: %v", err)
	}
	r, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{Lenient: true})
	if _, err := rastertest.Colors(rastertest.Start(r, err)); err != nil {
		t.Fatal(err)
	}
	if notes := r.Notes(); len(notes) == 0 || !strings.HasPrefix(notes[0], "truncated: chunk \"VP8 \"") {
		t.Errorf("notes %q", notes)
	}
}
