#!/usr/bin/env bash
# A server and its client in conversation, the lines of both as they come.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/pair.sh [udp|tcp] [MESSAGE...]

Builds the programs, starts a server on a free port, sends it each MESSAGE with its client, shows
what both print, and stops the server. Without MESSAGE the lines of stdin are sent, and when there
are none a short exchange. Without udp or tcp, both pairs talk, one after the other.

The status is the client'\''s: 0 when every message was answered, 1 when any was not.'

case ${1-} in
    udp | tcp) kinds=$1 && shift ;;
    -h | --help) printf '%s\n' "$usage" && exit ;;
    *) kinds='udp tcp' ;;
esac

. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# The messages, a line each.
say() {
    local first=
    if [ $# -gt 0 ]; then
        printf '%s\n' "$@"
    elif [ ! -t 0 ] && { IFS= read -r first || [ -n "$first" ]; }; then
        printf '%s\n' "$first"
        cat
    else
        printf '%s\n' 你好 '今天天气怎么样?' exit
    fi
}

# Both sides add their lines to one log, which has them in the order in which they happened: the
# server's line is there before its reply is sent, and the reply before the next message is.

# Passes on a message when the answer to the one before is in the log. The client itself waits no
# longer than 5 seconds for a UDP reply.
pace() {
    local message
    while IFS= read -r message || [ -n "$message" ]; do
        printf '%s\n' "$message"
        read -r -t 6 <&4
    done
}

# Adds the client's lines to the log, and tells pace of each and of the end.
log_client() {
    local line
    while IFS= read -r line; do
        printf '[client] %s\n' "$line" >>"$log"
        echo >&4
    done
    echo >&4
}

# Shows the log as it grows, up to its last line.
show() {
    local line
    tail -n +1 -f "$log" | while IFS= read -r line; do
        case $line in
            '[end]') kill 0 ;; # this job, which tail would keep
            '[client] '*) printf '%s\n' "$line" ;;
            *) printf '[server] %s\n' "$line" ;;
        esac
    done
}

# converse udp|tcp [MESSAGE...]: one server and one client, whose status it returns.
converse() {
    local kind=$1 client shower status
    log=$work/$kind.log
    shift
    : >"$log"
    show &
    shower=$!
    jobs_started="$jobs_started $shower"
    start_server "$log" "$bin/$kind-server"
    mkfifo "$work/$kind.answers"
    exec 4<>"$work/$kind.answers"
    {
        say "$@" | pace | "$bin/$kind-client" 127.0.0.1 "$port" 2>&1 | log_client
        exit "${PIPESTATUS[2]}"
    } <&0 &
    client=$!
    jobs_started="$jobs_started $client"
    wait "$client"
    status=$?

    if [ "$kind" = udp ]; then
        # Unless it has stopped by now, the server stops as in the tutorial.
        echo exit | "$bin/udp-client" 127.0.0.1 "$port"
        await 5 has_ended "$server"
    else
        await 5 grep -q '^disconnect from' "$log"
    fi
    stop "$server"
    echo '[end]' >>"$log"
    await 5 has_ended "$shower"
    return "$status"
}

build
if [ "$kinds" = 'udp tcp' ]; then
    say "$@" <&0 >"$work/said" & # in the background, so that signals are heard
    jobs_started=$!
    wait "$!"
    exec <"$work/said"
fi
status=0
for kind in $kinds; do
    [ "$kind" = udp ] || [ ! -e "$work/said" ] || exec <"$work/said"
    converse "$kind" "$@" || status=$?
done
exit "$status"
