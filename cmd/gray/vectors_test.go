package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
)

// vectors are the colours of the table in gray(1), by their names there.
var vectors = []struct {
	name string
	rgba [4]byte
}{
	{"red", [4]byte{255, 0, 0, 255}},
	{"green", [4]byte{0, 255, 0, 255}},
	{"blue", [4]byte{0, 0, 255, 255}},
	{"cyan", [4]byte{0, 255, 255, 255}},
	{"magenta", [4]byte{255, 0, 255, 255}},
	{"yellow", [4]byte{255, 255, 0, 255}},
	{"white", [4]byte{255, 255, 255, 255}},
	{"black", [4]byte{0, 0, 0, 255}},
	{"half-transparent red", [4]byte{255, 0, 0, 128}},
}

// TestVectorsOfTheManual computes the rows of the table in gray(1) from a picture
// of its colours, and finds each in the page.
func TestVectorsOfTheManual(t *testing.T) {
	page, err := os.ReadFile("../../man/gray.1")
	if err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	fmt.Fprintf(&in, "P7\nWIDTH %d\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n", len(vectors))
	for _, v := range vectors {
		in.Write(v.rgba[:])
	}
	out := map[string][]byte{} // luma → pairs of gray and alpha
	for _, luma := range ops.Lumas() {
		var b bytes.Buffer
		if _, err := plan.Run(&b, bytes.NewReader(in.Bytes()), int64(in.Len()), plan.Request{Ops: ops.Ops{{Key: "gray", Value: luma}}}); err != nil {
			t.Fatal(err)
		}
		head, samples, ok := bytes.Cut(b.Bytes(), []byte("ENDHDR\n"))
		if !ok || len(samples) != 2*len(vectors) {
			t.Fatalf("%s: %q and %d samples", luma, head, len(samples))
		}
		out[luma] = samples
	}
	for i, v := range vectors {
		row := ".It " + v.name
		for _, luma := range ops.Lumas() {
			row += fmt.Sprintf(" Ta %d", out[luma][2*i])
		}
		row += fmt.Sprintf(" Ta %d", v.rgba[3])
		if a := out[ops.Lumas()[0]][2*i+1]; a != v.rgba[3] {
			t.Errorf("%s: alpha %d became %d", v.name, v.rgba[3], a)
		}
		if !strings.Contains(string(page), "\n"+row+"\n") {
			t.Errorf("gray(1) has no row %q", row)
		}
	}
}
