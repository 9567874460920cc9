//go:build !linux || !(amd64 || arm64)

package main

import "imgtools/pkg/shell/cli"

func main() { cli.OnlyLinux("heifd") }
