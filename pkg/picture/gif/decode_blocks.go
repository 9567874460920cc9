package gif

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"

	"imgtools/pkg/fault"
)

// screen is the logical screen descriptor (GIF89a section 18) and the global colour
// table.
type screen struct {
	version    string
	w, h       int
	flags      byte
	background byte
	aspect     byte
	table      []color.NRGBA // nil if there is none
}

// frame is all that stands before a frame's pixels.
type frame struct {
	number      int             // from 1
	rect        image.Rectangle // on the screen, not clipped
	flags       byte
	table       []color.NRGBA // its own or the global one
	control     bool          // there was a graphic control extension
	user        bool          // a viewer should wait for user input
	disposal    byte          // disposeNone, disposeBackground or disposePrevious
	transparent int           // index, or -1
	delay       int           // in 1/100 s
	data        int64         // position of its LZW data, which start with the code size
}

func (f *frame) interlaced() bool { return f.flags&flagInterlaced != 0 }

// palette returns the frame's colours, the transparent one included. A transparent
// index beyond the table makes the palette longer; the entries between are unused.
func (f *frame) palette() []color.NRGBA {
	p := make([]color.NRGBA, max(len(f.table), f.transparent+1))
	for i := range p {
		p[i].A = 255
	}
	copy(p, f.table)
	if f.transparent >= 0 {
		p[f.transparent].A = 0
	}
	return p
}

// blackAndWhite is used by frames that have no colour table at all. GIF89a section
// 18 leaves the choice to the reader and recommends that the first two entries are
// these.
var blackAndWhite = []color.NRGBA{{0, 0, 0, 255}, {255, 255, 255, 255}}

// parser reads the blocks of a file in order.
type parser struct {
	input
	screen screen
	count  int  // frames begun
	loop   int  // repetitions by the loop extension, 0 without end; -1 before there is one
	bare   bool // a frame had no colour table
}

// newParser reads the screen descriptor. The next block is the first one.
func newParser(r io.ReaderAt, size int64) (*parser, error) {
	p := &parser{input: input{r: r, size: size}, loop: -1}
	var b [13]byte
	if _, err := p.full(b[:]); err != nil {
		return nil, p.truncated(err)
	}
	s := &p.screen
	s.version = string(b[:6])
	if s.version != "GIF87a" && s.version != "GIF89a" {
		return nil, fault.New(fault.Format, "GIF: version %q", s.version)
	}
	s.w, s.h = int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	s.flags, s.background, s.aspect = b[10], b[11], b[12]
	var err error
	s.table, err = p.table(s.flags)
	return p, err
}

// truncated turns io.EOF into the error for a file that ends too early.
func (p *parser) truncated(err error) error {
	if err != io.EOF {
		return err
	}
	if p.count == 0 {
		return fault.New(fault.Format, "truncated before the first frame")
	}
	return fault.New(fault.Format, "truncated in the header of frame %d", p.count)
}

// table reads the colour table that flags announce; nil if they announce none.
func (p *parser) table(flags byte) ([]color.NRGBA, error) {
	if flags&flagTable == 0 {
		return nil, nil
	}
	n := 2 << (flags & 7)
	var b [3 * 256]byte
	if _, err := p.full(b[:3*n]); err != nil {
		return nil, p.truncated(err)
	}
	t := make([]color.NRGBA, n)
	for i := range t {
		t[i] = color.NRGBA{b[3*i], b[3*i+1], b[3*i+2], 255}
	}
	return t, nil
}

// errNoTrailer is returned by next where the file ends between frames.
var errNoTrailer = errors.New("no end marker")

// unknownBlock is returned by next for a byte that starts no block.
type unknownBlock byte

func (b unknownBlock) Error() string { return "unknown block" }

// next reads up to the next frame's data and returns the frame's header. At the
// trailer it returns io.EOF. The caller skips the data by skipData.
func (p *parser) next() (*frame, error) {
	f := &frame{disposal: disposeNone, transparent: -1}
	for {
		c, err := p.ReadByte()
		if err == nil && c == blockExtension {
			err = p.extension(f)
		}
		if err == io.EOF {
			return nil, errNoTrailer
		}
		if err != nil {
			return nil, err
		}
		switch c {
		case blockExtension:
		case blockImage:
			p.count++
			f.number = p.count
			return f, p.image(f)
		case blockTrailer:
			return nil, io.EOF
		case 0: // an extra block terminator, which some programs write
		default:
			return nil, unknownBlock(c)
		}
	}
}

// extension reads a graphic control extension into f, or the loop count, or skips
// another extension. If a frame has several graphic controls, the last one counts.
func (p *parser) extension(f *frame) error {
	label, err := p.ReadByte()
	if err != nil {
		return err
	}
	if label != labelControl && label != labelApplication {
		return p.skipBlocks()
	}
	n, err := p.ReadByte()
	if err != nil || n == 0 {
		return err
	}
	b := make([]byte, n)
	if _, err := p.full(b); err != nil {
		return err
	}
	switch {
	case label == labelControl && n >= 4:
		f.control = true
		f.user = b[0]&2 != 0
		f.disposal = b[0] >> 2 & 7
		switch f.disposal {
		case disposeBackground, disposePrevious:
		case 4: // what early programs wrote for 3; browsers accept it
			f.disposal = disposePrevious
		default:
			f.disposal = disposeNone
		}
		f.delay = int(binary.LittleEndian.Uint16(b[1:]))
		f.transparent = -1
		if b[0]&1 != 0 {
			f.transparent = int(b[3])
		}
	case label == labelApplication && (string(b) == "NETSCAPE2.0" || string(b) == "ANIMEXTS1.0"):
		return p.looping()
	}
	return p.skipBlocks()
}

// looping reads the sub-blocks of the loop extension. The one that starts with 1 has
// the number of repetitions, 0 for without end.
func (p *parser) looping() error {
	for {
		n, err := p.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		b := make([]byte, n)
		if _, err := p.full(b); err != nil {
			return err
		}
		if n >= 3 && b[0]&7 == 1 {
			p.loop = int(binary.LittleEndian.Uint16(b[1:]))
		}
	}
}

// image reads an image descriptor (GIF89a section 20) and its colour table.
func (p *parser) image(f *frame) error {
	var b [9]byte
	if _, err := p.full(b[:]); err != nil {
		return p.truncated(err)
	}
	x, y := int(binary.LittleEndian.Uint16(b[:])), int(binary.LittleEndian.Uint16(b[2:]))
	w, h := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	f.rect = image.Rect(x, y, x+w, y+h)
	f.flags = b[8]
	var err error
	if f.table, err = p.table(f.flags); err != nil {
		return err
	}
	if f.table == nil {
		f.table = p.screen.table
	}
	if f.table == nil { // as if the frame had this table of its own
		f.table, p.bare = blackAndWhite, true
		f.flags = f.flags&^7 | tableFlags(len(f.table))
	}
	f.data = p.pos
	return nil
}

// skipData skips frame f's data. If the file ends first, the error is io.EOF.
func (p *parser) skipData(f *frame) error {
	p.seek(f.data)
	if _, err := p.ReadByte(); err != nil {
		return err
	}
	return p.skipBlocks()
}
