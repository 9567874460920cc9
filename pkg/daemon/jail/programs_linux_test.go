package jail

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"imgtools/pkg/fault"
)

// installed is an installed program with a command for a picture of package heif's tests.
func installed(t *testing.T, name, picture string) Command {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name) // Debian: libheif-examples, libavif-bin, libvips-tools
	}
	in, err := os.Open("../../picture/heif/testdata/" + picture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	c := command(t, "")
	c.Path, c.Args, c.In, c.Memory = path, []string{"in.heic", "out.y4m"}, in, 1<<30
	switch name {
	case "avifdec":
		c.InName, c.Args = "in.avif", []string{"in.avif", "out.y4m"}
	case "vips":
		c.OutName, c.Args = "out.tif", []string{"copy", "in.heic", "out.tif"}
	}
	return c
}

var programs = []struct{ name, picture, begins string }{
	{"heif-convert", "odd.heic", "YUV4MPEG2 W"},
	{"heif-dec", "odd.heic", "YUV4MPEG2 W"},
	{"avifdec", "gray.avif", "YUV4MPEG2 W"},
	{"avifdec", "deep.avif", "YUV4MPEG2 W"},
	{"vips", "alpha.heic", "II*\x00"},
	{"vips", "alpha.avif", "II*\x00"},
}

func TestDistributionsProgramsDecode(t *testing.T) {
	run := direct1(t)
	for _, p := range programs {
		t.Run(fmt.Sprint(p.name, "-", p.picture), func(t *testing.T) {
			c := installed(t, p.name, p.picture)
			got, err := toMemory(t, run, c)
			if err != nil || !bytes.HasPrefix([]byte(got), []byte(p.begins)) {
				t.Fatalf("%.20q, %v; want %q", got, err, p.begins)
			}
			if p.name == "vips" {
				return // seeks in what it writes
			}
			piped, err := toPipe(t, run, c)
			if err != nil || piped != got {
				t.Errorf("through a pipe: %d bytes, %v; want %d", len(piped), err, len(got))
			}
		})
	}
}

func TestDistributionsProgramsFailInOneLine(t *testing.T) {
	run := direct1(t)
	for _, p := range programs {
		t.Run(fmt.Sprint(p.name, "-", p.picture), func(t *testing.T) {
			c := installed(t, p.name, p.picture)
			c.In = input(t, "\x00\x00\x00\x18ftypheic and then something else")
			_, err := toMemory(t, run, c)
			oneLine(t, err, fault.Format)
			t.Log(err)
			c = installed(t, p.name, p.picture)
			c.Memory = 12 << 20 // less than its libraries
			_, err = toMemory(t, run, c)
			oneLine(t, err, fault.TooLarge)
			t.Log(err)
		})
	}
}
