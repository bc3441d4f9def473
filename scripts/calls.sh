#!/usr/bin/env bash
# The socket calls that a server and its client really make, in the order in which they happen.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/calls.sh udp|tcp [MESSAGE...]

Builds the programs, runs a server and its client under strace (Linux), and shows the calls that
both make on their sockets, from top to bottom as they happened: the server'\''s on the left, the
client'\''s on the right. "..." stands behind a call that has not returned yet (it blocks, 阻塞), and
before the same call where it returns. Flags and sizes of buffers are left out.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s. Other programs can take part, as in scripts/pair.sh.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

take_arguments "$@"
[ $# -gt 1 ] || echo 你好 >"$work/messages"
[ "$kind" = tcp ] || echo exit >>"$work/messages"
need strace
need python3
build -p "$kind-server" -p "$kind-client"

# -ff: a file for each process and thread, such as server.5001. A line for each call, with its time
# and how long it took.
trace=(strace -ff -ttt -T -y -xx -s 48 -e 'trace=network,close')
command_of "$kind-server"
start "${trace[@]}" -o "$work/server" "${command[@]}" 127.0.0.1 0 >>"$log" 2>&1 </dev/null
server=$job
wait_for_server "$server"
command_of "$kind-client"
start "${trace[@]}" -o "$work/client" "${command[@]}" 127.0.0.1 "$port" <"$work/messages" >/dev/null
wait "$job"
status=$?

# The last thing that the server does is to close a socket. (-xx writes <soc of its name in this way.)
wait_for "$server" 5 grep -rq --include 'server.*' 'close([0-9]*<\\x73\\x6f\\x63' "$work"
stop "$server"
cd -- "$work" && grep . server.* client.* | python3 -B "$root/scripts/calls.py"
exit "$status"
