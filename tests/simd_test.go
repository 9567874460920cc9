package tests

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestVectorCodeHasNoSSE: no function that uses the 256-bit registers has an instruction
// of SSE (a name without v, on an xmm register) while their upper halves may be in use:
// after its first 256-bit instruction, or anywhere if it leaves vzeroupper to its
// caller. On Intel's processors one such instruction costs some 70 cycles (Intel
// Optimization Reference Manual, "Mixing AVX code with SSE code"); AMD's don't show it.
func TestVectorCodeHasNoSSE(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("vector code is for amd64")
	}
	binary := filepath.Join(t.TempDir(), "scale")
	build := exec.Command("go", "build", "-o", binary, "./cmd/scale")
	build.Dir, build.Env = root, append(os.Environ(), "GOEXPERIMENT=simd", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dump := exec.Command("objdump", "-d", "--no-show-raw-insn", "-M", "intel", binary)
	out, err := dump.StdoutPipe()
	if err == nil {
		err = dump.Start()
	}
	if err != nil {
		t.Fatalf("%v: run tests/setup.sh", err)
	}
	vectors := 0
	var name string
	var code []string
	check := func() {
		if strings.HasPrefix(name, "imgtools/") {
			if sse, wide := sseAmongVectors(code); wide {
				vectors++
				for _, c := range sse {
					t.Errorf("%s: %s", name, c)
				}
			}
		}
		code = code[:0]
	}
	function := regexp.MustCompile(`^[0-9a-f]+ <(.*)>:$`)
	for s := bufio.NewScanner(out); s.Scan(); {
		if m := function.FindStringSubmatch(s.Text()); m != nil {
			check()
			name = m[1]
		} else if _, text, ok := strings.Cut(s.Text(), ":\t"); ok {
			code = append(code, strings.TrimSpace(text))
		}
	}
	check()
	if err := dump.Wait(); err != nil {
		t.Fatal(err)
	}
	if vectors < 30 {
		t.Errorf("only %d functions with 256-bit registers were found", vectors)
	}
}

// sseAmongVectors returns the instructions of SSE that a function has where it must not,
// and whether it uses 256-bit registers at all.
func sseAmongVectors(code []string) (sse []string, wide bool) {
	clears := false
	for _, c := range code {
		clears = clears || strings.HasPrefix(c, "vzeroupper")
	}
	for _, c := range code {
		wide = wide || strings.Contains(c, "ymm")
		if (wide || !clears) && !strings.HasPrefix(c, "v") && (strings.Contains(c, "xmm") || strings.Contains(c, "XMM")) {
			sse = append(sse, c)
		}
	}
	return sse, wide
}

// TestMakefileNamesVectorPackages: the packages whose loops have another version in
// vectors are those that make test runs without vectors too.
func TestMakefileNamesVectorPackages(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^VECTORS = \$\(addprefix \./(\S+/),(.*)\)$`).FindSubmatch(makefile)
	if list == nil {
		t.Fatal("the Makefile has no line of VECTORS")
	}
	var named, have []string
	for _, name := range strings.Fields(string(list[2])) {
		named = append(named, string(list[1])+name)
	}
	err = filepath.WalkDir(filepath.Join(root, "pkg"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_amd64.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if bytes.Contains(text, []byte(`"simd/archsimd"`)) {
			dir, _ := filepath.Rel(root, filepath.Dir(file))
			have = append(have, filepath.ToSlash(dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(have)
	slices.Sort(named)
	if have = slices.Compact(have); !slices.Equal(named, have) {
		t.Errorf("VECTORS in the Makefile names\n%q\nand vector code is in\n%q", named, have)
	}
}

func TestSSEAmongVectorsIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		code []string
		sse  int
	}{
		{"before the first wide one", []string{"movq xmm0,rax", "vpaddd ymm0,ymm0,ymm1", "vzeroupper"}, 0},
		{"after it", []string{"vpaddd ymm0,ymm0,ymm1", "movups XMMWORD PTR [rdx],xmm15", "vzeroupper"}, 1},
		{"left to the caller", []string{"movq xmm0,rax", "vpaddd ymm0,ymm0,ymm1"}, 1},
		{"no vectors", []string{"addq rax,1"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if sse, _ := sseAmongVectors(c.code); len(sse) != c.sse {
				t.Errorf("found %q", sse)
			}
		})
	}
}
