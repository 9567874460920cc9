package heif

// The packages with a program that decodes HEIC or AVIF. Patents cover HEVC, the coding of
// HEIC; some systems have its decoder in a package of its own.
const (
	adviceHEIC = "install the package libheif-examples (Debian, Ubuntu), libheif-tools (Fedora) or libheif (Arch); " +
		"HEVC may need a plugin; on macOS convert it first: sips -s format jpeg --out DIR FILE"
	adviceAVIF = "install the package libavif-bin (Debian, Ubuntu), libavif-tools (Fedora) or libavif (Arch); " +
		"on macOS convert it first: sips -s format jpeg --out DIR FILE"
)

// Advice says what to do where no program decodes HEIC, HEIF or AVIF files.
func Advice(title string) string {
	if title == "AVIF" {
		return adviceAVIF
	}
	return adviceHEIC
}
