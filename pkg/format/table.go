package format

// The names of the formats that code must tell apart.
const (
	JPEG = "jpeg"
	PNG  = "png"
	GIF  = "gif"
	WebP = "webp"
	BMP  = "bmp"
	TIFF = "tiff"
	PNM  = "pnm" // as an input any of the netpbm formats; as an output the least that holds the picture
	PGM  = "pgm"
	PPM  = "ppm"
	PAM  = "pam"
)

var formats = Table{
	{Name: JPEG, Aliases: []string{"jpg"}, Title: "JPEG", Exts: []string{"jpg", "jpeg", "jpe", "jfif"}, Media: "image/jpeg",
		Read: true, Write: true, Quality: 85, Browser: true},
	{Name: PNG, Title: "PNG", Exts: []string{"png"}, Media: "image/png",
		Read: true, Write: true, Alpha: true, Deep: true, Browser: true},
	{Name: GIF, Title: "GIF", Exts: []string{"gif"}, Media: "image/gif",
		Read: true, Write: true, Alpha: true, Animation: true, Browser: true},
	{Name: WebP, Title: "WebP", Exts: []string{"webp"}, Media: "image/webp",
		Read: true, Browser: true},
	{Name: BMP, Title: "BMP", Exts: []string{"bmp", "dib"}, Media: "image/bmp",
		Read: true, Write: true, Alpha: true, Browser: true},
	{Name: TIFF, Aliases: []string{"tif"}, Title: "TIFF", Exts: []string{"tif", "tiff"}, Media: "image/tiff",
		Read: true, Write: true, Alpha: true, Deep: true, Pages: true},
	{Name: PNM, Title: "PNM", Exts: []string{"pnm"}, Media: "image/x-portable-anymap",
		Read: true, Write: true, Alpha: true, Deep: true},
	{Name: PGM, Title: "PGM", Exts: []string{"pgm"}, Media: "image/x-portable-graymap", Family: PNM,
		Read: true, Write: true, Deep: true},
	{Name: PPM, Title: "PPM", Exts: []string{"ppm"}, Media: "image/x-portable-pixmap", Family: PNM,
		Read: true, Write: true, Deep: true},
	{Name: PAM, Title: "PAM", Exts: []string{"pam"}, Media: "image/x-portable-arbitrarymap",
		Read: true, Write: true, Alpha: true, Deep: true},
	{Name: "pbm", Title: "PBM", Exts: []string{"pbm"}, Media: "image/x-portable-bitmap", Family: PNM,
		Read: true},

	// Known by name and extension alone: refused with advice, and their extension is
	// replaced in a result's name.
	{Name: "heic", Title: "HEIC", Exts: []string{"heic", "heif", "hif"}},
	{Name: "avif", Title: "AVIF", Exts: []string{"avif"}, Browser: true},
	{Name: "jxl", Title: "JPEG XL", Exts: []string{"jxl"}},
}
