// Package raster defines a picture as a header and rows that are read from top to
// bottom: an io.Reader of rows.
//
// A format's Reader parses the header of a file. Its method Rows starts decoding
// and returns Rows, whose method Next gives a few rows at a time, a Band. Filters
// take Rows and return Rows: conversions of layout and depth (convert.go), luma
// (luma.go), upsampling of chroma (packed.go), turning by EXIF orientation
// (turn.go), the resampler and the colour transforms in packages of their own. A
// format's writer pulls Rows until io.EOF:
//
//	decoder ── Rows ── filter ── Rows ── filter ── Rows ── encoder
//
// Memory is a few rows. Only Hold keeps a whole picture, for filters that need it,
// and asks Limits first. Ahead puts decoding on a CPU of its own; Tee feeds several
// chains from one decoder.
//
// Rows are in one of three states: bands are left, ended (io.EOF) or failed (any
// other error). The last two are final: Next keeps returning the same error.
package raster

import (
	"image/color"
	"time"

	"imgtools/pkg/geometry"
)

// Layout says which samples make a pixel and what they mean.
type Layout uint8

const (
	Gray    Layout = iota // 1 sample a pixel: luma, gamma-encoded
	GrayA                 // 2 samples: luma, straight alpha
	RGB                   // 3 samples, gamma-encoded: sRGB unless ICC or Coding says otherwise
	RGBA                  // 4 samples: RGB, straight (not premultiplied) alpha
	Indexed               // 1 sample: index into Palette; always 8 bit
	YCbCr                 // 3 planes of 1 sample: JFIF full range, centred chroma
)

// Samples returns the number of samples of one pixel in one plane: 1 for YCbCr,
// which has three planes.
func (l Layout) Samples() int { return [...]int{1, 2, 3, 4, 1, 1}[l] }

// HasAlpha reports whether the last sample of a pixel is alpha.
func (l Layout) HasAlpha() bool { return l == GrayA || l == RGBA }

// WithAlpha returns GrayA for Gray, RGBA for RGB, and other layouts as they are.
func (l Layout) WithAlpha() Layout {
	if l == Gray || l == RGB {
		l++
	}
	return l
}

func (l Layout) String() string {
	return [...]string{"gray", "gray+alpha", "rgb", "rgba", "indexed", "ycbcr"}[l]
}

// Header describes a picture and how its rows will come.
type Header struct {
	FullW, FullH int        // pixels; the stored picture, before any reduction
	Planes       []PlaneDim // 1, or 3 for YCbCr
	Layout       Layout
	Bits         uint8         // 8: samples are in Pix; 16: in Pix16, at full range
	Orientation  uint8         // EXIF 1..8, still to be applied; writers refuse others than 1
	Palette      []color.NRGBA // Indexed only; 1 to 256 colours
	ICC          []byte        // profile, or nil
	Coding       Coding        // colour space of a PNG, beside or instead of a profile
	Density      Density       // of the stored picture; zero: unknown
	Keep         Metadata      // to be written with the picture; a reader leaves it empty
}

// Metadata is what a file says of its picture beside what it takes to show it, in the
// forms in which files have it.
type Metadata struct {
	EXIF []byte // a TIFF structure, without "Exif\0\0" in front
	XMP  []byte // a packet, UTF-8
	IPTC []byte // datasets of IIM 4
}

// Empty reports whether there is nothing in it.
func (m Metadata) Empty() bool { return len(m.EXIF)+len(m.XMP)+len(m.IPTC) == 0 }

// Coding is the colour space of the samples as PNG's chunks give it (PNG third
// edition, 11.3.2). The zero value is sRGB.
type Coding struct {
	CICP   [4]uint8  // ITU-T H.273 primaries, transfer, matrix, full range; all zero: none
	Gamma  uint32    // gAMA, times 100,000; 0: none
	Chroma [8]uint32 // cHRM, times 100,000: x and y of white, red, green, blue; all zero: none
}

// Density is the number of samples to a unit of length.
type Density struct {
	X, Y float64
	Unit DensityUnit
}

// Scaled returns the density after a change of size by the factors x and y. The picture
// keeps its size on paper: half as many pixels are half as dense. A ratio only changes
// with the shape of the pixels, beyond what rounding to whole pixels does to it.
func (d Density) Scaled(x, y float64) Density {
	if d.Unit == Aspect {
		least := min(x, y)
		if x, y = x/least, y/least; max(x, y) < 1.01 {
			return d
		}
	}
	d.X *= x
	d.Y *= y
	return d
}

// DensityUnit is the unit of a Density. With Aspect only the ratio of X and Y has a
// meaning: the shape of a pixel.
type DensityUnit uint8

const (
	Aspect DensityUnit = iota
	PerInch
	PerCM
)

// PlaneDim says how the samples of one plane lie on the picture.
//
// W and H are the samples delivered. The picture covers a rectangle of them that
// need not begin or end at whole samples: it begins at OX/DX samples from the left
// and OY/DY from the top, the origin, and is FullW*NX/DX wide and FullH*NY/DY high,
// the extent. W and H are origin plus extent, rounded up, or more.
//
//	Y of a JPEG reduced to 3/8            NX, DX = 3, 8
//	its 4:2:0 chroma at 2/8               NX, DX = 2, 16
//	an unreduced plane                    NX, DX = 1, 1
//	that Y, cut from column 101 on        NX, DX = 3, 8; OX = 303 mod 8 = 7
//
// In the last line the decoder delivers samples from 37 on (303/8 = 37.875), and
// the first of them belongs to the picture by an eighth only.
type PlaneDim struct{ W, H, NX, DX, NY, DY, OX, OY int }

// Lowest returns n/d in lowest terms.
func Lowest(n, d int) (int, int) {
	a, b := n, d
	for b != 0 {
		a, b = b, a%b
	}
	return n / a, d / a
}

// Whole returns the extent of an unreduced plane of w × h.
func Whole(w, h int) PlaneDim { return PlaneDim{W: w, H: h, NX: 1, DX: 1, NY: 1, DY: 1} }

// W and H return the delivered size, that of the first plane.
func (h *Header) W() int { return h.Planes[0].W }
func (h *Header) H() int { return h.Planes[0].H }

// NewHeader returns the header of an unreduced picture of one plane.
func NewHeader(w, h int, l Layout, bits uint8) *Header {
	return &Header{FullW: w, FullH: h, Planes: []PlaneDim{Whole(w, h)}, Layout: l, Bits: bits, Orientation: 1}
}

// OrientedSize returns the full size as a person sees it: sides swapped when
// Orientation is 5 to 8.
func (h *Header) OrientedSize() (int, int) {
	if h.Orientation >= 5 {
		return h.FullH, h.FullW
	}
	return h.FullW, h.FullH
}

// Plane is consecutive rows of one plane. Samples are in Pix or in Pix16, as
// Header.Bits says. Row y begins at y*Stride and has W*Samples samples.
type Plane struct {
	Pix    []uint8
	Pix16  []uint16
	Stride int // samples from one row to the next
	Rows   int
}

// Band is the next rows of a picture, top to bottom. The source chooses the number
// of rows (a JPEG decoder gives one MCU row); planes of YCbCr may differ in it.
type Band struct {
	Y      int // the row of plane 0 at which the band begins
	Planes [3]Plane
}

// Rows is a picture being read. Next returns io.EOF after the last band and another
// error when the picture is damaged; a picture with missing rows never ends with
// io.EOF. A band is valid until the next call of Next. Header never changes.
type Rows interface {
	Header() *Header
	Next() (*Band, error)
}

// PartMargin is how far around Hint.Part the samples of YCbCr planes are right, in pixels:
// those that upsampling of chroma looks at, and what rounds the part to whole blocks.
const PartMargin = 32

// Hint tells a reader what its caller needs, so that it can decode less. A reader
// may ignore a hint; the Header of its Rows says what it did.
type Hint struct {
	Luma   bool // only Rec. 601 luma is wanted: a JPEG drops its chroma
	Planar bool // YCbCr rows with subsampled planes are welcome
	// GoalW and GoalH are the size, in stored (not oriented) pixels, that the caller
	// will resample to; 0, 0 forbids any reduction.
	GoalW, GoalH int
	// Part is the part of the stored picture that is wanted, and that will become GoalW ×
	// GoalH; zero: all. Rows still have the whole size, but samples outside the part may
	// have any value; of YCbCr planes those more than PartMargin pixels from it. Damage is
	// noticed wherever it is, unless Skip allows a reader to leave unread what lies
	// outside the part. It then says so in a note.
	Part  geometry.Rect
	Skip  bool
	Fine  bool // better quality at more cost (package jpeg: Reduction)
	Named bool // with Fine: the user chose the kernel (2 × rule)
}

// Reader is a picture whose header has been read.
type Reader interface {
	// Header returns the picture as stored, unreduced, before Rows is called.
	Header() *Header
	// Rows starts the decoding. It may be called once.
	Rows(Hint) (Rows, error)
	// Notes says what is wrong with the file although its pixels are intact. It is
	// complete after the last row.
	Notes() []string
}

// Framed is a Reader of a file that may hold several pictures: the frames of an
// animation, or the pages of a TIFF. Header and Rows are the first one's.
type Framed interface {
	Reader
	Frames() int
	// Select makes Header and Rows those of frame n, from 1; of an animation, those
	// of the canvas while frame n is shown. It is called before Rows. An n above the
	// number of frames is an error of kind Usage that names that number.
	Select(n int) error
}

// Animated is a Framed whose frames are shown one after another.
type Animated interface {
	Framed
	Animation() (Animation, error)
	Loop() int // how many times it is shown; 0: forever
}

// Animation composes the frames of an animation in order. Next returns io.EOF after
// the last one.
type Animation interface{ Next() (Frame, error) }

// Frame is the whole canvas while one frame is shown; all frames have one size. Rows
// is valid until the next call of Animation.Next.
type Frame struct {
	Rows  Rows
	Delay time.Duration
}
