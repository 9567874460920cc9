#!/bin/sh
# Installs the peers that `make bench` measures beside ours: Debian's, as root,
# and sharp by npm into the bench's cache (bin/bench/sharp) where there is a node.
set -eu
cd "$(dirname "$0")/../.."
packages='libjpeg-turbo-progs libvips-tools imagemagick graphicsmagick netpbm python3-pil libdeflate0 webp libtiff-tools util-linux'
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
	echo "peers.sh: to be installed by hand: $packages" >&2
fi
if command -v npm >/dev/null 2>&1; then
	mkdir -p bin/bench/sharp
	npm install --silent --no-audit --no-fund --prefix bin/bench/sharp sharp
else
	echo 'peers.sh: no npm, so no sharp' >&2
fi
