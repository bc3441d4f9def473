#!/usr/bin/env bash
# The packets that really travel between a client and its server, drawn as a ladder.
# shellcheck source-path=SCRIPTDIR disable=SC2317 # await calls the function

usage='usage: scripts/packets.sh udp|tcp [MESSAGE...]

Builds the programs, lets a server and its client talk while tcpdump watches the loopback (Linux),
and draws every packet between them, from top to bottom as it came: for TCP its flags and its
numbers, which are counted from 0 on each side, and the states that it leads to (RFC 9293), the
client'\''s on the left; the bytes that it carries, and their text.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s. Other programs can take part, as in scripts/pair.sh.

Whoever runs this has to be allowed to capture packets; it says how when they are not.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

whole_talk "$@"
need tcpdump
need python3
why=$(tcpdump -i lo -L 2>&1) || fail "tcpdump may not capture: $why
Run this as root, or allow tcpdump to capture for whoever uses this machine:
    sudo setcap cap_net_raw+ep $(command -v tcpdump)"
build dev

# complete: whether the last packet is there. Over UDP that is exit, to which nobody replies; over
# TCP the answer to the second FIN, or a reset.
complete() {
    case $kind$(grep Flags "$work/packets" | tail -n 1) in
        udp) grep -q ' 000c .... 6578 6974$' "$work/packets" ;;
        *'Flags [R'*) true ;;
        *'Flags [.]'*) [ "$(grep -c 'Flags \[F' "$work/packets")" -gt 1 ] ;;
        *) false ;;
    esac
}

command_of "$kind-server" && start_server "${command[@]}"
: >"$work/tcpdump"
start tcpdump -i lo --immediate-mode -l -n -t -x "$kind port $port" \
    >"$work/packets" 2>"$work/tcpdump" </dev/null
capture=$job
await 10 grep -q 'listening on' "$work/tcpdump" ||
    fail "tcpdump does not start: $(cat "$work/tcpdump")"

command_of "$kind-client"
start "${command[@]}" 127.0.0.1 "$port" <"$work/messages" >"$work/replies"
client=$job
await_client
stop "$client"
status=$?
await 5 complete || { echo "${0##*/}: the last packet has not come" >&2 && status=1; }
stop "$capture"
drawing=$(python3 -B "$root/scripts/packets.py" "$port" <"$work/packets") || exit 1
say "$drawing"
exit "$status"
