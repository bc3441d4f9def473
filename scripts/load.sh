#!/usr/bin/env bash
# Many clients at once on one server, and what they cost it.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/load.sh udp|tcp [CLIENTS] [MESSAGES]

Builds a server, starts it on a free port, connects CLIENTS clients (100), and lets each send MESSAGES
messages (100), the next one after each reply. Shows how many the server printed and answered, how
fast, and on Linux its threads and its peak memory.

At most 5000 clients and 10000000 messages in all. UDP_SERVER or TCP_SERVER names another server, as
for scripts/pair.sh. The status is 0 when every message was printed and answered, 1 when any was not:
UDP loses some when more come at once than the server'\''s socket has room for (often about 190).'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

[ $# -le 3 ] || refuse "unexpected argument '$4'"
take_arguments "${1-}"
clients=${2-100} messages=${3-100}
[[ "$clients $messages" =~ ^[1-9][0-9]{0,3}\ [1-9][0-9]{0,7}$ && $clients -le 5000 &&
    $((clients * messages)) -le 10000000 ]] || refuse 'at most 5000 clients and 10000000 messages in all'
ulimit -Sn hard # files that the server and the clients may have open

build -p testing --bin load
load=$bin/load
build -p "$kind-server" --release
command_of "$kind-server"
start "${command[@]}" 127.0.0.1 0 >"$work/printed" 2>"$log" </dev/null
server=$job
wait_for_server "$server"
start "$load" "$kind" "$port" "$clients" "$messages" "$server" "$work/printed"
wait "$job" && exit
sed 1d "$log" | tail -n 3 >&2 # what the server said of it
kill -0 "$server" 2>/dev/null || fail 'the server has ended'
fail 'not every message was printed and answered'
