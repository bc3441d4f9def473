#!/usr/bin/env bash
# The socket calls that a server and its client really make, in the order in which they happen.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/calls.sh udp|tcp [MESSAGE...]

Builds the programs, runs a server and its client under strace (Linux), and shows the calls that
both make on their sockets, from top to bottom as they happened: the server'\''s on the left, the
client'\''s on the right. "..." stands behind a call that has not returned yet (it blocks, 阻塞), and
before the same call where it returns.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s. Other programs can take part, as in scripts/pair.sh.

Left out are flags, sizes of buffers, and how a client looks without waiting for what has come by
the time it sends (ioctl, recvfrom, ioctl).'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

whole_talk "$@"
need strace
need python3
why=$(strace -y -o "$work/calls" true 2>&1) || fail "strace does not work here: $why"
build dev

# One strace watches both programs, so that its report has the calls of both in one order. They are
# the children of one shell, which starts the client once the server has its port.
# shellcheck disable=SC2016 # the dollars are that shell's
pair='"${server_command[@]}" "$@" &
    echo "$!" >"$0/server"
    until [ -s "$0/port" ]; do sleep 0.1; done
    "${client_command[@]}" 127.0.0.1 "$(cat "$0/port")" \
        <"$0/messages" >"$0/replies" 2>"$0/errors" &
    echo "$!" >"$0/client"
    wait "$!"
    echo "$?" >"$0/status"
    wait'
command_of "$kind-server" && server_command=("${command[@]}")
command_of "$kind-client" && client_command=("${command[@]}")
start_server strace -f -y -xx -s 48 -e trace=network,process,close,fcntl,ioctl -o "$work/calls" \
    "$BASH" -c "$(declare -p server_command client_command); $pair" "$work"
echo "$port" >"$work/port"
await 10 test -s "$work/client"
strace=$server server=$(cat "$work/server") client=$(cat "$work/client")
await_client

# draw: whether the server has done its part: it closes a socket at the end.
draw() {
    drawing=$(python3 -B "$root/scripts/calls.py" "$client" <"$work/calls") || exit 1
    grep -q '^close(.* = ' <<<"$drawing"
}
await 5 draw
stop "$strace"
draw
say "$drawing"
cat "$work/errors" >&2
exit "$(cat "$work/status" 2>/dev/null || echo 1)"
