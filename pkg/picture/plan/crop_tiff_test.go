package plan_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
)

// TestCropOfADamagedTIFF: a tile outside the part that can't be decompressed refuses the
// file, unless fast allows it to be left unread; a note says so.
func TestCropOfADamagedTIFF(t *testing.T) {
	if _, err := exec.LookPath("tiffcp"); err != nil {
		t.Skip("no tiffcp")
	}
	_, plain := made(t, photoPPM(300, 300), "format=tiff")
	in, out := filepath.Join(t.TempDir(), "in.tif"), filepath.Join(t.TempDir(), "out.tif")
	if err := os.WriteFile(in, plain, 0o666); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("tiffcp", "-t", "-w", "64", "-l", "64", "-c", "zip", in, out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	_, want := made(t, data, "crop=50x50+130+140 format=png")
	damaged := bytes.Clone(data)
	for i := range 100 { // of the first tile: tiffcp writes them in order behind the header
		damaged[8+i] = 0xff
	}
	_, err = plan.Run(&bytes.Buffer{}, bytes.NewReader(damaged), int64(len(damaged)), plantest.Ask("crop=50x50+130+140 format=png"))
	if fault.Of(err) != fault.Format {
		t.Errorf("a damaged tile outside the part: %v", err)
	}
	r, got := made(t, damaged, "crop=50x50+130+140 format=png fast")
	if !bytes.Equal(got, want) || r.Note != "tiles outside the crop were not checked; rows below the crop were not checked" {
		t.Errorf("fast: note %q, the same result: %v", r.Note, bytes.Equal(got, want))
	}
}
