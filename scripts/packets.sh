#!/usr/bin/env bash
# The packets that really travel between a client and its server, drawn as a ladder.
# shellcheck source-path=SCRIPTDIR disable=SC2317 # wait_for calls the function

usage='usage: scripts/packets.sh [-w FILE] udp|tcp [MESSAGE...]

Builds the programs, lets a server and its client talk while tcpdump watches the loopback (Linux),
and draws every packet between them, from top to bottom as it came: for TCP its flags and its
numbers, which are counted from 0 on each side, and the states that it leads to (RFC 9293), the
client'\''s on the left; the bytes that it carries, and their text. -w FILE also writes the packets
to FILE, such as tcp.pcap, for Wireshark.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s. Other programs can take part, as in scripts/pair.sh.

It needs the right to capture packets; without it, it says how to get it.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

capture=$work/capture # the packets, as tcpdump and Wireshark write them
if [ "${1-}" = -w ]; then
    [ -n "${2-}" ] || refuse 'a FILE after -w'
    capture=$2
    shift 2
fi
take_arguments "$@"
[ $# -gt 1 ] || echo 你好 >"$work/messages"
[ "$kind" = tcp ] || echo exit >>"$work/messages"
need tcpdump
need python3
: >"$capture" || exit 1
build -p "$kind-server" -p "$kind-client"

# draw: draws the packets that have come so far. The status is 0 if no other one will come.
draw() {
    tcpdump -r - -n -t -x <"$capture" 2>/dev/null | python3 -B "$root/scripts/packets.py" "$port"
}

command_of "$kind-server"
start "${command[@]}" 127.0.0.1 0 >>"$log" 2>&1 </dev/null
wait_for_server "$job"
# The shell opens the file, as tcpdump gives up the rights of root.
start tcpdump -i lo --immediate-mode -U -w - "$kind port $port" >"$capture" 2>"$work/tcpdump"
tcpdump=$job
wait_for "$tcpdump" 10 grep -q 'listening on' "$work/tcpdump" || fail "$(cat "$work/tcpdump")
Run this as root, or allow all users of this machine to capture with tcpdump:
    sudo setcap cap_net_raw+ep $(command -v tcpdump)"
command_of "$kind-client"
start "${command[@]}" 127.0.0.1 "$port" <"$work/messages" >/dev/null
wait "$job"
status=$?
wait_for "$tcpdump" 5 draw >/dev/null
stop "$tcpdump"
draw || fail 'the last packet has not come'
exit "$status"
