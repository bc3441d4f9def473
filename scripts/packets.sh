#!/usr/bin/env bash
# The packets that really travel between a client and its server, drawn as a ladder.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/packets.sh udp|tcp [MESSAGE...]

Builds the programs, lets a server and its client talk while tcpdump watches the loopback (Linux),
and draws every packet between them, from top to bottom as it came: for TCP its flags and its
numbers, which are counted from 0 on each side; the bytes that it carries, and their text.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s.

UDP_SERVER, UDP_CLIENT, TCP_SERVER and TCP_CLIENT in the environment name other programs, each a file
or a command with arguments that takes HOST PORT, such as UDP_SERVER="python3 server.py". A server
says on stderr where it is "listening on".

Whoever runs this has to be allowed to capture packets; it says how when they are not.'

# The script itself, wherever a symbolic link to it stands.
self=${BASH_SOURCE[0]}
while link=$(readlink -- "$self"); do
    case $link in /*) self=$link ;; *) self=$(dirname -- "$self")/$link ;; esac
done
. "$(dirname -- "$self")/lib.sh" || exit 1

kind_and_messages "$@"

# capturing: whether tcpdump has begun, or ended.
# shellcheck disable=SC2317 # await calls it
capturing() {
    grep -q 'listening on' "$work/tcpdump" || has_ended "$capture"
}

# complete: whether the last packet is there. Over UDP that is exit, to which nobody replies; over
# TCP the answer to the second FIN, or a reset.
# shellcheck disable=SC2317 # await calls it
complete() {
    case $kind$(grep Flags "$work/packets" | tail -n 1) in
        udp) grep -q ' 000c .... 6578 6974$' "$work/packets" ;;
        *'Flags [R'*) true ;;
        *'Flags [.]'*) [ "$(grep -c 'Flags \[F' "$work/packets")" -gt 1 ] ;;
        *) false ;;
    esac
}

need tcpdump 'install it with: apt-get install tcpdump'
need python3 'install it with: apt-get install python3'
why=$(tcpdump -i lo -L 2>&1) || fail "tcpdump may not capture: $why
Run this as root, or allow tcpdump to capture for whoever uses this machine:
    sudo setcap cap_net_raw+ep $(command -v tcpdump)"
build dev
command_of "$kind-server" && start_server "${command[@]}"
: >"$work/tcpdump"
start tcpdump -i lo --immediate-mode -l -n -t -x "$kind port $port" \
    >"$work/packets" 2>"$work/tcpdump" </dev/null
capture=$job
await 10 capturing
grep -q 'listening on' "$work/tcpdump" || fail "tcpdump does not start: $(cat "$work/tcpdump")"

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
