package format

// The names of the formats that code must tell apart.
const (
	JPEG = "jpeg"
	PNG  = "png"
	GIF  = "gif"
	WebP = "webp"
	BMP  = "bmp"
	ICO  = "ico"
	TIFF = "tiff"
	PNM  = "pnm" // as an input any of the netpbm formats; as an output the least that holds the picture
	PGM  = "pgm"
	PPM  = "ppm"
	PAM  = "pam"
	HEIC = "heic" // any HEIF file whose coding is not AV1
	AVIF = "avif"
)

// The quality of JPEG is where no photograph of the bench is larger than by sharp's
// default (quality 80, 4:2:0) and SSIM is as good.
var formats = Table{
	{Name: JPEG, Aliases: []string{"jpg"}, Title: "JPEG", Exts: []string{"jpg", "jpeg", "jpe", "jfif"}, Media: "image/jpeg",
		Begins: isJPEG, Read: true, Write: true, Metadata: "EXIF XMP IPTC", Quality: 81, Side: 65535, Browser: true,
		About: "baseline, extended and progressive, Huffman or arithmetic coding, 8 bit; gray, YCbCr of any sampling, RGB, CMYK, YCCK; written baseline or progressive, 4:2:0"},
	{Name: PNG, Title: "PNG", Exts: []string{"png", "apng"}, Media: "image/png",
		Begins: isPNG, Read: true, Write: true, Metadata: "EXIF XMP", Alpha: true, Animation: true, Deep: true, Browser: true,
		About: "all colour types, 1 to 16 bit, interlaced, animated; written with 1 to 16 bit, all frames of an animation, also of a GIF or WebP"},
	{Name: GIF, Title: "GIF", Exts: []string{"gif"}, Media: "image/gif",
		Begins: isGIF, Read: true, Write: true, Side: 65535, Alpha: true, Animation: true, Browser: true,
		About: "all frames of an animation, also of a WebP or APNG; to a format without animation the first frame"},
	{Name: WebP, Title: "WebP", Exts: []string{"webp"}, Media: "image/webp",
		Begins: isWebP, Read: true, Write: true, Metadata: "EXIF XMP", Quality: 80, Side: 16383, Alpha: true, Animation: true, Browser: true,
		About: "lossy and lossless, all frames of an animation, also of a GIF or APNG; a lossless one is written lossless, another lossy with 4:2:0 unless quality=lossless; a lossy still whose size and colours stay is copied unless a quality is given"},
	{Name: BMP, Title: "BMP", Exts: []string{"bmp", "dib"}, Media: "image/bmp",
		Begins: isBMP, Read: true, Write: true, Alpha: true, Browser: true,
		About: "1 to 32 bit, run lengths; written with 1, 4, 8, 24 or 32 bit"},
	{Name: ICO, Title: "ICO", Exts: []string{"ico", "cur"}, Media: "image/vnd.microsoft.icon",
		Begins: isICO, Read: true, Browser: true,
		About: "icons and cursors, the largest picture; the result is PNG"},
	{Name: TIFF, Aliases: []string{"tif"}, Title: "TIFF", Exts: []string{"tif", "tiff"}, Media: "image/tiff",
		Begins: isTIFF, Read: true, Write: true, Metadata: "EXIF XMP IPTC", Alpha: true, Deep: true, Pages: true,
		About: "strips and tiles, 1 to 64 bit and floating point; gray, RGB, CMYK, YCbCr, L*a*b*, palettes; faxes, LZW, deflate, JPEG, WebP, Zstandard; BigTIFF; the first page or frame=; written with 1, 8 or 16 bit"},
	{Name: PNM, Title: "PNM", Exts: []string{"pnm"}, Media: "image/x-portable-anymap",
		Begins: isPNM, Read: true, Write: true, Alpha: true, Deep: true,
		About: "P1 to P7; 8 and 16 bit; written as P5, P6 or, with alpha, P7"},
	{Name: PGM, Title: "PGM", Exts: []string{"pgm"}, Media: "image/x-portable-graymap", Family: PNM,
		Read: true, Write: true, Deep: true,
		About: "P5 of gray"},
	{Name: PPM, Title: "PPM", Exts: []string{"ppm"}, Media: "image/x-portable-pixmap", Family: PNM,
		Read: true, Write: true, Deep: true,
		About: "P6 of colour"},
	{Name: PAM, Title: "PAM", Exts: []string{"pam"}, Media: "image/x-portable-arbitrarymap",
		Read: true, Write: true, Alpha: true, Deep: true,
		About: "P7 of anything"},
	{Name: "pbm", Title: "PBM", Exts: []string{"pbm"}, Media: "image/x-portable-bitmap", Family: PNM,
		Read: true},

	// Decoded by programs of the system, in a jail (packages heif and jail).
	{Name: HEIC, Title: "HEIC", Exts: []string{"heic", "heif", "hif"}, Media: "image/heic",
		Programs: []string{"heif-dec", "heif-convert", "vips"},
		About:    "where a program decodes it, see heifd(8); the result is JPEG, or WebP with alpha"},
	{Name: AVIF, Title: "AVIF", Exts: []string{"avif"}, Media: "image/avif", Browser: true,
		Programs: []string{"avifdec", "heif-dec", "heif-convert", "vips"},
		About:    "where a program decodes it, see heifd(8); the result is JPEG, or WebP with alpha"},

	// Known by name and extension alone: refused with advice, and their extension is
	// replaced in a result's name.
	{Name: "jxl", Title: "JPEG XL", Exts: []string{"jxl"}},
	{Name: "jp2", Title: "JPEG 2000", Exts: []string{"jp2"}},
}
