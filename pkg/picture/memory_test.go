package picture

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
)

// A picture of 100 megapixels, made as it is read: bigSide² pixels of 3 bytes.
const bigSide = 10000

// bigRow is one row of it. All rows are the same; a BMP takes its blue for red.
func bigRow() []byte {
	row := make([]byte, 3*bigSide)
	for i := range row {
		row[i] = byte(i*i>>7 ^ i)
	}
	return row
}

// repeated is a file of a head and one row many times.
type repeated struct {
	head, row []byte
	size      int64
}

func newRepeated(head []byte) *repeated {
	row := bigRow()
	return &repeated{head, row, int64(len(head)) + bigSide*int64(len(row))}
}

func (r *repeated) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < r.size {
		var c int
		if off < int64(len(r.head)) {
			c = copy(p[n:], r.head[off:])
		} else {
			c = copy(p[n:], r.row[(off-int64(len(r.head)))%int64(len(r.row)):])
		}
		n += c
		off += int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func bigPPM() *repeated { return newRepeated(fmt.Appendf(nil, "P6\n%d %d\n255\n", bigSide, bigSide)) }

func bigBMP() *repeated {
	le := binary.LittleEndian
	head := []byte("BM")
	for _, v := range []int{54 + 3*bigSide*bigSide, 0, 54, 40, bigSide, bigSide, 1 | 24<<16, 0, 0, 0, 0, 0, 0} {
		head = le.AppendUint32(head, uint32(v))
	}
	return newRepeated(head)
}

// bigPNG writes the picture as a PNG. Its IDAT chunks repeat 100 deflated rows, which
// end at a byte and refer to nothing before them.
func bigPNG(t *testing.T, name string) {
	const group = 100
	var rows, z bytes.Buffer
	sum := adler32.New()
	for range group {
		rows.WriteByte(0)
		rows.Write(bigRow())
	}
	w, err := flate.NewWriter(&z, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(rows.Bytes())
	w.Flush()
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data ...[]byte) {
		body := append([]byte(kind), bytes.Join(data, nil)...)
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(body)-4)), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	chunk("IHDR", binary.BigEndian.AppendUint32(nil, bigSide), binary.BigEndian.AppendUint32(nil, bigSide), []byte{8, 2, 0, 0, 0})
	chunk("IDAT", []byte{0x78, 0x01})
	for range bigSide / group {
		chunk("IDAT", z.Bytes())
		sum.Write(rows.Bytes())
	}
	chunk("IDAT", []byte{1, 0, 0, 0xff, 0xff}, sum.Sum(nil)) // an empty last block
	chunk("IEND")
	if err := os.WriteFile(name, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

func bigJPEG(t *testing.T, name string) {
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bigPPM()
	if _, err := plan.Run(f, in, in.size, plantest.Ask("scale=1 format=jpeg")); err != nil {
		t.Fatal(err)
	}
}

const childVar = "PICTURE_TEST_CHILD" // in the environment: operation, a space, input

// TestMain runs the tests, or is the child process whose memory is measured.
func TestMain(m *testing.M) {
	if job := os.Getenv(childVar); job != "" {
		if err := child(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child does one operation on one input, discards the result, and prints the peak of
// its memory in KiB.
func child(job string) error {
	var op, input string
	fmt.Sscan(job, &op, &input)
	var in io.ReaderAt
	var size int64
	switch input {
	case "ppm", "bmp":
		r := map[string]func() *repeated{"ppm": bigPPM, "bmp": bigBMP}[input]()
		in, size = r, r.size
	default:
		f, err := os.Open(input)
		if err != nil {
			return err
		}
		fi, err := f.Stat()
		if err != nil {
			return err
		}
		in, size = f, fi.Size()
	}
	var err error
	switch op {
	case "gray":
		_, err = plan.Run(io.Discard, in, size, plantest.Ask("gray"))
	case "for":
		_, err = plan.Run(io.Discard, in, size, plantest.Ask("gray handover scale=1/4"))
	default:
		_, err = plan.Run(io.Discard, in, size, plantest.Ask("scale=1/4"))
	}
	if err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return fmt.Errorf("no VmHWM in /proc/self/status")
	}
	fmt.Println(string(m[1]))
	return nil
}

func TestHundredMegapixelsIn64MiB(t *testing.T) {
	dir := t.TempDir()
	png, jpeg := filepath.Join(dir, "big.png"), filepath.Join(dir, "big.jpg")
	bigPNG(t, png)
	bigJPEG(t, jpeg)
	for _, input := range []string{"ppm", "bmp", png, jpeg} {
		for _, op := range []string{"gray", "for", "scale"} {
			if op == "for" && input != png {
				continue // PNM out, where gray itself does that or less
			}
			t.Run(op+" of "+filepath.Base(input), func(t *testing.T) {
				c := exec.Command(os.Args[0])
				c.Env = append(os.Environ(), childVar+"="+op+" "+input)
				c.Stderr = os.Stderr
				out, err := c.Output()
				if err != nil {
					t.Fatal(err)
				}
				kib, err := strconv.Atoi(string(bytes.TrimSpace(out)))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%.1f MiB", float64(kib)/1024)
				if kib > 64<<10 {
					t.Errorf("%d KiB > 64 MiB", kib)
				}
			})
		}
	}
}
