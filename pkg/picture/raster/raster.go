// Package raster defines a picture as a header and rows read from top to
// bottom, like an io.Reader of rows. Decoders are sources of rows, gray and the
// resampler filter them, encoders pull them; nobody holds the picture unless
// its format leaves no choice.
package raster

import (
	"image/color"
	"time"
)

// Layout says what the samples of a picture mean.
type Layout uint8

const (
	Gray    Layout = iota // 1 sample a pixel, luma, gamma-encoded
	GrayA                 // 2: luma, straight alpha
	RGB                   // 3: gamma-encoded, sRGB unless ICC says otherwise
	RGBA                  // 4: straight (not premultiplied) alpha
	Indexed               // 1: index into Palette; always 8 bit
	YCbCr                 // 3 planes of 1: JFIF full range, centred chroma
)

// Samples returns the samples of one pixel in a packed plane; for YCbCr, whose
// planes are apart, it is 1.
func (l Layout) Samples() int { return [...]int{1, 2, 3, 4, 1, 1}[l] }

// HasAlpha reports whether the last sample of a pixel is alpha.
func (l Layout) HasAlpha() bool { return l == GrayA || l == RGBA }

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
	Coding       Coding        // what a PNG says of its colours beside or instead of a profile
	Density      Density       // of the stored picture; zero: unknown
}

// Coding is how samples stand for colours where no ICC profile says it, as PNG's
// chunks have it (PNG third edition, 11.3.2). The zero value is sRGB.
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

// DensityUnit is the unit of a Density. Aspect: X and Y are only each other's ratio.
type DensityUnit uint8

const (
	Aspect DensityUnit = iota
	PerInch
	PerCM
)

// PlaneDim is the extent of one plane.
//
// W and H are the samples delivered. The true extents, which may be fractional,
// are FullW*NX/DX and FullH*NY/DY, and W and H are these rounded up: Y of a JPEG
// at 3/8 has 3, 8; its 4:2:0 chroma at 2/8 has 2, 16. An unreduced plane has 1, 1.
type PlaneDim struct{ W, H, NX, DX, NY, DY int }

// Whole returns the extent of an unreduced plane of w × h.
func Whole(w, h int) PlaneDim { return PlaneDim{w, h, 1, 1, 1, 1} }

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

// Plane is some consecutive rows of one plane. Exactly one of Pix and Pix16 is
// used, by Header.Bits. Row y begins at y*Stride and has W*Samples samples.
type Plane struct {
	Pix    []uint8
	Pix16  []uint16
	Stride int // samples from one row to the next
	Rows   int
}

// Band is the next rows of a picture, top to bottom. The source picks the
// height (a JPEG its MCU row); planes of YCbCr may differ in rows.
type Band struct {
	Y      int // the row of plane 0 at which the band begins
	Planes [3]Plane
}

// Rows is a picture being read. Next returns io.EOF after the last band, and any
// other error when the picture is damaged: a reader never takes missing rows for
// an end. A band is valid until the next call of Next. Header never changes.
type Rows interface {
	Header() *Header
	Next() (*Band, error)
}

// Hint tells a reader what its caller can use, so that it may do less. A reader
// may ignore all of it; what it did is in the Header of its Rows.
type Hint struct {
	Luma   bool // only Rec. 601 luma is wanted: a JPEG drops its chroma
	Planar bool // YCbCr rows with subsampled planes are welcome
	// Goal is the size, in stored (not oriented) pixels, that the caller will
	// resample to; 0, 0 forbids any reduction.
	GoalW, GoalH int
	Fine         bool // better quality at more cost (package jpeg: Reduction)
	Named        bool // with Fine: the user chose the kernel (2 × rule)
}

// Reader is a picture whose header has been read.
type Reader interface {
	// Header returns the picture as stored, unreduced, before Rows is called.
	Header() *Header
	// Rows starts the decoding. It may be called once.
	Rows(Hint) (Rows, error)
	// Notes says what is odd about the file although its pixels are all there. It is
	// complete after the last row.
	Notes() []string
}

// Framed is a Reader of a file that may hold several pictures: the frames of an
// animation, or the pages of a TIFF. Header and Rows are the first one's.
type Framed interface {
	Reader
	Frames() int
	// Select makes Header and Rows those of frame n, from 1: of an animation the
	// canvas as a person sees it then. It is called before Rows. An n that is not
	// there is an error of kind Usage that names the number of frames.
	Select(n int) error
}

// Animated is a Framed whose frames are shown one after another.
type Animated interface {
	Framed
	Animation() (Animation, error)
	Loop() int // how often it is shown; 0: without end
}

// Animation composes the frames of an animation in order. Next returns io.EOF after
// the last one.
type Animation interface{ Next() (Frame, error) }

// Frame is the canvas as one frame shows it: all of it, of the same size for every
// frame. Rows is valid until the next call of Next.
type Frame struct {
	Rows  Rows
	Delay time.Duration
}
