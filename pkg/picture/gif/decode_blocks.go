package gif

import (
	"encoding/binary"
	"image"
	"image/color"
	"io"

	"imgtools/pkg/fault"
)

// The blocks of GIF89a, sections 20 to 27.
const (
	blockExtension = 0x21
	blockImage     = 0x2c
	blockTrailer   = 0x3b

	labelControl     = 0xf9
	labelApplication = 0xff

	flagTable      = 0x80 // a colour table of 2^(1 + low three bits) follows
	flagInterlaced = 0x40
	flagSorted     = 0x20
)

// How a frame's place is left for the next one (section 23).
const (
	disposeNone       = 1 // 0 is the same
	disposeBackground = 2 // made transparent, as browsers do it
	disposePrevious   = 3
)

// screen is the logical screen descriptor and its colour table.
type screen struct {
	version    string
	w, h       int
	flags      byte
	background byte
	aspect     byte
	table      []color.NRGBA // nil if there is none
}

// frame is what stands before a frame's pixels.
type frame struct {
	rect        image.Rectangle // on the canvas, but not clipped to it
	flags       byte
	table       []color.NRGBA // its own or the global one
	control     bool          // there was a graphic control extension
	user        bool          // wait for user input
	disposal    byte          // 1, 2, 3
	transparent int           // index, or -1
	delay       int           // in 1/100 s
	data        int64         // where its LZW data begin: the literal width
}

func (f *frame) interlaced() bool { return f.flags&flagInterlaced != 0 }

// parser reads the blocks of a file one after another.
type parser struct {
	input
	screen screen
	count  int // frames begun
	loop   int // -1 until a loop count was seen
}

// newParser reads the screen descriptor and is then at the first block.
func newParser(r io.ReaderAt, size int64) (*parser, error) {
	p := &parser{input: input{r: r, size: size}, loop: -1}
	var b [13]byte
	if err := p.full(b[:]); err != nil {
		return nil, p.cut(err)
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

// cut makes an error of an end of the file where none may be.
func (p *parser) cut(err error) error {
	if err != io.EOF {
		return err
	}
	if p.count == 0 {
		return fault.New(fault.Format, "truncated before the first frame")
	}
	return fault.New(fault.Format, "truncated: the file ends in or after frame %d", p.count)
}

// table reads the colour table that flags announce, if they do.
func (p *parser) table(flags byte) ([]color.NRGBA, error) {
	if flags&flagTable == 0 {
		return nil, nil
	}
	n := 2 << (flags & 7)
	var b [3 * 256]byte
	if err := p.full(b[:3*n]); err != nil {
		return nil, p.cut(err)
	}
	t := make([]color.NRGBA, n)
	for i := range t {
		t[i] = color.NRGBA{b[3*i], b[3*i+1], b[3*i+2], 255}
	}
	return t, nil
}

// next reads up to the next frame's data and returns what it says of itself;
// io.EOF at the trailer. The caller reads or skips the data, beginning with the
// literal width.
func (p *parser) next() (*frame, error) {
	f := &frame{disposal: disposeNone, transparent: -1}
	for {
		c, err := p.ReadByte()
		if err != nil {
			return nil, p.cut(err)
		}
		switch c {
		case blockExtension:
			if err := p.extension(f); err != nil {
				return nil, p.cut(err)
			}
		case blockImage:
			p.count++
			return f, p.image(f)
		case blockTrailer:
			return nil, io.EOF
		case 0: // a stray block terminator, as some writers leave it
		default:
			return nil, fault.New(fault.Format, "GIF: block type %#02x after %d frames", c, p.count)
		}
	}
}

// extension reads an extension into f, or the loop count, or passes it over.
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
	if err := p.full(b); err != nil {
		return err
	}
	switch {
	case label == labelControl && n >= 4:
		f.control = true
		f.user = b[0]&2 != 0
		f.disposal = b[0] >> 2 & 7
		switch f.disposal {
		case disposeBackground, disposePrevious:
		case 4: // some writers count from 1; browsers follow them
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

// looping reads the sub-blocks of the loop extension: 1 and a count, 0 for ever.
func (p *parser) looping() error {
	for {
		n, err := p.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		b := make([]byte, n)
		if err := p.full(b); err != nil {
			return err
		}
		if n >= 3 && b[0]&7 == 1 {
			p.loop = int(binary.LittleEndian.Uint16(b[1:]))
		}
	}
}

// image reads an image descriptor and its colour table.
func (p *parser) image(f *frame) error {
	var b [9]byte
	if err := p.full(b[:]); err != nil {
		return p.cut(err)
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
	f.data = p.pos
	return nil
}

// skipData passes over a frame's data.
func (p *parser) skipData() error {
	if _, err := p.ReadByte(); err != nil {
		return p.cut(err)
	}
	if err := p.skipBlocks(); err != nil {
		return p.cut(err)
	}
	return nil
}
