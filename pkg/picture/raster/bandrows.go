package raster

// bandBytes is the size a band aims at: it stays in the second-level cache.
const bandBytes = 64 << 10

// BandRows returns how many rows of rowBytes bytes make a band of about 64 KiB:
// at least 1, at most the h rows there are.
func BandRows(rowBytes, h int) int {
	if rowBytes >= bandBytes {
		return 1
	}
	return min(h, bandBytes/max(rowBytes, 1))
}
