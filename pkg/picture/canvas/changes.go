package canvas

import (
	"bytes"
	"image"
)

// Changes returns the smallest rectangle that holds all pixels in which two pictures
// differ; it is empty if they are equal. Both have rows of w pixels of n bytes, without
// gaps. A writer of animations needs to write no more than that of a frame.
func Changes(a, b []byte, w, n int) image.Rectangle {
	var r image.Rectangle
	for y, size := 0, w*n; len(a) >= size; y, a, b = y+1, a[size:], b[size:] {
		p, q := a[:size], b[:size]
		if bytes.Equal(p, q) {
			continue
		}
		left, right := 0, size
		for p[left] == q[left] {
			left++
		}
		for p[right-1] == q[right-1] {
			right--
		}
		r = r.Union(image.Rect(left/n, y, (right+n-1)/n, y+1))
	}
	return r
}
