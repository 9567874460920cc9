package filterd

import (
	"strings"
	"testing"

	"imgtools/cmd/internal/filterd/filterdtest"
	"imgtools/pkg/fault"
	"imgtools/pkg/info"
	"imgtools/pkg/picture/raster"
)

func TestInfoAnswers(t *testing.T) {
	for _, verb := range []string{"gray", "scale"} {
		op := Operation(verb)(raster.Limits{Pixels: 100})
		r, data, err := filterdtest.Run(t, op, "img/1 info", "P5 5 20 255\n")
		if err != nil || r.String() != "ok type=application/json" {
			t.Errorf("%sd: %v, %v", verb, r, err)
		}
		if i, err := info.Parse([]byte(data)); err != nil || i.String() != "pnm 5x20, 8 bit gray" {
			t.Errorf("%sd: %s, %v", verb, data, err)
		}
		for line, want := range map[string]struct {
			kind fault.Kind
			part string
		}{
			"img/1 info maxpixels=99":  {fault.TooLarge, "100 pixels > 99 pixels"},
			"img/1 info maxpixels=x":   {fault.Usage, `"x"`},
			"img/1 info format=png":    {fault.Usage, `"format"`},
			"img/1 info gray maxbytes": {fault.Usage, `"gray"`},
		} {
			if _, _, err := filterdtest.Run(t, op, line, "P5 5 20 255\n"); fault.Of(err) != want.kind || !strings.Contains(err.Error(), want.part) {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}
