#!/usr/bin/env bash
# A server and its client in conversation, the lines of both as they come.
# shellcheck source-path=SCRIPTDIR disable=SC2317 # start and await call the functions
#
# Both sides add their lines to one log, a single system call a line: so they stand in it in the
# order in which they happened, and a server's are known by how they begin.

usage='usage: scripts/pair.sh [udp|tcp] [MESSAGE...]

Builds the programs, starts a server on a free port, sends it each MESSAGE with its client, shows
what both print, and stops the server. Without MESSAGE the lines of stdin are sent, and when there
are none or stdin is a terminal, a short exchange. Without any argument both pairs talk, one after
the other, once all of stdin is there.

UDP_SERVER, UDP_CLIENT, TCP_SERVER and TCP_CLIENT in the environment name other programs, each a file
or a command with arguments that takes HOST PORT, such as UDP_SERVER="python3 server.py". A server
says on stderr where it is "listening on".

The status is the client'\''s: 0 when every message was answered, 1 when any was not.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

[ $# -eq 0 ] || kind_and_messages "$@"

# Shows what the server's stderr (3) and the log (4) have gained. A long line can be there by half
# for a moment. Who asks even a pipe for its lines, as the tutorial's clients, has a prompt there.
show() {
    local file text side
    for file in 3 4; do
        while IFS= read -r text <&$file; do
            text=${half[file]}$text half[file]=''
            text=${text#请输入要发送的数据:}
            case $file$text in
                3* | 4'waiting for messages'* | 4'receive messages:'*) side=server ;;
                4'connect from :'* | 4'disconnect from :'*) side=server ;;
                *) side=client ;;
            esac
            say "[$side] $text"
        done
        half[file]=${half[file]}$text
    done
}

# The lines of stdin as they come, or when there are none, a short exchange.
lines() {
    local first=''
    if IFS= read -r first || [ -n "$first" ]; then
        printf '%s\n' "$first" && cat
    else
        printf '%s\n' 你好 '今天天气怎么样?' exit
    fi
}

# talk: the client, which waits for each reply before it reads the next line. When it has left, lines
# may still wait for stdin: it is of this job's process group, which stop ends.
talk() {
    "${command[@]}" 127.0.0.1 "$port" < <(lines) >>"$log" 2>&1
}

server_is_done() {
    has_ended "$server" || grep -q '^disconnect from : ' "$log"
}

# converse udp|tcp: one server and one client, whose status it returns.
converse() {
    local status half=([3]='' [4]='')
    : >"$log" && : >"$notes"
    exec 3<"$notes" 4<"$log"
    command_of "$1-server" && start_server "${command[@]}"
    command_of "$1-client" && start talk
    client=$job
    await_client
    stop "$client"
    status=$?
    # The UDP server, unless it has stopped by now, stops as in the tutorial.
    [ "$1" = tcp ] || has_ended "$server" || echo exit | "$bin/udp-client" 127.0.0.1 "$port"
    await 5 server_is_done
    show
    has_ended "$server" && ! wait "$server" && fail "the $1-server has died"
    stop "$server"
    return "$status"
}

build dev
if [ $# -lt 2 ] && [ -t 0 ]; then
    exec </dev/null
elif [ $# -eq 0 ]; then
    cat >"$work/messages" # all of them, for both pairs
fi
status=0
for kind in ${kind-udp tcp}; do
    [ ! -e "$work/messages" ] || exec <"$work/messages"
    converse "$kind" || status=$?
done
exit "$status"
