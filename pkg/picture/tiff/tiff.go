// Package tiff reads TIFF 6.0 and BigTIFF and writes TIFF 6.0, by rows.
//
// A TIFF file is a header, which gives the byte order, and a chain of image file
// directories (IFDs), one for each page. A directory is a list of tagged fields:
// the size, what the samples mean, how they are compressed, and where the segments
// are. Segments are strips, as wide as the picture, or tiles. Each is compressed by
// itself. With separate planes each sample of a pixel has segments of its own.
//
// Reading passes these stages. The files of a stage begin with its name:
//
//	ifd         header, directories, fields
//	pages       the chain of directories; which of them are pages
//	open        the fields of one page → what its samples are and where
//	decompress  one segment → bytes; JPEG and WebP segments go through their packages
//	predict     differences → samples as stored
//	unpack      samples as stored → samples of 8 or 16 bits at full range
//	colour      CMYK, palettes, white-is-zero … → gray or RGB, straight alpha
//	rows        runs these stages and hands out bands of rows
//
// A Reader is opened on the first page; Select moves it to another; Rows decodes the
// page it is on. Strips are decompressed row by row; of tiles, one row of tiles is
// held. When only a part of the page is wanted (raster.Hint), uncompressed samples
// outside it are not read, and compressed strips and tiles there are decompressed and
// not unpacked, so that a damaged file is refused whichever part of it is wanted. With
// Hint.Skip they are not read either, and a note says so.
//
// Errors are of kind fault.Format for damaged files, also for all that end early, and
// fault.Unsupported for what TIFF has and this package does not read. With
// Limits.Lenient, samples that are missing or damaged are 0 (128 in YCbCr), and a
// note says which segment lacks them. A few damaged lines of a fax never refuse it.
//
// Encode, in file encode, writes one page.
package tiff

// Tags of TIFF 6.0, its Technical Note 2 and ICC.1 annex B.
const (
	tagNewSubfileType  = 254
	tagSubfileType     = 255
	tagImageWidth      = 256
	tagImageLength     = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanarConfig    = 284
	tagT4Options       = 292
	tagResolutionUnit  = 296
	tagPredictor       = 317
	tagWhitePoint      = 318
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagInkSet          = 332
	tagSampleFormat    = 339
	tagSMinSampleValue = 340
	tagSMaxSampleValue = 341
	tagJPEGTables      = 347

	tagJPEGProc              = 512 // this and the next five: old-style JPEG
	tagJPEGInterchangeFormat = 513
	tagJPEGRestartInterval   = 515
	tagJPEGQTables           = 519
	tagJPEGDCTables          = 520
	tagJPEGACTables          = 521

	tagYCbCrCoefficients   = 529
	tagYCbCrSubSampling    = 530
	tagReferenceBlackWhite = 532

	tagICC        = 34675
	tagXMP        = 700
	tagIPTC       = 33723
	tagExifIFD    = 34665
	tagDNGVersion = 50706
)

// Compression schemes of TIFF 6.0 and its supplements.
const (
	compNone       = 1
	compRLE        = 2
	compG3         = 3
	compG4         = 4
	compLZW        = 5
	compJPEGOld    = 6
	compJPEG       = 7
	compDeflate    = 8
	compRLEW       = 32771
	compPackBits   = 32773
	compDeflateOld = 32946
	compZstd       = 50000
	compWebP       = 50001
)

// notRead names compression schemes that are known and not read.
var notRead = map[uint64]string{

	9: "JBIG in TIFF", 10: "JBIG in TIFF", 32766: "NeXT compression", 32809: "ThunderScan compression", 33003: "JPEG 2000 in TIFF",
	33004: "JPEG 2000 in TIFF", 33005: "JPEG 2000 in TIFF", 34661: "JBIG in TIFF", 34676: "SGI Log compression", 34677: "SGI Log compression",
	34712: "JPEG 2000 in TIFF", 34887: "LERC in TIFF", 34892: "lossy JPEG in DNG", 34925: "LZMA in TIFF", 50002: "JPEG XL in TIFF", 52546: "JPEG XL in TIFF",
}

// Photometric interpretations.
const (
	photoWhiteIsZero = 0
	photoBlackIsZero = 1
	photoRGB         = 2
	photoPalette     = 3
	photoCMYK        = 5
	photoYCbCr       = 6
	photoCIELab      = 8
	photoICCLab      = 9
)

// notShown names photometric interpretations that are known and not read.
var notShown = map[uint64]string{
	4: "transparency mask", 10: "ITU L*a*b*",
	32803: "camera raw (CFA)", 32844: "SGI LogL", 32845: "SGI LogLuv", 34892: "camera raw (linear)",
}

// Values of ExtraSamples, InkSet, ResolutionUnit and SampleFormat (TIFF 6.0 sections 8,
// 16, 18 and 19).
const (
	extraUnspecified  = 0
	extraAssociated   = 1
	extraUnassociated = 2

	inkCMYK = 1

	unitNone = 1
	unitInch = 2
	unitCM   = 3

	formatUint      = 1
	formatInt       = 2
	formatFloat     = 3
	formatUndefined = 4
)

// maxFaxDamage is the part of a page's rows, one in so many, that may be damaged fax
// lines.
const maxFaxDamage = 4

// maxSamples is the most samples a pixel may have. Those beyond colour and alpha are
// ignored.
const maxSamples = 32
