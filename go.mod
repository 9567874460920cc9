module imgtools

go 1.26.0

toolchain go1.26.8

require (
	golang.org/x/image v0.47.0
	golang.org/x/sys v0.49.0
)
