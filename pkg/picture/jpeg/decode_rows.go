package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// decoder decodes a picture one row of MCUs at a time: from the only scan while it is
// read, or from coefficients that gather has read from several.
type decoder struct {
	r    *Reader
	f    *frame
	n    [4]int // each component is decoded at n/8; 0: not at all
	dims []raster.PlaneDim

	pix    [4][]uint8 // the current row of MCUs: n*v lines of stride samples
	stride [4]int
	row    int // rows of MCUs decoded

	sc      *scanner
	pairs   [4]*pairTables // of a sequential scan with Huffman codes, by its components
	wanted  geometry.Rect  // MCUs whose samples are asked for
	skips   bool           // restart intervals without any of them are skipped,
	skipped int            // the last of them before this MCU of the scan; 0: none
	parts   []part         // of a picture with a single sequential scan
	places  []blockPlace   // of eight MCUs, in the order of the scan
	outside []blockPlace   // the same for MCUs of which no sample is wanted: only DC is decoded
	broken  bool           // the scan is damaged, and the rest of the picture missing

	// Of a picture with several scans.
	coefs   []coefficients
	inverse [4]inverse
	work    group
}

// lastKept[n] is the zig-zag position of the last of the n × n lowest coefficients.
var lastKept = func() (last [9]int) {
	for k, p := range unzig {
		for n := max(p&7, p>>3) + 1; n <= 8; n++ {
			last[n] = k
		}
	}
	return
}()

// Rows starts the decoding. Rows of a picture of one component are Gray. Those of a YCbCr
// picture are YCbCr if the hint has Planar, Gray if it has Luma, else RGB, as are all
// others. With a goal in the hint, they come at n/8, which Reduction chooses. The
// orientation is not applied.
//
// With Skip, a picture of one sequential Huffman-coded scan is not decoded in restart
// intervals outside the part.
//
// With Limits.Lenient, samples that a damaged file lacks are mid gray, 128 in each
// component.
func (r *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	if r.first == nil {
		return nil, fault.New(fault.Internal, "a JPEG reader used twice")
	}
	f := r.frame
	m := &decoder{r: r, f: f}
	full := f.comps[0].h == f.hmax && f.comps[0].v == f.vmax
	luma := hint.Luma && r.model == ycc && full
	planar := r.model == gray || luma || r.model == ycc && hint.Planar && full
	m.wanted, m.skips = f.mcusOf(hint.Part), hint.Skip
	ofW, ofH := hint.Part.W, hint.Part.H
	if ofW == 0 || ofH == 0 {
		ofW, ofH = f.w, f.h
	}
	chromaW, chromaH := hint.GoalW, hint.GoalH
	if ofW != f.w || ofH != f.h {
		// A part begins between samples. Chroma of the size wanted would only be moved by
		// a part of a sample, where a kernel is least exact.
		chromaW, chromaH = ceilDiv(5*chromaW, 4), ceilDiv(5*chromaH, 4)
	}
	n := 8
	if hint.GoalW > 0 && hint.GoalH > 0 && full {
		n = Reduction(ofW, ofH, hint.GoalW, hint.GoalH, hint.Fine, hint.Named)
	}
	for i, c := range f.comps {
		switch {
		case i == 0:
			m.n[i] = n
		case luma:
		case planar && n < 8:
			m.n[i] = chromaReduction(ofW*c.h, ofH*c.v, f.hmax, f.vmax, chromaW, chromaH)
		case planar:
			m.n[i] = 8
		default: // the size of the first component, where that can be had
			m.n[i] = min(8, n*min(f.hmax/c.h, f.vmax/c.v))
		}
	}
	m.dims = f.dims(&m.n)
	if err := m.start(); err != nil {
		return nil, err
	}
	h := r.hdr
	switch {
	case planar && (luma || r.model == gray):
		h.Layout = raster.Gray
		h.Planes = m.dims[:1]
		if luma {
			h.ICC = nil
		}
		return &planeRows{decoder: m, h: &h}, nil
	case planar || r.model == ycc && full:
		h.Layout = raster.YCbCr
		h.Planes = m.dims
		rows := &planeRows{decoder: m, h: &h}
		if planar {
			return rows, nil
		}
		return raster.Packed(rows), nil
	}
	h.Layout = raster.RGB
	if r.model == plain4 {
		h.Layout = raster.RGBA
	}
	h.Planes = []raster.PlaneDim{{W: ceilDiv(f.w*n, 8), H: ceilDiv(f.h*n, 8), NX: n, DX: 8, NY: n, DY: 8}}
	if n == 8 {
		h.Planes[0] = raster.Whole(f.w, f.h)
	}
	return newColourRows(m, &h), nil
}

// mcusOf returns the MCUs that a part of the picture touches, with raster.PartMargin
// around it; of the zero part all.
func (f *frame) mcusOf(part geometry.Rect) geometry.Rect {
	if part.W == 0 || part.H == 0 {
		return geometry.Whole(f.mcux, f.mcuy)
	}
	const margin = raster.PartMargin
	left, top := max(0, part.X-margin)/(8*f.hmax), max(0, part.Y-margin)/(8*f.vmax)
	right, bottom := ceilDiv(part.X+part.W+margin, 8*f.hmax), ceilDiv(part.Y+part.H+margin, 8*f.vmax)
	return geometry.Rect{X: left, Y: top, W: right - left, H: bottom - top}
}

// start allocates the row of MCUs. If the first scan is not all of the picture, it
// gathers all scans.
func (m *decoder) start() error {
	r, f := m.r, m.f
	s := r.first
	m.sc = r.newScanner()
	var bytes int64
	for i, c := range f.comps {
		// The transform writes whole groups, and storeSlack bytes more.
		m.stride[i] = ceilDiv(f.mcux, groupBlocks)*groupBlocks*c.h*m.n[i] + storeSlack
		bytes += int64(m.stride[i] * c.v * m.n[i])
	}
	if err := r.lim.CheckMem(bytes); err != nil {
		return err
	}
	for i, c := range f.comps {
		m.pix[i] = make([]uint8, m.stride[i]*c.v*m.n[i])
	}
	if f.progressive() || len(s.comps) < len(f.comps) {
		return m.gather(s)
	}
	if err := m.sc.begin(s); err != nil {
		return err
	}
	m.skips = m.skips && s.ri > 0 && !f.arithmetic()
	for i, c := range f.comps { // all are in the scan, in this order
		p := part{h: c.h, v: c.v, inverse: newInverse(m.n[i], &c.quant.q), groups: make([]group, c.h*c.v), pix: m.pix[i], stride: m.stride[i]}
		m.parts = append(m.parts, p)
	}
	if f.arithmetic() {
		return nil
	}
	m.sc.skipTables()
	for i := range m.parts {
		m.pairsFor(i, m.n[i])
	}
	m.placeBlocks()
	return nil
}

// pairsFor sets m.pairs[i] to the tables of the i-th component of the scan, decoded at
// n/8. Where tables of the same codes are there, from another component or an earlier
// scan, it takes those.
func (m *decoder) pairsFor(i, n int) {
	dc, ac := m.sc.s.dc[i], m.sc.s.ac[i]
	for _, t := range m.pairs {
		if t != nil && t.dcTable == dc && t.acTable == ac && t.last == uint(lastKept[n]) && t.walk == (n == 0) {
			m.pairs[i] = t
			return
		}
	}
	m.pairs[i] = m.sc.newPairs(i, n)
}

// next decodes the next row of MCUs into pix.
func (m *decoder) next() error {
	if m.row == m.f.mcuy {
		return io.EOF
	}
	switch {
	case m.coefs != nil && !m.wantsRow():
	case m.coefs != nil:
		m.transform()
	case m.broken:
		m.missing(0)
	default:
		mx, err := m.sequential()
		if err == nil && m.row == m.f.mcuy-1 {
			_, err = m.sc.end()
		}
		if err != nil {
			if !m.r.forgives(err) {
				return err
			}
			m.broken = true
			m.missing(mx)
		}
	}
	m.row++
	return nil
}

// missing fills the row of MCUs from the mx-th on with mid gray, as libjpeg does where
// data is missing.
func (m *decoder) missing(mx int) {
	for i, c := range m.f.comps {
		for y := range c.v * m.n[i] {
			line := m.pix[i][y*m.stride[i] : (y+1)*m.stride[i]]
			for x := mx * c.h * m.n[i]; x < len(line); x++ {
				line[x] = 128
			}
		}
	}
}

// planeRows delivers the components as planes, each at its own size.
type planeRows struct {
	decoder *decoder
	h       *raster.Header
	band    raster.Band
}

func (p *planeRows) Header() *raster.Header { return p.h }

func (p *planeRows) Next() (*raster.Band, error) {
	m := p.decoder
	if err := m.next(); err != nil {
		return nil, err
	}
	for i, d := range p.h.Planes {
		height := m.f.comps[i].v * m.n[i]
		y := (m.row - 1) * height
		if i == 0 {
			p.band.Y = y
		}
		p.band.Planes[i] = raster.Plane{Pix: m.pix[i], Stride: m.stride[i], Rows: max(0, min(height, d.H-y))}
	}
	return &p.band, nil
}
