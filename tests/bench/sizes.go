package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Four sizes of one picture, as a page's srcset has them, against the largest alone and
// against sharp, whose four are clones of one sharp().
const (
	fourSizes   = "1920x,1280x,640x,320x"
	largestSize = "1920x"
	sharpSizes  = "1920,1280,640,320"

	mostToLargest = 1.6 // four sizes cost at most so many times the largest alone
	mostToSharp   = 0.4 // and at most this part of sharp's
)

// sizes measures the JPEGs of 12 Mpixel.
func (b *bench) sizes(pictures []picture) error {
	for _, p := range pictures {
		const job = "four sizes"
		if !p.jpeg() || p.artificial || float64(p.w)*float64(p.h) < leastPix || !b.match.MatchString(p.name+" "+job) {
			continue
		}
		if err := b.sizesOf(p, job); err != nil {
			return fmt.Errorf("%s %s: %w", p.name, job, err)
		}
	}
	return nil
}

func (b *bench) sizesOf(p picture, job string) error {
	dir := filepath.Join(b.out, "sizes")
	ours := func(list string) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			if err := os.RemoveAll(dir); err != nil {
				return 0, err
			}
			used, err := runLine("scale -quiet -d "+dir+" "+list+" $in", p.path, "")
			return used.CPU, err
		}
	}
	ways := []struct {
		name string
		do   func() (time.Duration, error)
	}{{"imgtools, " + largestSize, ours(largestSize)}, {"imgtools, " + fourSizes, ours(fourSizes)}}
	if s := b.peers["sharp"]; s != nil {
		ways = append(ways, struct {
			name string
			do   func() (time.Duration, error)
		}{"sharp warm, four clones", func() (time.Duration, error) {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return 0, err
			}
			u, err := s.line(fmt.Sprintf("sizes %s 0 0 %s %s %s", sharpSizes, usual, p.path, filepath.Join(dir, "sharp")))
			return u.cpu, err
		}})
	}
	rows := make([]row, len(ways))
	for turn := -1; turn < b.runs; turn++ { // the first warms up, and isn't counted
		for i, way := range ways {
			cpu, err := way.do()
			if err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			if turn >= 0 {
				rows[i].turns = append(rows[i].turns, cpu)
			}
		}
	}
	fmt.Fprintf(b.w, "%s (%d×%d): %s\n", p.name, p.w, p.h, job)
	for i, way := range ways {
		rows[i].tool, rows[i].cpu = way.name, median(rows[i].turns)
		fmt.Fprintf(b.w, "  %-30s %8.1f ms\n", way.name, ms(rows[i].cpu))
	}
	judge := func(what string, to *row, most float64) {
		b.passRatio(p.name+" "+job, what, ratio(&rows[1], to), most)
	}
	judge("CPU of four sizes / of the largest alone", &rows[0], mostToLargest)
	if len(rows) > 2 {
		judge("CPU of four sizes / of sharp's", &rows[2], mostToSharp)
	}
	fmt.Fprintln(b.w)
	return nil
}
