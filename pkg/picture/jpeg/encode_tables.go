package jpeg

// The quantization tables of T.81 annex K.1, in rows of eight.
var (
	lumaSteps = [64]uint16{
		16, 11, 10, 16, 24, 40, 51, 61,
		12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77,
		24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101,
		72, 92, 95, 98, 112, 100, 103, 99,
	}
	chromaSteps = [64]uint16{
		17, 18, 24, 47, 99, 99, 99, 99,
		18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
	}
)

// scaleSteps scales a table of steps for a quality of 1 to 100, by libjpeg's rule:
// below 50 the steps are multiplied by 50/quality, from 50 on by (100-quality)/50. So
// 50 gives base itself and 100 gives ones. Steps stay within 1 and 255.
func scaleSteps(base *[64]uint16, quality int) *[64]uint16 {
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / quality
	}
	q := new([64]uint16)
	for i, v := range base {
		q[i] = uint16(min(max((int(v)*percent+50)/100, 1), 255))
	}
	return q
}

// huffmanSpec is a Huffman table in the form of a DHT segment (T.81 B.2.4.2): the number
// of codes of each length, and the symbols in the order of their codes.
type huffmanSpec struct {
	counts [17]uint8
	values string
}

// annexK has the Huffman tables of T.81 K.3: DC and AC, for luma and for chroma.
var annexK = [2][2]huffmanSpec{
	{ // DC: luma, chroma
		{[17]uint8{0, 0, 1, 5, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B"},
		{[17]uint8{0, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B"},
	},
	{ // AC: luma, chroma
		{[17]uint8{0, 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125}, "" +
			"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07" +
			"\x22\x71\x14\x32\x81\x91\xA1\x08\x23\x42\xB1\xC1\x15\x52\xD1\xF0" +
			"\x24\x33\x62\x72\x82\x09\x0A\x16\x17\x18\x19\x1A\x25\x26\x27\x28" +
			"\x29\x2A\x34\x35\x36\x37\x38\x39\x3A\x43\x44\x45\x46\x47\x48\x49" +
			"\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68\x69" +
			"\x6A\x73\x74\x75\x76\x77\x78\x79\x7A\x83\x84\x85\x86\x87\x88\x89" +
			"\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\xA2\xA3\xA4\xA5\xA6\xA7" +
			"\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3\xC4\xC5" +
			"\xC6\xC7\xC8\xC9\xCA\xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9\xDA\xE1\xE2" +
			"\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8" +
			"\xF9\xFA"},
		{[17]uint8{0, 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119}, "" +
			"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71" +
			"\x13\x22\x32\x81\x08\x14\x42\x91\xA1\xB1\xC1\x09\x23\x33\x52\xF0" +
			"\x15\x62\x72\xD1\x0A\x16\x24\x34\xE1\x25\xF1\x17\x18\x19\x1A\x26" +
			"\x27\x28\x29\x2A\x35\x36\x37\x38\x39\x3A\x43\x44\x45\x46\x47\x48" +
			"\x49\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68" +
			"\x69\x6A\x73\x74\x75\x76\x77\x78\x79\x7A\x82\x83\x84\x85\x86\x87" +
			"\x88\x89\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\xA2\xA3\xA4\xA5" +
			"\xA6\xA7\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3" +
			"\xC4\xC5\xC6\xC7\xC8\xC9\xCA\xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9\xDA" +
			"\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF2\xF3\xF4\xF5\xF6\xF7\xF8" +
			"\xF9\xFA"},
	},
}

// codeTable has for each symbol its code << 8 | the code's length, or 0 for none.
type codeTable [256]uint32

// annexCodes has the codes of annexK.
var annexCodes = func() (t [2][2]codeTable) {
	for class := range t {
		for slot := range t[class] {
			k := &annexK[class][slot]
			t[class][slot] = codes(&k.counts, k.values)
		}
	}
	return
}()

// shortCodes has ready-made bits for the AC words below wordLong (T.81 F.1.2.2): for a
// coefficient the code of the symbol run << 4 | size, then the value in size bits. An
// entry is those bits << 8 | their number; 0 is no bits.
type shortCodes [2048]uint32

// newShortCodes returns the short codes of an AC table; those of symbols that it lacks
// are 0.
func newShortCodes(ac *codeTable) (t shortCodes) {
	for i := range t[:wordZeros] {
		v := int32(i&63) - 32
		bits, size := valueBits(v)
		if e := ac[uint(i>>6)<<4|size]; v != 0 && e != 0 {
			t[i] = (e>>8<<size|uint32(bits))<<8 | (e&255 + uint32(size))
		}
	}
	t[wordZeros], t[wordEnd] = ac[0xF0], ac[0]
	return
}

// codes assigns codes to symbols (T.81 annex C): codes of one length are consecutive,
// and the first of the next length is twice the number after the last.
func codes(counts *[17]uint8, values string) (t codeTable) {
	code, k := uint32(0), 0
	for l := 1; l <= 16; l++ {
		for range counts[l] {
			t[values[k]] = code<<8 | uint32(l)
			code++
			k++
		}
		code <<= 1
	}
	return
}
