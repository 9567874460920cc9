//go:build !goexperiment.simd || !amd64

package flate

// adlerVector leaves all to the plain loop: see adler32_amd64.go.
func adlerVector(s1, s2 uint64, p []byte) (uint64, uint64, []byte) { return s1, s2, p }
