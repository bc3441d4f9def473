#!/usr/bin/env bash
# A server and its client in conversation, the lines of both as they come.
# shellcheck source-path=SCRIPTDIR
#
# Both sides add their lines to one log, a single system call a line: so they stand in it in the
# order in which they happened, and this script alone shows them.

usage='usage: scripts/pair.sh [udp|tcp] [MESSAGE...]

Builds the programs, starts a server on a free port, sends it each MESSAGE with its client, shows
what both print, and stops the server. Without MESSAGE the lines of stdin are sent, and when there
are none or stdin is a terminal, a short exchange. Without udp or tcp, both pairs talk, one after
the other.

The status is the client'\''s: 0 when every message was answered, 1 when any was not.'

case ${1-} in
    udp | tcp) kinds=$1 && shift ;;
    -h | --help) printf '%s\n' "$usage" && exit ;;
    *) kinds='udp tcp' ;;
esac

. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Hands the client the lines of stdin, and keeps them for the second pair. The next one goes when
# the answer to the last one is in the log; the client itself gives up after 5 seconds.
feed() {
    local message=''
    while IFS= read -r message || [ -n "$message" ]; do
        printf '%s\n' "$message" | tee -a "$said"
        read -r -t 6 <&4
    done
    [ -s "$said" ] || feed <<'END'
你好
今天天气怎么样?
exit
END
}

# Adds the client's lines to the log, and tells feed of each and of the end.
log_client() {
    local line=''
    while IFS= read -r line || [ -n "$line" ]; do
        printf '[client] %s\n' "$line" >>"$log"
        echo >&4
    done
    echo >&4
}

# Shows what the log has gained. A long line can be there by half for a moment.
show() {
    local part=''
    while IFS= read -r part <&3; do
        line=$line$part
        case $line in
            '[client] '*) printf '%s\n' "$line" ;;
            *) printf '[server] %s\n' "$line" ;;
        esac || exit 1 # nobody reads any more
        line=
    done
    line=$line$part
}

# Each of these is asked again and again until it is true, and shows the log meanwhile.
# shellcheck disable=SC2317 # await calls them
client_has_left() {
    show
    has_ended "$client" || has_ended "$server"
}
# shellcheck disable=SC2317
server_is_done() {
    show
    has_ended "$server" || grep -q '^disconnect from : ' "$log"
}

# converse udp|tcp: one server and one client, whose status it returns.
converse() {
    local client talk status line=''
    log=$work/$1.log said=$work/$1.said
    : >"$log" && : >"$said"
    echo 1 >"$work/status" # unless the client says something else
    mkfifo "$work/$1.answers"
    exec 3<"$log" 4<>"$work/$1.answers"
    start_server "$log" "$bin/$1-server"
    feed <&0 | {
        "$bin/$1-client" 127.0.0.1 "$port" 2>&1
        echo "$?" >"$work/status"
    } | log_client &
    client=$! # when the last of its lines is in the log, this process ends
    talk=$(jobs -p %%)
    jobs_started="$jobs_started $talk"
    await forever client_has_left

    # A client that has lost its server has a little time to say so; feed may wait for stdin.
    await 10 has_ended "$client"
    stop "$talk"
    read -r status <"$work/status"
    # The UDP server, unless it has stopped by now, stops as in the tutorial.
    [ "$1" = tcp ] || has_ended "$server" || echo exit | "$bin/udp-client" 127.0.0.1 "$port"
    await 5 server_is_done
    if has_ended "$server" && ! wait "$server"; then
        fail "the $1-server has died"
    fi
    stop "$server"
    show
    exec <"$said"
    return "$status"
}

build
if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$work/messages"
    exec <"$work/messages"
elif [ -t 0 ]; then
    exec </dev/null
fi
status=0
for kind in $kinds; do
    converse "$kind" || status=$?
done
exit "$status"
