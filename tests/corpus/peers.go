package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/image/tiff"
)

// seen is the first picture of a file as one program sees it.
type seen struct {
	pix         *image.NRGBA // as the program gives it; see upright
	upright     bool         // the program has applied the orientation
	orientation int          // EXIF's, 1 to 8; 0: the program doesn't say
	frames      int          // 0: the program doesn't say
	profile     tri          // the file has a colour profile of the picture
}

// tri is yes, no, or not said.
type tri int8

const (
	unsaid tri = iota
	no
	yes
)

// peer is another program that reads pictures.
type peer struct {
	name    string
	formats []string // that it reads, as formatOf names them; nil: all
	program string
	read    func(path, dir string) (seen, error) // dir is for files of its own
}

// peerTime is how long one program may take for one file.
const peerTime = 10 * time.Second

// allPeers are the programs that are known.
var allPeers = []peer{
	{"Pillow", nil, "python3", nil}, // runs on; see pillow.go
	{"vips", nil, "vips", readVips},
	{"djpeg", []string{"jpeg"}, "djpeg", readDjpeg},
	{"dwebp", []string{"webp"}, "dwebp", readDwebp},
	{"tiff2rgba", []string{"tiff"}, "tiff2rgba", readTiff2rgba},
	{"ImageMagick", nil, "convert", readMagick},
}

// installed returns the peers of a list that are installed, and says which are not.
func installed(list string) (peers []peer, err error) {
	names := strings.Split(list, ",")
	var missing []string
	for _, p := range allPeers {
		asked := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, p.name) })
		if list != "all" && !asked {
			continue
		}
		if p.name == "Pillow" {
			if pythonWithPillow() == "" {
				missing = append(missing, p.name)
				continue
			}
		} else if _, err := exec.LookPath(p.program); err != nil {
			missing = append(missing, p.name)
			continue
		}
		peers = append(peers, p)
	}
	for _, n := range names {
		known := slices.ContainsFunc(allPeers, func(p peer) bool { return strings.EqualFold(p.name, n) })
		if n != "all" && n != "none" && n != "" && !known {
			return nil, fmt.Errorf("unknown program %q", n)
		}
	}
	if len(missing) > 0 {
		fmt.Printf("not installed: %s\n", strings.Join(missing, ", "))
	}
	return peers, nil
}

// formatOf names the format of a file by its first bytes.
func formatOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "other"
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	head = head[:n]
	for _, m := range []struct{ format, magic string }{
		{"jpeg", "\xff\xd8\xff"}, {"png", "\x89PNG"}, {"gif", "GIF8"}, {"bmp", "BM"}, {"ico", "\x00\x00\x01\x00"},
		{"tiff", "II*\x00"}, {"tiff", "MM\x00*"}, {"tiff", "II+\x00"}, {"tiff", "MM\x00+"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	switch {
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "webp"
	case len(head) >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && strings.ContainsRune(" \t\r\n#", rune(head[2])):
		return "pnm"
	}
	return "other"
}

// program runs a peer and returns its standard output. A program that complains but
// gives a picture has read the file.
func program(name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), peerTime)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = time.Second
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("not done in %v", peerTime)
	}
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		if len(line) > 100 {
			line = line[:100]
		}
		return nil, fmt.Errorf("%s", line)
	}
	return out.Bytes(), nil
}

func readVips(path, dir string) (s seen, err error) {
	out := filepath.Join(dir, "vips.png")
	defer os.Remove(out)
	if _, err := program("vips", "autorot", path, out+"[compression=1]"); err != nil {
		return s, err
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return s, err
	}
	s.upright, s.profile = true, profileOfPNG(b)
	m, err := png.Decode(bytes.NewReader(b))
	s.pix = nrgba(m)
	return s, err
}

func readDjpeg(path, _ string) (s seen, err error) {
	b, err := program("djpeg", "-pnm", path)
	if err != nil {
		return s, err
	}
	s.pix, err = readPNM(b)
	return s, err
}

func readDwebp(path, _ string) (s seen, err error) {
	b, err := program("dwebp", "-quiet", "-pam", path, "-o", "-")
	if err != nil {
		return s, err
	}
	s.pix, err = readPNM(b)
	return s, err
}

func readTiff2rgba(path, dir string) (s seen, err error) {
	out := filepath.Join(dir, "rgba.tif")
	defer os.Remove(out)
	if _, err := program("tiff2rgba", "-c", "none", path, out); err != nil {
		return s, err
	}
	f, err := os.Open(out)
	if err != nil {
		return s, err
	}
	defer f.Close()
	m, err := tiff.Decode(f)
	s.pix = nrgba(m)
	return s, err
}

func readMagick(path, _ string) (s seen, err error) {
	b, err := program("convert", path+"[0]", "-auto-orient", "-colorspace", "sRGB", "-depth", "8", "pam:-")
	if err != nil {
		return s, err
	}
	s.upright = true
	s.pix, err = readPNM(b)
	return s, err
}

// readPNM reads P5, P6 and P7 of 8 bits, as these programs write them.
func readPNM(b []byte) (*image.NRGBA, error) {
	var w, h, depth, top int
	var body []byte
	if bytes.HasPrefix(b, []byte("P7")) {
		head, rest, ok := bytes.Cut(b, []byte("ENDHDR\n"))
		if !ok {
			return nil, fmt.Errorf("PAM without ENDHDR")
		}
		body = rest
		for line := range strings.Lines(string(head)) {
			var key string
			var v int
			if n, _ := fmt.Sscan(line, &key, &v); n == 2 {
				switch key {
				case "WIDTH":
					w = v
				case "HEIGHT":
					h = v
				case "DEPTH":
					depth = v
				case "MAXVAL":
					top = v
				}
			}
		}
	} else {
		var magic string
		if n, _ := fmt.Sscan(string(b[:min(len(b), 64)]), &magic, &w, &h, &top); n != 4 {
			return nil, fmt.Errorf("PNM that begins with %.20q", b)
		}
		depth = map[string]int{"P5": 1, "P6": 3}[magic]
		body = b[max(0, len(b)-w*h*depth):]
	}
	if w < 1 || h < 1 || depth < 1 || depth > 4 || top != 255 || len(body) < w*h*depth {
		return nil, fmt.Errorf("PNM of %d×%d×%d up to %d in %d bytes", w, h, depth, top, len(body))
	}
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p, q := body[i*depth:(i+1)*depth], m.Pix[4*i:4*i+4]
		switch depth {
		case 1, 2:
			q[0], q[1], q[2] = p[0], p[0], p[0]
		default:
			copy(q, p[:3])
		}
		q[3] = 255
		if depth == 2 || depth == 4 {
			q[3] = p[depth-1]
		}
	}
	return m, nil
}

func nrgba(m image.Image) *image.NRGBA {
	if m == nil {
		return nil
	}
	if n, ok := m.(*image.NRGBA); ok {
		return n
	}
	n := image.NewNRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	draw.Draw(n, n.Rect, m, m.Bounds().Min, draw.Src)
	return n
}

// profileOfPNG reports whether a PNG has a profile or another chunk that says what its
// colours mean.
func profileOfPNG(b []byte) tri {
	end := bytes.Index(b, []byte("IDAT"))
	for _, chunk := range []string{"iCCP", "cICP", "gAMA"} {
		if at := bytes.Index(b, []byte(chunk)); at >= 0 && at < end {
			return yes
		}
	}
	return no
}
