package raster

const (
	aheadBands  = 8       // bands read before they are asked for
	aheadPixels = 1 << 20 // smaller pictures are done before a goroutine pays off
)

// Ahead returns the rows of src. For a large picture a goroutine reads a few bands
// ahead, so that decoding and the filters behind it use two CPUs. The caller must
// call stop when it needs no more rows; after that src is not read.
func Ahead(src Rows) (rows Rows, stop func()) {
	if d := src.Header().Planes[0]; d.W*d.H < aheadPixels {
		return src, func() {}
	}
	a := &ahead{
		h:    src.Header(),
		free: make(chan *Band, aheadBands), read: make(chan *Band, aheadBands),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	for range aheadBands {
		a.free <- new(Band)
	}
	go a.run(src)
	return a, func() { close(a.quit); <-a.done }
}

// ahead passes bands in a circle: free → goroutine fills it → read → caller → free.
type ahead struct {
	h          *Header
	free, read chan *Band
	last       *Band // the band that the caller has
	err        error // of src, returned once read is closed and empty
	quit, done chan struct{}
}

// run fills bands until src ends or fails.
func (a *ahead) run(src Rows) {
	defer close(a.done)
	defer close(a.read)
	for {
		var to *Band
		select {
		case to = <-a.free:
		case <-a.quit:
			return
		}
		var from *Band
		if from, a.err = src.Next(); a.err != nil {
			return
		}
		to.Y = from.Y
		for i, d := range a.h.Planes {
			n := d.W * a.h.Layout.Samples()
			p, q := &to.Planes[i], &from.Planes[i]
			p.Resize(n, q.Rows, a.h.Bits)
			for y := range q.Rows {
				if a.h.Bits == 16 {
					copy(p.Pix16[y*n:], q.Pix16[y*q.Stride:][:n])
				} else {
					copy(p.Pix[y*n:], q.Pix[y*q.Stride:][:n])
				}
			}
		}
		a.read <- to
	}
}

func (a *ahead) Header() *Header { return a.h }

func (a *ahead) Next() (*Band, error) {
	if a.last != nil {
		a.free <- a.last
		a.last = nil
	}
	b, ok := <-a.read
	if !ok {
		return nil, a.err
	}
	a.last = b
	return b, nil
}
