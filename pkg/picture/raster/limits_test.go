package raster

import (
	"fmt"
	"math"
	"testing"

	"imgtools/pkg/fault"
)

func TestCheckSize(t *testing.T) {
	for _, c := range []struct {
		w, h   int64
		frames int
		kind   fault.Kind
		text   string // "": accepted
	}{
		{20000, 12500, 1, 0, ""},
		{20000, 12501, 1, fault.TooLarge, "250.02 Mpixel > 250 Mpixel (-maxpixels)"},
		{65535, 65460, 1, fault.TooLarge, "4290 Mpixel > 250 Mpixel (-maxpixels)"},
		{1000, 1000, 251, fault.TooLarge, "251 Mpixel > 250 Mpixel (-maxpixels)"},
		{0, 5, 1, fault.Format, "a picture of 0×5 pixels"},
		{5, -1, 1, fault.Format, "a picture of 5×-1 pixels"},
		{1 << 28, 1, 1, fault.TooLarge, "268435456×1: side over 268435455 pixels"},
		{MaxSide, MaxSide, math.MaxInt32, fault.TooLarge, ""},
		{math.MaxInt64, math.MaxInt64, 1, fault.TooLarge, ""},
	} {
		t.Run(fmt.Sprintf("%d×%d×%d", c.w, c.h, c.frames), func(t *testing.T) {
			err := Limits{}.CheckSize(c.w, c.h, c.frames)
			if (err == nil) != (c.kind == 0 && c.text == "") {
				t.Fatal(err)
			}
			if err != nil && (fault.Of(err) != c.kind || c.text != "" && err.Error() != c.text) {
				t.Errorf("%v %q, want %v %q", fault.Of(err), err, c.kind, c.text)
			}
		})
	}
}

func TestCheckMem(t *testing.T) {
	l := Limits{Mem: 100 << 20}
	if err := l.CheckMem(100 << 20); err != nil {
		t.Error(err)
	}
	err := l.CheckMem(100<<20 + 1)
	if want := "101 MiB to hold > 100 MiB (-maxmem)"; err == nil || err.Error() != want || fault.Of(err) != fault.TooLarge {
		t.Errorf("%v, want %s", err, want)
	}
}
