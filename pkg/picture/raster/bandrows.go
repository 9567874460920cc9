package raster

// bandBytes is the intended size of a band, which stays in the second-level cache.
const bandBytes = 64 << 10

// BandRows returns how many rows of rowBytes bytes make a band of about 64 KiB: at
// least 1 and at most h, the rows of the picture.
func BandRows(rowBytes, h int) int {
	if rowBytes >= bandBytes {
		return 1
	}
	return min(h, bandBytes/max(rowBytes, 1))
}
