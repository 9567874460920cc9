#!/bin/sh
# Builds what make dist hands out, into the folder $1: for each system and processor a
# tar with static programs, manual pages and completions, and SHA256SUMS. The rest are
# systems, such as linux/arm64. The same commit and the same Go give the same bytes.
#
# An archive holds one folder, which goes into /usr/local:
#
#   tar -C /usr/local --strip-components=1 -xzf imgtools-VERSION-linux-amd64.tar.gz
set -eu
out=$1
shift
cd "$(dirname "$0")/.."
go=${GO:-go}
version=${DISTVERSION:-$(git log -1 --format=%cd.%h --date=format:%Y%m%d 2>/dev/null || echo 0)}
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
umask 022
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)

for system; do
	os=${system%/*} arch=${system#*/} experiment='' exe='' commands=$FILTERS_CLIENTS
	[ "$arch" != amd64 ] || experiment=simd
	[ "$os" != windows ] || exe=.exe
	case $system in linux/amd64 | linux/arm64) commands=$COMMANDS ;; esac # the daemons are for these
	name=imgtools-$version-$os-$arch
	packages=
	for c in $commands; do packages="$packages ./cmd/$c"; done
	mkdir "$out/bin"
	# shellcheck disable=SC2086 # a list of packages
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch GOARM=6 GOEXPERIMENT=$experiment \
		"$go" build -trimpath -buildvcs=auto -ldflags '-s -w' -o "$out/bin/" $packages
	make -s install-files BIN="$out/bin" EXE=$exe COMMANDS="$commands" DESTDIR="$out/root" PREFIX=/usr/local
	[ "$commands" = "$COMMANDS" ] || rm -rf "$out/root/usr/local/lib" # their units
	mv "$out/root/usr/local" "$out/$name"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" --format=ustar -C "$out" -cf - "$name" |
		gzip -9n >"$out/$name.tar.gz"
	rm -rf "$out/bin" "$out/root" "${out:?}/$name"
	echo "$name.tar.gz"
done
cd "$out"
sha256sum -- *.tar.gz >SHA256SUMS
