package png

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash"
	"hash/adler32"
	"io"
)

const (
	bandSize   = 512 << 10 // bytes of filtered rows for which a level is chosen
	sampleSize = 16 << 10  // of which so many are tried
	smallSize  = 128 << 10 // a picture of so few bytes is tried whole
	idatSize   = 64 << 10  // compressed bytes of a chunk, about
)

// deflater compresses filtered rows band by band, each at the level that suits
// it: photographs hold next to nothing for LZ77 once they are filtered, and
// Huffman coding alone is 20 times as fast and often smaller; drawings and
// screenshots are the reverse. Bands of the same level share one compressor and
// its window; where the level changes the stream goes on after a sync marker
// (RFC 1951 blocks stand for themselves, RFC 1950 wraps the whole).
type deflater struct {
	w     io.Writer
	buf   []byte // filtered rows not yet compressed
	adapt bool
	sum   hash.Hash32
	idat  []byte
	began bool

	level   int // of the open compressor
	open    *flate.Writer
	writers map[int]*flate.Writer
	trial   map[int]*trial
}

const (
	levelNone = -100 // no compressor is open yet
	levelLZ77 = 6    // smaller than zlib's 6 on drawings and indexes; 9 takes 5 to 50 times as long
	levelBest = 9    // for small pictures
)

// newDeflater returns one for size bytes of filtered rows, row bytes each.
func newDeflater(w io.Writer, adapt bool, row, size int64) *deflater {
	return &deflater{
		buf: make([]byte, 0, min(bandSize+row, size)),
		w:   w, adapt: adapt, sum: adler32.New(), level: levelNone,
		idat:    []byte{0x78, 0x01}, // zlib header: window of 32 KiB
		writers: map[int]*flate.Writer{}, trial: map[int]*trial{},
	}
}

// full compresses the buffered rows when they make a band.
func (d *deflater) full() error {
	if len(d.buf) < bandSize {
		return nil
	}
	return d.flush()
}

func (d *deflater) flush() error {
	d.sum.Write(d.buf)
	level := d.choose()
	if level != d.level {
		if d.open != nil {
			if err := d.open.Flush(); err != nil {
				return err
			}
		}
		d.level, d.open = level, d.writers[level]
		if d.open == nil {
			d.open, _ = flate.NewWriter((*idatWriter)(d), level)
			d.writers[level] = d.open
		} else {
			d.open.Reset((*idatWriter)(d))
		}
	}
	_, err := d.open.Write(d.buf)
	d.buf = d.buf[:0]
	return err
}

// choose returns the level for the buffered rows: Huffman coding alone unless
// LZ77 wins by 10 % on a sample from their middle. Level 1, which is cheap to try,
// tells where it can't.
func (d *deflater) choose() int {
	if !d.adapt {
		return levelLZ77
	}
	at := max(0, len(d.buf)-sampleSize) / 2
	sample := d.buf[at:min(len(d.buf), at+sampleSize)]
	huffman := len(d.try(sample, flate.HuffmanOnly))
	if len(d.try(sample, flate.BestSpeed))*10 > huffman*11 || len(d.try(sample, levelLZ77))*100 > huffman*90 {
		return flate.HuffmanOnly
	}
	return levelLZ77
}

// try returns what a level makes of data, a whole deflated stream, valid until
// the level is tried again.
func (d *deflater) try(data []byte, level int) []byte {
	t := d.trial[level]
	if t == nil {
		t = &trial{}
		t.w, _ = flate.NewWriter(&t.out, level)
		d.trial[level] = t
	} else {
		t.out.Reset()
		t.w.Reset(&t.out)
	}
	t.w.Write(data)
	t.w.Close()
	return t.out.Bytes()
}

type trial struct {
	w   *flate.Writer
	out bytes.Buffer
}

// close ends the stream and writes the last chunk.
func (d *deflater) close() error {
	if d.open == nil && len(d.buf) <= smallSize {
		d.small()
	} else {
		if len(d.buf) > 0 {
			if err := d.flush(); err != nil {
				return err
			}
		}
		if err := d.open.Close(); err != nil {
			return err
		}
	}
	d.idat = binary.BigEndian.AppendUint32(d.idat, d.sum.Sum32())
	return writeChunk(d.w, "IDAT", d.idat)
}

// small compresses a small picture both ways and takes the smaller outcome.
func (d *deflater) small() {
	d.sum.Write(d.buf)
	best := d.try(d.buf, levelBest)
	if d.adapt {
		if h := d.try(d.buf, flate.HuffmanOnly); len(h) <= len(best) {
			best = h
		}
	}
	d.idat = append(d.idat, best...)
}

// idatWriter gathers compressed bytes into chunks.
type idatWriter deflater

func (d *idatWriter) Write(p []byte) (int, error) {
	d.idat = append(d.idat, p...)
	if len(d.idat) < idatSize {
		return len(p), nil
	}
	if err := writeChunk(d.w, "IDAT", d.idat); err != nil {
		return 0, err
	}
	d.idat = d.idat[:0]
	return len(p), nil
}
