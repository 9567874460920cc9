//go:build linux && !amd64

package jail

var otherCalls []uint32 // arm64 has no older forms

const openCall = 0
