package meta

import "time"

// DateOf returns when a picture was taken, by its EXIF block, as ISO 8601 has it:
// 2026-11-29T18:30:00, with the distance from UTC behind it if the block has that. If
// it does not say when the picture was taken, the date is that of the last change; ""
// if it has no date. Cameras whose clock is not set write zeros or spaces.
func DateOf(exif []byte) string {
	values := map[uint16]string{}
	for _, t := range Texts(exif, KeepDate) {
		values[t.Tag] = t.Value
	}
	for _, tags := range [][2]uint16{{tagTaken, tagOffsetTaken}, {tagDateTime, tagOffset}} {
		if t, err := time.Parse("2006:01:02 15:04:05", values[tags[0]]); err == nil {
			return t.Format("2006-01-02T15:04:05") + values[tags[1]]
		}
	}
	return ""
}
