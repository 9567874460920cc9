#!/bin/sh
# A cluster on one machine: each host is a loopback address of its own.
#
#   cluster.sh                 all of it, until Ctrl-C
#   cluster.sh balancer        one part, in the foreground
#   cluster.sh imgd 127.0.0.2
#   cluster.sh scaled 127.0.0.4
#
# CLUSTER is the folder that the hosts share; HTTP_PORT and WIRE_PORT are where
# the balancer is, and the hosts behind it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:$here/../../bin:/usr/sbin
: "${CLUSTER:=$(mktemp -d)}" "${HTTP_PORT:=8080}" "${WIRE_PORT:=7002}"
export PATH CLUSTER HTTP_PORT WIRE_PORT

part() {
	export IMGTOOLS_RUN="$CLUSTER/${2-balancer}"
	mkdir -p "$IMGTOOLS_RUN"
	case $1 in
	balancer) exec haproxy -db -f "$here/haproxy.cfg" ;;
	scaled) exec scaled -n 1 -a "tcp:$2:$WIRE_PORT" ;;
	# -n is how many pictures this imgd has in hand at once: over TCP nobody says how many workers there are.
	imgd) exec imgd -n 2 -i "$2" -p "$HTTP_PORT" -spool "$CLUSTER/spool" -scaled "tcp:127.0.0.1:$WIRE_PORT" ;;
	esac
	echo "cluster.sh: $1: not a part" >&2
	exit 2
}

[ $# -gt 0 ] && part "$@"

for host in "scaled 127.0.0.4" "scaled 127.0.0.5" "scaled 127.0.0.6" balancer "imgd 127.0.0.2" "imgd 127.0.0.3"; do
	# shellcheck disable=SC2086 # a name and an address
	part $host &
	pids="${pids-} $!"
done
# shellcheck disable=SC2086
trap 'kill $pids; wait' INT TERM
echo "export CLUSTER=$CLUSTER IMGD=http://127.0.0.1:$HTTP_PORT"
wait
