package raster

// SubBytes subtracts the eight bytes of y from those of x, each modulo 256. Bit 7 of each
// byte of x is set first, so that nothing is borrowed from the next byte; the exclusive or
// then puts the true bit 7 back.
func SubBytes(x, y uint64) uint64 {
	const low7 = 0x7f7f7f7f7f7f7f7f
	return ((x | ^uint64(low7)) - y&low7) ^ (x^^y)&^low7
}
