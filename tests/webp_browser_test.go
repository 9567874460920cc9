package tests

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"net/http"
	"testing"
)

// shown returns the pixels that Chromium shows of a file in an img element. Those of a
// file with alpha are from its ImageDecoder, since a canvas rounds colours under low
// alpha; the others are read from a canvas.
func shown(b *browser, file []byte) *image.NRGBA {
	b.t.Helper()
	var got struct {
		W, H   int
		Pixels string
	}
	b.run(`return (async () => {
			const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0));
			const e = new Image();
			e.src = URL.createObjectURL(new Blob([bytes], {type: "image/webp"}));
			await e.decode();
			const f = (await new ImageDecoder({type: "image/webp", data: bytes}).decode()).image;
			let p;
			if (f.format == "BGRA") {
				p = new Uint8Array(f.allocationSize());
				await f.copyTo(p);
				for (let i = 0; i < p.length; i += 4) [p[i], p[i + 2]] = [p[i + 2], p[i]];
			} else {
				const c = new OffscreenCanvas(e.naturalWidth, e.naturalHeight).getContext("2d");
				c.drawImage(e, 0, 0);
				p = c.getImageData(0, 0, e.naturalWidth, e.naturalHeight).data;
			}
			let s = "";
			for (let i = 0; i < p.length; i += 4096) s += String.fromCharCode(...p.subarray(i, i + 4096));
			return {w: e.naturalWidth, h: e.naturalHeight, pixels: btoa(s)};
		})()`, &got, base64.StdEncoding.EncodeToString(file))
	m := image.NewNRGBA(image.Rect(0, 0, got.W, got.H))
	pix, err := base64.StdEncoding.DecodeString(got.Pixels)
	if err != nil || len(pix) != len(m.Pix) {
		b.t.Fatalf("%d bytes of %d×%d pixels: %v", len(pix), got.W, got.H, err)
	}
	m.Pix = pix
	return m
}

// seen is one frame of an animation, as Chromium's ImageDecoder has it.
type seen struct {
	Duration int // microseconds
	Pixel    [4]uint8
}

// Chromium shows every kind of WebP that is written here.
func TestChromiumShowsWebP(t *testing.T) {
	s := startImgd(t)
	b := startBrowser(t, "en-US,en", true)
	b.open(s.url + "/")
	dir := t.TempDir()

	soft := image.NewNRGBA(image.Rect(0, 0, 97, 61))
	for y, from := 0, photo(97, 61, 5); y < 61; y++ {
		for x := range 97 {
			c := from.RGBAAt(x, y)
			soft.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, uint8(max(0, min(255, 5*x-100)))})
		}
	}
	save(t, dir, "soft.png", soft)
	save(t, dir, "photo.png", photo(203, 150, 6))

	t.Run("lossless with alpha", func(t *testing.T) {
		file := must(t, dir, "scale -f webp -quality lossless 1 soft.png")
		if !bytes.Contains(file[:64], []byte("VP8L")) {
			t.Fatalf("not lossless: %q", file[:64])
		}
		got := shown(b, file)
		if got.Rect != soft.Rect {
			t.Fatalf("%v, want %v", got.Rect, soft.Rect)
		}
		for i := 0; i < len(soft.Pix); i += 4 {
			if !bytes.Equal(got.Pix[i:i+4], soft.Pix[i:i+4]) {
				t.Fatalf("pixel %d is %v, want %v", i/4, got.Pix[i:i+4], soft.Pix[i:i+4])
			}
		}
	})

	t.Run("lossy", func(t *testing.T) {
		const most = 3 // levels, for another way to round colours and to enlarge chroma
		write(t, dir, "photo.webp", must(t, dir, "scale -f webp 1 photo.png"))
		file := read(t, dir+"/photo.webp")
		if !bytes.Contains(file[:64], []byte("VP8 ")) {
			t.Fatalf("not lossy: %q", file[:64])
		}
		want, _ := decode(t, must(t, dir, "dwebp -quiet -ppm photo.webp -o -"))
		if worst, _ := compare(t, shown(b, file), want); worst > most {
			t.Errorf("%d levels from dwebp, want at most %d", worst, most)
		}
	})

	t.Run("animation", func(t *testing.T) {
		g := &gif.GIF{Delay: []int{7, 20}}
		colours := color.Palette{color.NRGBA{200, 30, 40, 255}, color.NRGBA{20, 60, 220, 255}}
		for i := range colours {
			m := image.NewPaletted(image.Rect(0, 0, 40, 30), colours)
			for k := range m.Pix {
				m.Pix[k] = uint8(i)
			}
			g.Image = append(g.Image, m)
		}
		var made bytes.Buffer
		if err := gif.EncodeAll(&made, g); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "two.gif", made.Bytes())
		file := must(t, dir, "scale -f webp -quality lossless 1 two.gif")
		if m := shown(b, file); m.Rect != image.Rect(0, 0, 40, 30) {
			t.Errorf("%v", m.Rect)
		}
		var got []seen
		b.run(`return (async () => {
			const d = new ImageDecoder({data: Uint8Array.from(arguments[0]), type: "image/webp"}), frames = [];
			await d.tracks.ready;
			await d.completed;
			for (let i = 0; i < d.tracks.selectedTrack.frameCount; i++) {
				const f = (await d.decode({frameIndex: i})).image, c = new OffscreenCanvas(1, 1).getContext("2d");
				c.drawImage(f, 0, 0);
				frames.push({duration: f.duration, pixel: [...c.getImageData(0, 0, 1, 1).data]});
			}
			return frames;
		})()`, &got, ints(file))
		want := []seen{{70_000, [4]uint8{200, 30, 40, 255}}, {200_000, [4]uint8{20, 60, 220, 255}}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("frames %v, want %v", got, want)
		}
	})

	t.Run("format=auto", func(t *testing.T) {
		for accept, want := range map[string]string{"image/avif,image/webp,*/*": "image/webp", "*/*": "image/png"} {
			var got struct {
				Status     int
				Type, Vary string
				W, H       int
			}
			b.run(`return (async () => {
				const r = await fetch("/image?scale=1/2&format=auto", {method: "PUT", headers: {Accept: arguments[1]}, body: Uint8Array.from(arguments[0])});
				const m = await createImageBitmap(await r.blob());
				return {status: r.status, type: r.headers.get("Content-Type"), vary: r.headers.get("Vary"), w: m.width, h: m.height};
			})()`, &got, ints(read(t, dir+"/soft.png")), accept)
			if got.Status != http.StatusOK || got.Type != want || got.Vary != "Accept" || got.W != 49 || got.H != 31 {
				t.Errorf("Accept: %s: %+v, want %s of 49×31", accept, got, want)
			}
		}
	})
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
