package tests

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// exif returns what exiftool, which is the reference here, reads in files: of each the
// value by "group:tag", without what describes the file and its pixels, and its type.
func exif(t *testing.T, paths ...string) (files []map[string]string, kinds []string) {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal(must(t, "", "exiftool -j -G1 -n "+strings.Join(paths, " ")), &list); err != nil || len(list) != len(paths) {
		t.Fatalf("%v, %v", list, err)
	}
	for _, file := range list {
		tags := map[string]string{}
		for k, v := range file {
			if group, name, _ := strings.Cut(k, ":"); !slices.Contains(otherGroups, group) && !slices.Contains(otherTags, name) &&
				!(group == "IFD0" && slices.Contains(geometryTags, name)) {
				tags[k] = fmt.Sprint(v)
			}
		}
		files, kinds = append(files, tags), append(kinds, fmt.Sprint(file["File:FileType"]))
	}
	return files, kinds
}

var (
	otherGroups = []string{"System", "File", "ExifTool", "JFIF", "PNG", "Composite", "PNG-pHYs", "SourceFile", "ICC_Profile", "ICC-header", "Photoshop", "RIFF", "XMP-x", "VP8L"}
	otherTags   = []string{"ExifVersion", "CodedCharacterSet", "YCbCrPositioning", "ComponentsConfiguration", "FlashpixVersion", "ApplicationRecordVersion"}
	// The first directory of a TIFF has its geometry beside its metadata.
	geometryTags = []string{"ImageWidth", "ImageHeight", "BitsPerSample", "Compression", "PhotometricInterpretation", "StripOffsets", "SamplesPerPixel",
		"Orientation", "RowsPerStrip", "StripByteCounts", "XResolution", "YResolution", "PlanarConfiguration", "ResolutionUnit", "Predictor", "ExtraSamples"}
)

// photographed gives a picture what a camera, an agency and a thumbnailer write.
func photographed(t *testing.T, path string) {
	t.Helper()
	args := []string{
		"-EXIF:DateTimeOriginal='2023:01:02 03:04:05'", "-EXIF:OffsetTimeOriginal='+01:00'", "-EXIF:SubSecTimeOriginal=123", "-EXIF:CreateDate='2023:01:02 03:04:06'",
		"-EXIF:Artist='Ann Noble'", "-EXIF:Copyright='© Ann'", "-EXIF:Make=Maker", "-EXIF:Model=Camera", "-EXIF:SerialNumber=SN123", "-EXIF:LensSerialNumber=LN456",
		"-EXIF:GPSLatitude=48.8", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=2.3", "-EXIF:GPSLongitudeRef=E", "-EXIF:UserComment=hello",
		"-XMP-dc:Creator='Ann Noble'", "-XMP-dc:Creator=Bob", "-XMP-dc:Rights='© Ann'", "-XMP-photoshop:Credit='Agency & Sons'", "-XMP-xmpRights:WebStatement=https://example.org/c",
		"-XMP-dc:Subject=secret", "-XMP-exif:GPSAltitude=35", "-XMP-xmp:CreateDate='2023:01:02 03:04:05+01:00'", "-XMP-tiff:Orientation=1",
	}
	if strings.HasSuffix(path, ".jpg") || strings.HasSuffix(path, ".tiff") {
		args = append(args, "-IPTC:By-line='Ann Noble'", "-IPTC:Credit=Agency", "-IPTC:CopyrightNotice='© Ann'", "-IPTC:City=Paris", "-IPTC:DateCreated='2023:01:02'")
	}
	must(t, "", "exiftool -q -codedcharacterset=utf8 -overwrite_original "+strings.Join(args, " ")+" "+path)
}

// keptTags are the tags that each word keeps; those of IPTC only where it has a place.
var keptTags = map[string][]string{
	"date":      {"ExifIFD:CreateDate", "ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal", "ExifIFD:SubSecTimeOriginal", "IPTC:DateCreated", "XMP-xmp:CreateDate"},
	"copyright": {"IFD0:Artist", "IFD0:Copyright", "IPTC:By-line", "IPTC:CopyrightNotice", "IPTC:Credit", "XMP-dc:Creator", "XMP-dc:Rights", "XMP-photoshop:Credit", "XMP-xmpRights:WebStatement"},
}

func TestKeepAgainstExiftool(t *testing.T) {
	dir := t.TempDir()
	m := photo(200, 120, 5)
	for _, name := range []string{"a.jpg", "b.png", "c.tiff"} {
		photographed(t, save(t, dir, name, m))
	}
	save(t, dir, "p.png", m)
	must(t, dir, "cwebp -quiet p.png -o d.webp")
	photographed(t, filepath.Join(dir, "d.webp"))
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	originals := []string{"a.jpg", "b.png", "c.tiff", "d.webp"}
	var paths []string
	for _, in := range originals {
		paths = append(paths, filepath.Join(dir, in))
	}
	was, _ := exif(t, paths...)
	type result struct {
		name string
		of   int // original
		tags []string
	}
	var results []result
	paths = nil
	for i, in := range originals {
		for _, command := range []string{"gray -keep KEEP IN", "gray -f jpeg -keep KEEP IN", "gray -f png -keep KEEP IN", "gray -f tiff -keep KEEP IN",
			"scale -keep KEEP 1/2 IN", "scale -keep KEEP 1 IN", "imgput -g -s 1/2 -keep KEEP IN | imgget"} {
			for keep, tags := range map[string][]string{"date": keptTags["date"], "copyright": keptTags["copyright"], "none": nil,
				"date,copyright": append(slices.Clone(keptTags["date"]), keptTags["copyright"]...)} {
				line := strings.NewReplacer("KEEP", keep, "IN", in).Replace(command)
				paths = append(paths, write(t, dir, fmt.Sprint("result", len(results)), must(t, dir, line)))
				results = append(results, result{line, i, tags})
			}
		}
	}
	files, kinds := exif(t, paths...)
	for i, r := range results {
		t.Run(r.name, func(t *testing.T) {
			noIPTC := kinds[i] == "PNG"
			var want, have []string
			for _, tag := range r.tags {
				if v := was[r.of][tag]; v != "" && !(noIPTC && strings.HasPrefix(tag, "IPTC:")) {
					want = append(want, tag+"="+v)
				}
			}
			for tag, v := range files[i] {
				if !(noIPTC && tag == "XMP-photoshop:DateCreated") { // where the date of IPTC went
					have = append(have, tag+"="+v)
				}
			}
			sort.Strings(want)
			sort.Strings(have)
			if !slices.Equal(want, have) {
				t.Errorf("have %q\nwant %q", have, want)
			}
		})
	}
	for _, c := range []struct{ line, says string }{
		{"imgput -keep all -g a.jpg", "imgput: keep=all is for the commands gray and scale alone; here: none date copyright\nsee imgput -h\n"},
		{"gray -keep place a.jpg > x", "gray: keep \"place\": not one of none date copyright all\nsee gray -h\n"},
		{"gray -keep date,all a.jpg > x", "gray: keep \"all\": not one of date copyright\nsee gray -h\n"},
		{"gray -inplace a.jpg", "gray: -inplace replaces originals: say what of their metadata to keep (-keep none, date, copyright or all)\nsee gray -h\n"},
	} {
		if r := sh(t, dir, c.line); r.status != 2 || r.err != c.says {
			t.Errorf("%s: %d, %q", c.line, r.status, r.err)
		}
	}
	for _, query := range []string{"gray&keep=all", "keep=all&format=png"} {
		if b := string(must(t, dir, "curl -s -w ' %{http_code}' --data-binary @a.jpg '"+s.url+"/image?"+query+"'")); !strings.Contains(b, "keep=all is for the commands") || !strings.HasSuffix(b, " 400") {
			t.Errorf("%s: %q", query, b)
		}
	}
}

// All of the metadata stays, and says the truth about the result: its size, that it is
// upright, and that it has no thumbnail.
func TestKeepAllIsCorrected(t *testing.T) {
	dir := t.TempDir()
	path := save(t, dir, "a.jpg", photo(320, 200, 6))
	photographed(t, path)
	save(t, dir, "thumb.jpg", photo(40, 30, 7))
	must(t, dir, "exiftool -q -n -overwrite_original -EXIF:Orientation=6 -EXIF:ExifImageWidth=320 -EXIF:ExifImageHeight=200 '-ThumbnailImage<=thumb.jpg' a.jpg")
	all, _ := exif(t, path)
	was := all[0]
	for _, line := range []string{"scale -keep all 1/2 a.jpg > out.jpg", "gray -keep all a.jpg > out.jpg", "scale -keep all 1 a.jpg > out.jpg", "cp a.jpg out.jpg && gray -inplace -keep all out.jpg"} {
		t.Run(line, func(t *testing.T) {
			must(t, dir, line)
			all, _ := exif(t, filepath.Join(dir, "out.jpg"))
			got := all[0]
			if o := string(must(t, dir, "exiftool -n -s3 -Orientation out.jpg")); o != "1\n" {
				t.Errorf("orientation %q", o)
			}
			m, _ := decode(t, read(t, filepath.Join(dir, "out.jpg")))
			size := m.Bounds().Size()
			for tag, want := range map[string]string{"ExifIFD:ExifImageWidth": fmt.Sprint(size.X), "ExifIFD:ExifImageHeight": fmt.Sprint(size.Y)} {
				if got[tag] != want {
					t.Errorf("%s is %q, want %s", tag, got[tag], want)
				}
			}
			if size.X >= size.Y {
				t.Errorf("%v is not upright", size)
			}
			for tag, v := range got {
				if strings.HasPrefix(tag, "IFD1:") {
					t.Errorf("of the thumbnail: %s %s", tag, v)
				}
			}
			for _, tag := range []string{"GPS:GPSLatitude", "ExifIFD:SerialNumber", "IFD0:Model", "XMP-dc:Subject", "IPTC:City", "IFD0:Artist", "ExifIFD:DateTimeOriginal"} {
				if got[tag] != was[tag] || was[tag] == "" {
					t.Errorf("%s is %q, was %q", tag, got[tag], was[tag])
				}
			}
			if got["XMP-tiff:Orientation"] != "" {
				t.Error("XMP has an orientation")
			}
			if w := string(must(t, dir, "exiftool -warning -error -s3 -a out.jpg")); w != "" {
				t.Errorf("exiftool says %s", w)
			}
		})
	}
}
