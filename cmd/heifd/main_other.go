//go:build !linux

package main

import "imgtools/pkg/shell/cli"

func main() { cli.OnlyLinux("heifd") }
