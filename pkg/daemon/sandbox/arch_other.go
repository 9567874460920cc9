//go:build !amd64 && !arm64

package sandbox

// auditArch is 0 where nobody has found out which calls a worker needs.
const auditArch = 0
