#!/bin/sh
# Tells the kernel to run programs for arm64 and arm by qemu (binfmt_misc), which needs
# root once after each start of the machine. 386 runs on amd64 as it is.
set -eu
dir=/proc/sys/fs/binfmt_misc
[ -e $dir/register ] || mount -t binfmt_misc none $dir
for cpu in aarch64 arm; do
	[ -e $dir/qemu-$cpu ] || cat /usr/lib/binfmt.d/qemu-$cpu.conf >$dir/register
done
