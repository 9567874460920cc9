package tiff

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster/rastertest"
)

// libtiff's tiffcp, where it is installed, writes testdata in every way it can; the
// samples must stay the same.
func TestFilesOfTiffcp(t *testing.T) {
	tiffcp, err := exec.LookPath("tiffcp")
	if err != nil {
		t.Skip("an extra check by another program: no tiffcp here (libtiff-tools)")
	}
	dir := t.TempDir()
	for _, source := range []string{"rgb-None-LSB", "rgba-None-LSB", "gray16-None-MSB", "pal4-None-LSB", "bw-None-LSB"} {
		_, want, err := decode(read(t, source))
		if err != nil {
			t.Fatal(err)
		}
		codings := []string{"none", "packbits", "lzw", "lzw:2", "zip", "zip:2"}
		if source == "bw-None-LSB" {
			codings = []string{"none", "packbits", "lzw", "zip", "g3:1d", "g3:2d", "g3:1d:fill", "g3:2d:fill", "g4"}
			source = "g4" // the same picture, of one bit
		}
		for _, coding := range codings {
			if strings.HasSuffix(coding, ":2") && source == "pal4-None-LSB" {
				continue // libtiff predicts no samples of 4 bits
			}
			for _, shape := range []string{"-r 5", "-t -w 16 -l 16"} {
				for _, planes := range []string{"-p contig", "-p separate"} {
					if planes == "-p separate" && !strings.HasPrefix(source, "rgb") {
						continue
					}
					for _, file := range []string{"-L", "-B", "-8 -B", "-f lsb2msb"} {
						args := strings.Fields(strings.Join([]string{"-c", coding, shape, planes, file}, " "))
						out := filepath.Join(dir, "out.tif")
						if b, err := exec.Command(tiffcp, append(args, filepath.Join("testdata", source+".tif"), out)...).CombinedOutput(); err != nil {
							t.Fatalf("tiffcp %v: %v: %s", args, err, b)
						}
						_, got, err := decode(rastertest.File(t, out))
						if err != nil || !slices.Equal(got, want) {
							t.Errorf("%s by tiffcp %v: other samples, %v", source, args, err)
						}
						os.Remove(out)
					}
				}
			}
		}
	}
}
