package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
)

// Still WebP beside libwebp's programs, PPM in and out. For equal quality ours is written
// at qualities 30 to 95, once each, and its bytes and CPU time at cwebp's SSIM are read
// off that curve. All lossy files are decoded by dwebp.

// webpStill is a comparison over several pictures, with the most that ours may take.
type webpStill struct {
	what         string
	median, most float64   // 0: not judged
	got          []float64 // ours ÷ the peer's
}

// webpStills are the comparisons of one run.
type webpStills []*webpStill

// add prints the ratio of a picture and keeps it for the bounds.
func (s *webpStills) add(b *bench, what string, median, most, got float64) {
	fmt.Fprintf(b.w, "  %-62s %6.2f\n", what, got)
	i := slices.IndexFunc(*s, func(c *webpStill) bool { return c.what == what })
	if i < 0 {
		i = len(*s)
		*s = append(*s, &webpStill{what: what, median: median, most: most})
	}
	(*s)[i].got = append((*s)[i].got, got)
}

// judge prints the bounds.
func (s webpStills) judge(b *bench) {
	if len(s) == 0 {
		return
	}
	for _, c := range s {
		if c.median == 0 {
			continue
		}
		slices.Sort(c.got)
		last := c.got[len(c.got)-1]
		v := verdict{job: "WebP", what: c.what, got: fmt.Sprintf("median %.2f, %.2f to %.2f", middle(c.got), c.got[0], last)}
		v.want, v.met = fmt.Sprintf("≤ %.2f (median)", c.median), middle(c.got) <= c.median
		if c.most > 0 {
			v.want += fmt.Sprintf(", none above %.2f", c.most)
			v.met = v.met && last <= c.most
		}
		b.pass(v)
	}
	fmt.Fprintln(b.w)
}

// stills measures photographs, and the pictures that are graphics.
func (b *bench) stills(photos, pictures []picture) error {
	var all webpStills
	for _, p := range append(slices.Clone(photos), pictures...) {
		graphic := slices.Contains([]string{"palette.png", "shot.png", "ui.png"}, p.name)
		if !graphic && !p.jpeg() || p.progressive || p.name == "photo2.jpg" {
			continue
		}
		for _, j := range []struct {
			name string
			do   func(*webpStills, picture, bool) error
		}{{"WebP, lossy", b.lossyWebP}, {"WebP, gray", b.grayWebP}, {"WebP, lossless", b.losslessWebP}, {"WebP, decoded", b.decodedWebP}, {"WebP 1/4", b.scaledWebP}} {
			if !b.match.MatchString(p.name + " " + j.name) {
				continue
			}
			for _, program := range []string{"cwebp", "dwebp"} {
				if _, err := exec.LookPath(program); err != nil {
					fmt.Fprintf(b.w, "WebP: not measured: %v\n\n", err)
					return nil
				}
			}
			fmt.Fprintf(b.w, "%s (%d×%d): %s\n", p.name, p.w, p.h, j.name)
			if err := j.do(&all, p, graphic); err != nil {
				return fmt.Errorf("%s %s: %w", p.name, j.name, err)
			}
		}
	}
	all.judge(b)
	return nil
}

// made runs lines of shell in turns and returns each line's CPU time and bytes. A line's output is
// its own file, so that it can be looked at afterwards.
func (b *bench) made(in, kind string, runs int, lines ...string) (rows []row, err error) {
	rows = make([]row, len(lines))
	for range runs {
		for i, line := range lines {
			r, err := once(command{tool: line, line: line}, in, b.still(i, kind))
			if err != nil {
				return nil, err
			}
			rows[i].bytes, rows[i].turns = r.bytes, append(rows[i].turns, r.cpu)
		}
	}
	for i := range rows {
		rows[i].cpu = median(rows[i].turns)
	}
	return rows, nil
}

// still is where a line's output is.
func (b *bench) still(i int, kind string) string {
	return filepath.Join(b.out, fmt.Sprintf("still%d.%s", i, kind))
}

// webpSSIM returns a file's SSIM to the reference, decoded by dwebp.
func (b *bench) webpSSIM(file string, ref planes) (float64, error) {
	ppm := filepath.Join(b.out, "still.ppm")
	if _, err := runLine("dwebp -quiet -ppm $in -o $out", file, ppm); err != nil {
		return 0, err
	}
	_, s, err := likeness(ppm, ref)
	return s, err
}

// webpPeer is a program that reads or writes WebP, by libwebp.
type webpPeer struct{ name, program, line string }

// installed returns those that are there, and their lines.
func installed(peers ...webpPeer) (there []webpPeer, lines []string) {
	for _, p := range peers {
		if _, err := exec.LookPath(p.program); err == nil {
			there, lines = append(there, p), append(lines, p.line)
		}
	}
	return there, lines
}

const magick = "/usr/bin/convert"

// lossyWebP compares with three efforts of cwebp, and with vips and ImageMagick, at
// cwebp's default quality.
func (b *bench) lossyWebP(all *webpStills, p picture, graphic bool) error {
	ref, err := load(p.ppm, false)
	if err != nil {
		return err
	}
	const usual = "cwebp -m 4"
	others, lines := installed(
		webpPeer{"cwebp -m 0", "cwebp", "cwebp -quiet -m 0 $in -o $out"},
		webpPeer{usual, "cwebp", "cwebp -quiet -m 4 $in -o $out"},
		webpPeer{"cwebp -m 6", "cwebp", "cwebp -quiet -m 6 $in -o $out"},
		webpPeer{"vips", "vips", "vips webpsave $in $out --Q 75"},
		webpPeer{"ImageMagick", magick, magick + " $in -quality 75 $out"},
	)
	peers, err := b.made(p.ppm, "webp", b.runs, lines...)
	if err != nil {
		return err
	}
	for i := range peers {
		if peers[i].ssim, err = b.webpSSIM(b.still(i, "webp"), ref); err != nil {
			return err
		}
	}
	for _, fast := range []string{"", "-fast "} {
		var curve []sample
		for q := leastQuality; q <= mostQuality; q += qualityStep {
			r, err := b.made(p.ppm, "webp", 1, fmt.Sprintf("scale -f webp %s-q %d -o $out 1 $in", fast, q))
			if err != nil {
				return err
			}
			s := sample{cpu: r[0].cpu, bytes: r[0].bytes}
			if s.ssim, err = b.webpSSIM(b.still(0, "webp"), ref); err != nil {
				return err
			}
			curve = append(curve, s)
		}
		for i, o := range others {
			bytes, cpu, err := at(curve, peers[i].ssim)
			if err != nil {
				fmt.Fprintf(b.w, "  %slossy ÷ %s: %v\n", fast, o.name, err)
				continue
			}
			var limits [4]float64 // bytes: median, worst; CPU: median, worst
			if o.name == usual {
				limits = map[string][4]float64{"": {1.03, 1.10, 0.60, 0.60}, "-fast ": {1.12, 1.12, 0.35, 0.35}}[fast]
			}
			all.add(b, fast+"lossy, bytes ÷ "+o.name+" at equal SSIM", limits[0], limits[1], bytes/float64(peers[i].bytes))
			all.add(b, fast+"lossy, CPU ÷ "+o.name+" at equal SSIM", limits[2], limits[3], cpu/float64(peers[i].cpu))
		}
	}
	return nil
}

// offGrid is how many columns and rows are cut off a photograph: half a block of JPEG.
const offGrid = 4

// grayWebP compares gray at the default quality with gray JPEGs of the same SSIM.
//
// A photograph of the bench was a JPEG, some of quality 75. On the grid of its blocks its
// coefficients are still near multiples of its steps, so that another JPEG has them almost
// without an error for few bits. That says nothing about other pictures. So photographs are
// held to the bounds with their grid shifted; what they give on the same grid is printed, too.
func (b *bench) grayWebP(all *webpStills, p picture, graphic bool) error {
	if graphic {
		return b.grayWebPOf(all, p.ppm, "", true)
	}
	if err := b.grayWebPOf(all, p.ppm, ", same grid", false); err != nil {
		return err
	}
	cut := filepath.Join(b.out, "offgrid.ppm")
	if _, err := runLine(fmt.Sprintf("pamcut -left %d -top %[1]d $in > $out", offGrid), p.ppm, cut); err != nil {
		return err
	}
	return b.grayWebPOf(all, cut, "", true)
}

// grayWebPOf compares one picture, and judges it or not. The JPEGs of cjpeg have the
// standard tables of quantization and of codes, and no level is changed to save bits.
func (b *bench) grayWebPOf(all *webpStills, ppm, which string, judged bool) error {
	ref, err := load(ppm, true)
	if err != nil {
		return err
	}
	ours, err := b.made(ppm, "webp", 1, "gray -f webp -o $out $in")
	if err != nil {
		return err
	}
	if ours[0].ssim, err = b.webpSSIM(b.still(0, "webp"), ref); err != nil {
		return err
	}
	for _, peer := range []struct {
		name, line   string
		median, most float64
	}{
		{"our gray JPEG", "gray -f jpeg -q %d -o $out $in", 0.88, 0.88},
		{"cjpeg -grayscale", "cjpeg -grayscale -quality %d -outfile $out $in", 0.70, 0},
	} {
		var curve []sample
		for q := leastQuality; q <= 100; q += qualityStep { // graphics are better than JPEG of 95
			r, err := b.made(ppm, "jpg", 1, fmt.Sprintf(peer.line, q))
			if err != nil {
				return err
			}
			s := sample{cpu: r[0].cpu, bytes: r[0].bytes}
			if _, s.ssim, err = likeness(b.still(0, "jpg"), ref); err != nil {
				return err
			}
			curve = append(curve, s)
		}
		bytes, _, err := at(curve, ours[0].ssim)
		if err != nil {
			fmt.Fprintf(b.w, "  gray ÷ %s: %v\n", peer.name, err)
			continue
		}
		if !judged {
			peer.median, peer.most = 0, 0
		}
		all.add(b, "gray lossy, bytes ÷ "+peer.name+" at equal SSIM"+which, peer.median, peer.most, float64(ours[0].bytes)/bytes)
	}
	return nil
}

func (b *bench) losslessWebP(all *webpStills, p picture, graphic bool) error {
	others, lines := installed(
		webpPeer{"vips --effort 2", "vips", "vips webpsave $in $out --lossless --effort 2"},
		webpPeer{"ImageMagick method=2", magick, magick + " $in -quality 75 -define webp:lossless=true -define webp:method=2 $out"},
	)
	r, err := b.made(p.ppm, "webp", b.runs, append([]string{"scale -f webp -q lossless -o $out 1 $in", "cwebp -quiet -lossless -m 2 -q 75 $in -o $out"}, lines...)...)
	if err != nil {
		return err
	}
	kind, most := "photographs", 0.20
	if graphic {
		kind, most = "graphics", 0.40
	}
	const peer = " ÷ cwebp -lossless -m 2 -q 75"
	all.add(b, "lossless, bytes"+peer, 1.03, 1.08, float64(r[0].bytes)/float64(r[1].bytes))
	all.add(b, "lossless, CPU of "+kind+peer, most, 0, ratio(&r[0], &r[1]))
	for i, o := range others {
		all.add(b, "lossless, bytes ÷ "+o.name, 0, 0, float64(r[0].bytes)/float64(r[2+i].bytes))
		all.add(b, "lossless, CPU ÷ "+o.name, 0, 0, ratio(&r[0], &r[2+i]))
	}
	return nil
}

func (b *bench) decodedWebP(all *webpStills, p picture, graphic bool) error {
	for _, c := range []struct {
		kind, flags       string
		most, mostOfPlain float64
	}{{"lossy", "", 1.5, 2.0}, {"lossless", "-lossless -m 2 ", 1.3, 0}} {
		file := filepath.Join(b.out, "decode.webp")
		if _, err := runLine("cwebp -quiet "+c.flags+"$in -o $out", p.ppm, file); err != nil {
			return err
		}
		ours := "scale -f ppm -o $out 1 $in"
		others, lines := installed(
			webpPeer{"vips", "vips", "vips copy $in $out"},
			webpPeer{"ImageMagick", magick, magick + " $in $out"},
		)
		lines = append([]string{"dwebp -quiet -ppm $in -o $out", ours}, lines...)
		if b.plain != "" {
			lines = append(lines, filepath.Join(b.plain, ours))
		}
		r, err := b.made(file, "ppm", b.runs, lines...)
		if err != nil {
			return err
		}
		all.add(b, c.kind+", CPU of decoding ÷ dwebp -ppm", c.most, 0, ratio(&r[1], &r[0]))
		for i, o := range others {
			all.add(b, c.kind+", CPU of decoding ÷ "+o.name, 0, 0, ratio(&r[1], &r[2+i]))
		}
		if b.plain != "" {
			all.add(b, c.kind+", CPU of decoding ÷ dwebp -ppm, plain build", c.mostOfPlain, 0, ratio(&r[len(r)-1], &r[0]))
		}
	}
	return nil
}

// scaledWebP makes WebP of a quarter from a JPEG of 12 Mpixel, by a worker and by sharp,
// both at their default qualities.
func (b *bench) scaledWebP(all *webpStills, p picture, graphic bool) error {
	s, j := b.peers["sharp"], job{kind: "scale", num: 1, den: 4}
	if s == nil || !p.jpeg() || float64(p.w)*float64(p.h) < leastPix {
		fmt.Fprintln(b.w, "  not measured: no sharp, or not a JPEG of 12 Mpixel")
		return nil
	}
	ref, err := b.reference(p, j)
	if err != nil {
		return err
	}
	ways := []func(in, out string) (used, error){
		func(in, out string) (used, error) { return b.servers.webp(in, out) },
		func(in, out string) (used, error) { return s.peer(p, j, usual, in, out) },
	}
	rows := make([]row, len(ways))
	for turn := -1; turn < b.runs; turn++ { // the first warms up, and isn't counted
		for i, way := range ways {
			out := b.still(i, "webp")
			r, err := once(command{warm: way}, p.path, out)
			if err != nil {
				return err
			}
			if rows[i].bytes = r.bytes; turn >= 0 {
				rows[i].turns = append(rows[i].turns, r.cpu)
			} else if rows[i].ssim, err = b.webpSSIM(out, ref); err != nil {
				return err
			}
		}
	}
	size := float64(rows[0].bytes) / float64(rows[1].bytes)
	fmt.Fprintf(b.w, "  SSIM %.4f, sharp's %.4f\n", rows[0].ssim, rows[1].ssim)
	all.add(b, "JPEG to 1/4, CPU ÷ sharp warm", 0.5, 0, ratio(&rows[0], &rows[1]))
	all.add(b, "JPEG to 1/4, bytes ÷ sharp warm", 1, 0, size)
	all.add(b, "JPEG to 1/4, loss of SSIM ÷ sharp warm", 1, 0, (1-rows[0].ssim)/(1-rows[1].ssim))
	return nil
}

// webp has the daemon scale to a quarter as WebP.
func (s *servers) webp(in, out string) (u used, err error) {
	before, err := workersCPU(s.scale)
	if err != nil {
		return u, err
	}
	if _, err := s.scale.request("scale 1/4 format=webp", in, out); err != nil {
		return u, err
	}
	after, err := workersCPU(s.scale)
	return used{cpu: after - before}, err
}
