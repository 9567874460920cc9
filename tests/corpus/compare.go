package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// compared is one file as all programs see it.
type compared struct {
	format string // "": not compared
	ours   string // why scale 1 refuses the file; "": it reads it
	peers  []opinion
}

// opinion is what one program says about a file.
type opinion struct {
	name    string
	refuses string   // why; "": it reads the file
	differs []string // what differs from ours, when both read it
}

// comparer compares files, one after another.
type comparer struct {
	bin    string
	peers  []peer
	dir    string
	pillow *pillow
}

func newComparer(bin string, peers []peer) *comparer { return &comparer{bin: bin, peers: peers} }

func (c *comparer) stop() {
	if c.pillow != nil {
		c.pillow.stop()
	}
	if c.dir != "" {
		os.RemoveAll(c.dir)
	}
}

// compare reads a file with scale 1 and with every peer.
func (c *comparer) compare(path string) compared {
	r := compared{format: formatOf(path)}
	if c.dir == "" {
		var err error
		if c.dir, err = os.MkdirTemp("", "corpus-"); err != nil {
			r.ours = err.Error()
			return r
		}
	}
	ours, err := c.readOurs(path)
	if err != nil {
		r.ours = err.Error()
	}
	orientation := 1
	for _, p := range c.peers {
		if p.formats != nil && !slices.Contains(p.formats, r.format) {
			continue
		}
		theirs, err := c.read(p, path)
		o := opinion{name: p.name}
		switch {
		case err != nil:
			o.refuses = err.Error()
			if o.refuses == "" {
				o.refuses = "no reason given"
			}
		case r.ours == "":
			if theirs.orientation != 0 {
				orientation = theirs.orientation
			}
			o.differs = differ(ours, theirs, orientation)
		}
		r.peers = append(r.peers, o)
	}
	return r
}

func (c *comparer) read(p peer, path string) (seen, error) {
	if p.read != nil {
		return p.read(path, c.dir)
	}
	if c.pillow == nil {
		var err error
		if c.pillow, err = startPillow(); err != nil {
			return seen{}, err
		}
	}
	s, lost, err := c.pillow.read(path)
	if lost {
		c.pillow.stop()
		c.pillow = nil
	}
	return s, err
}

// readOurs reads a file with scale, as PNG. The number of frames is in the note about
// those that are left out.
func (c *comparer) readOurs(path string) (s seen, err error) {
	o := start(c.bin, path, nil, "scale", "-f", "png", "1")
	if o.err != nil {
		return s, o.err
	}
	if o.refused {
		return s, fmt.Errorf("%s", o.line)
	}
	m, err := png.Decode(bytes.NewReader(o.out))
	if err != nil {
		return s, err
	}
	s = seen{pix: nrgba(m), upright: true, frames: 1, profile: profileOfPNG(o.out)}
	if _, note, ok := strings.Cut(o.line, "first of "); ok {
		fmt.Sscan(note, &s.frames)
	}
	return s, nil
}

// samePixels is the mean difference of 255 up to which pixels are the same: decoders of
// JPEG round differently, and smooth chroma differently.
const samePixels = 2

// differ says what differs.
func differ(ours, theirs seen, orientation int) (list []string) {
	a, b := ours.pix, theirs.pix
	if !theirs.upright {
		b = turn(b, orientation)
	}
	switch {
	case a.Rect.Size() == b.Rect.Size():
		if mean := meanDifference(a, b); mean > samePixels {
			list = append(list, fmt.Sprintf("other pixels (by %.1f)", mean))
		}
	case a.Rect.Dx() == b.Rect.Dy() && a.Rect.Dy() == b.Rect.Dx():
		list = append(list, "another orientation")
	default:
		list = append(list, fmt.Sprintf("%d×%d pixels, not %d×%d", b.Rect.Dx(), b.Rect.Dy(), a.Rect.Dx(), a.Rect.Dy()))
	}
	if theirs.frames != 0 && theirs.frames != ours.frames {
		list = append(list, fmt.Sprintf("%d frames, not %d", theirs.frames, ours.frames))
	}
	if theirs.profile == yes && ours.profile == no {
		list = append(list, "a profile, where we have none")
	}
	return list
}

// meanDifference is the mean difference of samples, of pictures over white.
func meanDifference(a, b *image.NRGBA) float64 {
	var sum int64
	w, h := a.Rect.Dx(), a.Rect.Dy()
	for y := range h {
		p, q := a.Pix[y*a.Stride:][:4*w], b.Pix[y*b.Stride:][:4*w]
		for i := 0; i < len(p); i += 4 {
			for k := range 3 {
				u := (int(p[i+k])*int(p[i+3]) + 255*(255-int(p[i+3]))) / 255
				v := (int(q[i+k])*int(q[i+3]) + 255*(255-int(q[i+3]))) / 255
				sum += int64(max(u-v, v-u))
			}
		}
	}
	return float64(sum) / float64(3*w*h)
}

// turn returns a picture turned as an EXIF orientation asks.
func turn(m *image.NRGBA, orientation int) *image.NRGBA {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	up := image.NewNRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		up = image.NewNRGBA(image.Rect(0, 0, h, w))
	}
	for y := range up.Rect.Dy() {
		for x := range up.Rect.Dx() {
			u, v := x, y
			if orientation >= 5 {
				u, v = y, x
			}
			switch orientation {
			case 2, 8:
				u = w - 1 - u
			case 3, 7:
				u, v = w-1-u, h-1-v
			case 4, 6:
				v = h - 1 - v
			}
			copy(up.Pix[y*up.Stride+4*x:][:4], m.Pix[v*m.Stride+4*u:])
		}
	}
	return up
}

// differences says who sees a file differently from us.
func (c *compared) differences() (list []string) {
	for _, o := range c.peers {
		switch {
		case o.refuses != "" && c.ours == "":
			list = append(list, fmt.Sprintf("%s refuses it (%s)", o.name, o.refuses))
		case o.refuses == "" && c.ours != "":
			list = append(list, o.name+" reads it")
		case len(o.differs) > 0:
			list = append(list, fmt.Sprintf("%s sees %s", o.name, strings.Join(o.differs, ", ")))
		}
	}
	return list
}

// tables counts opinions by format and program.
type tables struct {
	peers  []peer
	counts map[[2]string]*tally
	left   int // files that were not compared
}

// tally is one row of a table.
type tally struct{ both, onlyWe, onlyThey, neither, pixels, turned, size, frames, profile int }

func newTables(peers []peer) *tables { return &tables{peers: peers, counts: map[[2]string]*tally{}} }

func (t *tables) add(r *report) {
	if r.format == "" {
		t.left++
		return
	}
	for _, o := range r.peers {
		key := [2]string{r.format, o.name}
		n := t.counts[key]
		if n == nil {
			n = &tally{}
			t.counts[key] = n
		}
		switch {
		case r.ours == "" && o.refuses == "":
			n.both++
		case r.ours == "":
			n.onlyWe++
		case o.refuses == "":
			n.onlyThey++
		default:
			n.neither++
		}
		for _, d := range o.differs {
			switch {
			case strings.HasPrefix(d, "other pixels"):
				n.pixels++
			case strings.HasPrefix(d, "another orientation"):
				n.turned++
			case strings.Contains(d, "frames"):
				n.frames++
			case strings.Contains(d, "profile"):
				n.profile++
			default:
				n.size++
			}
		}
	}
}

func (t *tables) print(w io.Writer) {
	if len(t.peers) == 0 {
		return
	}
	keys := make([][2]string, 0, len(t.counts))
	for k := range t.counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]) })
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "format\tprogram\tboth read\tonly we\tonly they\tneither\tother pixels\torientation\tsize\tframes\tprofile\t")
	for _, k := range keys {
		n := t.counts[k]
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", k[0], k[1], n.both, n.onlyWe, n.onlyThey, n.neither, n.pixels, n.turned, n.size, n.frames, n.profile)
	}
	tw.Flush()
	if t.left > 0 {
		fmt.Fprintf(w, "%d files were not compared: the time limit (-time) was over\n", t.left)
	}
}
