#!/bin/sh
# What a picture costs by each way of WHEN TO USE WHICH in imgtools(7): CPU time
# in ms, clients and servers together, without the servers' start.
#
#   cost.sh FOLDER     with JPEGs in it; takes about a minute
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pictures=$(cd "$1" && pwd)
PATH=$here/../../bin:$PATH
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
export pictures here PATH TMP IMGTOOLS_RUN="$TMP/run"

# cpu COMMANDS: user and system time of it and all its children, ms, least of 3
cpu() {
	for _ in 1 2 3; do
		rm -rf "$TMP"/* && mkdir "$TMP/run" "$TMP/cluster"
		bash -c "TIMEFORMAT='%U+%S'; time { $1; } >/dev/null 2>&1" 2>&1
	done | while read -r t; do awk "BEGIN { print ($t) * 1000 }"; done | sort -n | head -1
}

# way NAME START COMMANDS STOP: prints what COMMANDS cost a picture
way() {
	n=$(ls "$pictures"/*.jpg | wc -l)
	all=$(cpu "$2$3$4") idle=0
	[ -z "$2" ] || idle=$(cpu "$2$4")
	awk "BEGIN { printf \"%-28s %6.1f ms\\n\", \"$1\", ($all - $idle) / $n }"
}

batch='imgput -s 1/4 "$pictures"/*.jpg | imgget -d "$TMP/out"; '
ready='until curl -sf $IMGD/readyz; do sleep 0.1; done; '
way 'xargs -n 1 scale' '' 'ls "$pictures"/*.jpg | xargs -P 2 -n 1 scale -d "$TMP/out" 1/4' ''
way 'xargs -n 20 scale' '' 'ls "$pictures"/*.jpg | xargs -P 2 -n 20 scale -d "$TMP/out" 1/4' ''
way 'imgput | imgget, one imgd' 'export IMGD=http://localhost:8291; imgd -p 8291 -n 2 -spool "$TMP/spool" & '"$ready" "$batch" 'kill $!; wait'
way 'imgput | imgget, the cluster' 'export IMGD=http://127.0.0.1:8292 HTTP_PORT=8292 WIRE_PORT=7292 CLUSTER=$TMP/cluster; "$here/cluster.sh" & '"$ready" "$batch" 'kill $!; wait'
