package canvas

import "time"

// Clock turns the delays of frames into the whole units of a format. Fractions are carried
// over to the next frame: three frames of 33⅓ ms become 3, 4, 3 hundredths of a second, or
// 33, 34, 33 milliseconds, which last as long.
type Clock struct{ carry time.Duration }

// Next returns the delay to write for a frame, in units, from least to most.
func (c *Clock) Next(delay, unit time.Duration, least, most int) int {
	c.carry += delay
	n := (c.carry + unit/2) / unit
	n = min(max(n, time.Duration(least)), time.Duration(most))
	c.carry = min(max(c.carry-n*unit, -unit/2), unit/2)
	return int(n)
}
