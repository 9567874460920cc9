#!/bin/bash
# Serves the checkout's bin/imgd for `make run`, with its spool in the user's
# state folder, and prints three lines to paste when it is ready. Ctrl-C stops it.
set -eu -o pipefail
cd "$(dirname "$0")/.."
state=${XDG_STATE_HOME:-$HOME/.local/state}/imgtools
mkdir -p "$state"

bin/imgd -p "${PORT:-8080}" -spool "$state/spool" 2>&1 | {
	trap '' INT TERM # imgd gets it too, and this goes on to its last word
	url='' server=' -a' gray='' scale='' told=''
	while read -r line; do
		printf '%s\n' "$line"
		case $line in
		*'listening on http://127.0.0.1:'*) url=http://localhost:${line##*:} ;;
		*'listening on unix:'*) server='' ;; # the clients find it there
		'grayd: '*' workers on '*) gray=yes ;;
		'scaled: '*' workers on '*) scale=yes ;;
		*': address already in use'*) printf 'another port: make run PORT=n\n' ;;
		esac
		if [ -z "$told" ] && [ -n "$url" ] && [ -n "$gray" ] && [ -n "$scale" ]; then
			told=yes
			[ -z "$server" ] || server=" -a ${url%/}"
			printf '\nready; to paste into another terminal, in this folder:\n'
			printf '  %s\n' "$url" \
				"curl -T tests/testdata/clouds.jpg '${url}image?gray&scale=1/4' > /tmp/small.jpg" \
				"bin/imgput$server tests/testdata/clouds.jpg | bin/imgget$server > /tmp/gray.jpg"
		fi
	done
}
