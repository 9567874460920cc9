#!/bin/sh
# Builds an image from the recipe $1 (Containerfile or Containerfile.heif) under the
# name $2, without a registry. $BUILDER is the program that does: podman, buildah or
# docker.
set -eu
recipe=$1 image=$2
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
go=${GO:-go}
context=bin/container/${image##*/}
umask 022
rm -rf $context/root
mkdir -p $context/root/usr/bin $context/root/run/secrets $context/root/tmp $context/root/spool
chmod 1777 $context/root/tmp $context/root/spool # for any user
packages=
for c in $COMMANDS; do packages="$packages ./cmd/$c"; done
# shellcheck disable=SC2086 # a list of packages
CGO_ENABLED=0 GOOS=linux "$go" build -trimpath -buildvcs=auto -ldflags '-s -w' -o $context/root/usr/bin/ $packages
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || echo 0)" \
	-C $context/root -cf $context/root.tar .

case $recipe in
*.heif) # made once: rm bin/container/imgtools-heif/debian.tar fetches it again
	command -v mmdebstrap >/dev/null || {
		echo "make: mmdebstrap is missing: apt-get install mmdebstrap" >&2
		exit 1
	}
	[ -e $context/debian.tar ] || mmdebstrap --quiet --variant=extract \
		--include=libheif-examples,libavif-bin bookworm $context/new.tar
	[ ! -e $context/new.tar ] || mv $context/new.tar $context/debian.tar
	;;
esac

builder=${BUILDER:-$(command -v podman || command -v buildah || command -v docker || true)}
case ${builder##*/} in
podman | buildah) "$builder" build --quiet --format docker -t "$image" -f "$here/$recipe" $context ;; # OCI's format has no health check
docker) "$builder" build --quiet -t "$image" -f "$here/$recipe" $context ;;
*)
	echo "make: podman, buildah and docker are missing: apt-get install podman" >&2
	exit 1
	;;
esac
