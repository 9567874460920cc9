package webp

import (
	"io"

	"imgtools/pkg/picture/raster"
)

// Copy writes the lossy still of g with its bitstream and its alpha as they are, and with
// the profile and the kept metadata of its header. It reports whether it did: it doesn't
// copy animations, lossless pictures, those that are not upright, and those that were read
// in part. The picture is decoded first, so that damage is found before anything is
// written. If it was not copied, g can't be decoded again.
func Copy(w io.Writer, g *Reader) (bool, error) {
	p := g.main
	if g.c.frames > 0 || p.lossless || g.h.Orientation != 1 {
		return false, nil
	}
	rows, err := g.Rows(raster.Hint{Planar: true})
	if err != nil {
		return false, err
	}
	for err == nil {
		_, err = rows.Next()
	}
	if err != io.EOF {
		return false, err
	}
	if g.lim.Lenient && len(g.Notes()) > 0 {
		return false, nil
	}
	var picture []outChunk
	if p.alph != nil {
		picture = append(picture, g.copied(*p.alph))
	}
	chunks, err := beside(g.h, append(picture, g.copied(p.bits)))
	if err != nil {
		return false, err
	}
	return true, writeFile(w, chunks)
}

// copied returns a chunk of the file to be written.
func (g *Reader) copied(c chunk) outChunk {
	return outChunk{c.name, c.n, fileChunk{io.NewSectionReader(g.r, c.off, c.n)}}
}

// fileChunk is the data of a chunk in a file.
type fileChunk struct{ io.Reader }

func (c fileChunk) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, c.Reader) }
