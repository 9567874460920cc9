package plan

import (
	"strings"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// keep decides which metadata of the picture are written with the result. They go into
// the header that the reader gives, and so pass the steps with the rows.
func (j *job) keep() {
	k := meta.ParseKeep(j.Ops.Get("keep"))
	inEXIF := j.out.Name == format.WebP && !j.HandOver
	if k == 0 && !inEXIF {
		return
	}
	h := j.p.Header()
	d := h.Density
	if raster.Swaps(h.Orientation) {
		d.X, d.Y = d.Y, d.X
	}
	d = d.Scaled(float64(j.place.ScaledW)/float64(j.part.W), float64(j.place.ScaledH)/float64(j.part.H))
	srgb := h.ICC == nil || j.toSRGB()
	if j.gray {
		srgb = j.grayer.ICC() == nil
	}
	places := j.out.Metadata
	if j.HandOver {
		places = "EXIF XMP IPTC" // it may travel as TIFF
	}
	kept, note := meta.Filter(j.p.Metadata(), k, meta.Result{
		W: j.place.W, H: j.place.H, Density: d, SRGB: srgb, IPTC: strings.Contains(places, "IPTC"), InEXIF: inEXIF})
	j.note(note)
	if places == "" && !kept.Empty() {
		j.note(j.out.Title + " has no place for metadata")
		return
	}
	h.Keep = kept
}

// reopen reads the header of the picture again, to decode it once more. What is kept of
// its metadata stays. After an error the reader is the one before.
func (j *job) reopen() error {
	again, err := j.p.Again()
	if err != nil {
		return err
	}
	again.Header().Keep = j.p.Header().Keep
	j.p.Reader = again
	return nil
}
