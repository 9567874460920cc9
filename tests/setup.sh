#!/bin/sh
# Sees to the programs that the tests call. As root on Debian the missing ones
# are installed; otherwise they are named and the exit status is 1. With all of
# them there it takes a few milliseconds.
set -eu

# program and the Debian package that has it
needed='
/bin/nc.openbsd netcat-openbsd
/usr/bin/convert imagemagick
cjpeg libjpeg-turbo-progs
jpegtran libjpeg-turbo-progs
pnmtopng netpbm
cwebp webp
exiftool libimage-exiftool-perl
tiffcp libtiff-tools
curl curl
mandoc mandoc
groff groff-base
pgrep procps
taskset util-linux
strace strace
systemd-socket-activate systemd
/usr/sbin/haproxy haproxy
/usr/sbin/nginx nginx-light
/usr/bin/caddy caddy
/usr/bin/python3 python3
parallel parallel
promtool prometheus
/usr/bin/yq yq
chromium chromium
chromedriver chromium-driver
tmux tmux
zsh zsh
fish fish
objdump binutils
heif-enc libheif-examples
avifenc libavif-bin
vips libvips-tools
'
# Only root can mount. "setup.sh faults" is for make faults.
if [ "$(id -u)" = 0 ]; then
	needed="$needed
/usr/sbin/mkfs.ext4 e2fsprogs
/usr/sbin/mkfs.xfs xfsprogs
mount mount"
	[ "${1-}" != faults ] || needed="$needed
/usr/sbin/glusterd glusterfs-server
unshare util-linux
ip iproute2"
fi
[ "${1-}" != arch ] || needed="$needed
qemu-aarch64-static qemu-user-static"
missing= packages=
while read -r program package; do
	[ -n "$program" ] || continue
	command -v "$program" >/dev/null 2>&1 && continue
	missing="$missing ${program##*/}"
	case " $packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
done <<EOF
$needed
EOF
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "tests/setup.sh: the tests need$missing; on Debian: apt-get install$packages" >&2
	exit 1
fi
echo "tests/setup.sh: installing$packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $packages >/dev/null
