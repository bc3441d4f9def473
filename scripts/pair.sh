#!/usr/bin/env bash
# A server and its client in conversation, the lines of both as they come.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/pair.sh [udp|tcp] [MESSAGE...]

Builds the programs, starts a server on a free port, sends it each MESSAGE with its client, shows
what both print, and stops the server. Without MESSAGE it sends the lines of a pipe or a file on
stdin, or else a short exchange. Without any argument both pairs talk, one after the other.

UDP_SERVER, UDP_CLIENT, TCP_SERVER and TCP_CLIENT in the environment name other programs, each a file
or a command that takes HOST PORT, such as UDP_SERVER="python3 server.py". A server says on stderr
where it is "listening on". The status is the client'\''s.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

# label: puts in front of a line whose it is. The server's are those before it listens (no line has a
# \n in it, so this part never ends), and those that begin as only a server's do.
label() {
    sed -u -E '
        /listening on/,/\n/! s/^/[server] /
        s/^(.*listening on|(udp|tcp)-server:|waiting for messages)/[server] &/
        s/^(receive messages:|connect from :|disconnect from :)/[server] &/
        /^\[server\]/! s/^(请输入要发送的数据:)*/[client] /' || kill "$$" # nobody reads it
}

# converse udp|tcp: a server and its client. The status is the client's.
converse() {
    build -p "$1-server" -p "$1-client"
    exec 3> >(tee "$log" | label) # both print into this pipe, so their lines stay in order
    label=$!
    command_of "$1-server"
    start "${command[@]}" 127.0.0.1 0 >&3 2>&1 </dev/null
    server=$job
    wait_for_server "$server"
    command_of "$1-client"
    start "${command[@]}" 127.0.0.1 "$port" >&3 2>&1
    wait "$job"
    status=$?
    if [ "$1" = udp ] && kill -0 "$server" 2>/dev/null; then
        echo exit | "$bin/udp-client" 127.0.0.1 "$port" # which stops the server
    fi
    wait_for "$server" 5 grep -q '^disconnect from' "$log"
    stop "$server"
    exec 3>&-
    wait "$label"
    return "$status"
}

[ $# -eq 0 ] || take_arguments "$@"
if [ $# -lt 2 ] && [[ ! -p /dev/stdin && ! -f /dev/stdin ]]; then
    printf '%s\n' 你好 '今天天气怎么样?' exit >"$work/messages"
elif [ $# -eq 0 ]; then
    cat >"$work/messages" # both pairs send them
fi
result=0
for kind in ${1-udp tcp}; do
    [ ! -f "$work/messages" ] || exec <"$work/messages"
    converse "$kind" || result=$?
done
exit "$result"
