package plan

import (
	"io"

	"imgtools/pkg/picture/codec"
)

// Prepared is a picture whose header has been read, with a request that suits it. What
// will be written is decided and within the limits; no pixel has been read.
type Prepared struct {
	From   string // name of the format that is read; that of the family for PNM
	Format string // name of the format to write; pnm while the rows decide which of its family
	W, H   int    // of the result, in pixels
	Pixels int64  // of the picture or of the result, whichever has more, in all frames that are written

	job *job
}

// Prepare reads the header of the picture in the first size bytes of in. Errors are of
// the kinds of package fault.
func Prepare(in io.ReaderAt, size int64, r Request) (Prepared, error) {
	p, err := codec.OpenWith(in, size, r.Limits, r.HEIF)
	if err != nil {
		return Prepared{}, err
	}
	j, err := newJob(p, r)
	if err != nil {
		return Prepared{}, err
	}
	pixels := max(int64(j.fullW)*int64(j.fullH), int64(j.place.W)*int64(j.place.H))
	return Prepared{From: p.Format, Format: j.out.Name, W: j.place.W, H: j.place.H, Pixels: pixels * int64(j.frames()), job: j}, nil
}

// Write writes what the request makes of the picture to out. It may be called once.
func (p Prepared) Write(out io.Writer) (res Result, err error) {
	j := p.job
	defer func() { j.stop() }()
	if j.looking = j.mayLookOnTheWay(); !j.looking {
		if err := j.findFocus(); err != nil {
			return Result{}, err
		}
	}
	if j.HandOver {
		res, err = j.handOver(out)
	} else {
		res, err = j.run(out)
	}
	res.Gravity = j.partGravity.String()
	return res, err
}

// IsPicture reports whether the first size bytes of in are a picture of a format that
// is read.
func IsPicture(in io.ReaderAt, size int64) bool {
	_, err := codec.Sniff(in, size)
	return err == nil
}
