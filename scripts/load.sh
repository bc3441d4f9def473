#!/usr/bin/env bash
# Many clients at once on one server, and what they cost it.
# shellcheck source-path=SCRIPTDIR disable=SC2317 # start and await call the functions

usage='usage: scripts/load.sh udp|tcp [CLIENTS] [MESSAGES]

Builds the programs, starts a server on a free port and CLIENTS of its clients (100), and when all
of them are there, lets each send MESSAGES messages (100). Shows how many the server printed, how
many were answered, how fast, and on Linux what that cost the server: its threads when all clients
were there, its memory at its largest, its CPU time with connecting included.

At most 5000 clients and 10000000 messages in all. UDP_SERVER or TCP_SERVER names another server, as
for scripts/pair.sh. The status is 0 when every message was printed and answered, 1 when any was not.
UDP loses some when more come at once than the server'\''s socket has room for: about 190 on a Linux
that nobody has tuned.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

[ $# -le 3 ] || refuse "unexpected argument '$4'"
kind_and_messages "${1-}"
clients=${2-100} messages=${3-100}
for number in "$clients" "$messages"; do
    case $number in
        '' | 0* | *[!0123456789]* | ?????????*) refuse "a number from 1 to 10000000, not '$number'" ;;
    esac
done
total=$((clients * messages))
[[ $clients -le 5000 && $total -le 10000000 ]] ||
    refuse 'at most 5000 clients and 10000000 messages in all'

# The server opens a file for each client, and a few more.
files=$((clients + 24)) limit=$(ulimit -n)
[[ $limit = unlimited || $limit -ge $files ]] || ulimit -Sn "$files" 2>/dev/null ||
    fail "$clients clients need $files open files, and the hard limit (ulimit -Hn) is $(ulimit -Hn)"

# run_clients: all of them, as one job. Each reads a fifo of its own, into which one tee writes the
# messages as soon as somebody has opened the fifo called go.
run_clients() {
    local number client started='' failed=0
    trap '' PIPE # a client that has left is no reason for tee to end
    cat "$work/go" "$work/messages" | tee "$work"/to.* >/dev/null 2>&1 &
    trap - PIPE
    for ((number = 1; number <= clients; number++)); do
        # The programs write whole lines, so all can add theirs to one file.
        "$bin/$kind-client" 127.0.0.1 "$port" \
            <>"$work/to.$number" >>"$work/replies" 2>>"$work/errors" &
        started="$started $!"
    done
    : >"$work/started"
    for client in $started; do
        wait "$client" || failed=$((failed + 1))
    done
    echo "${EPOCHREALTIME/[.,]/} $failed" >"$work/ended"
}

# is_over: whether nothing more can come.
is_over() {
    has_ended "$all" || has_ended "$server"
}

# are_there: whether all clients are. UDP has no connections to count.
are_there() {
    is_over || case $kind in
        udp) [ -e "$work/started" ] ;;
        tcp) [ "$(grep -c '^connect from' "$log")" -ge "$clients" ] ;;
    esac
}

# about_server FIELD: a number that Linux keeps.
about_server() {
    sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$server/status"
} 2>/dev/null

# cpu_per_message: the server's, in microseconds. The kernel counts ticks, as a rule of 10000
# microseconds, and fewer than 5 of them tell no more than what it is below.
cpu_per_message() {
    local stat ticks below=''
    stat=$(cat "/proc/$server/stat") && [ "$answered" -gt 0 ] || return
    read -r -a stat <<<"${stat##*) }" # without the name, in which there may be spaces
    ticks=$((stat[11] + stat[12]))
    [ "$ticks" -ge 5 ] || ticks=$((ticks + 1)) below='< '
    echo "$below$((ticks * 1000000 / $(getconf CLK_TCK) / answered))"
} 2>/dev/null

build release
: >"$work/replies" && : >"$work/errors"
{ seq -f '你好 %.0f' "$messages" && echo; } >"$work/messages" # a client leaves at an empty line
(cd "$work" && mkfifo go && seq -f to.%.0f "$clients" | xargs mkfifo) || exit 1
command_of "$kind-server" && start_server "${command[@]}"
{
    start run_clients
    all=$job
    await 120 are_there
    threads=$(about_server Threads)
    began=${EPOCHREALTIME/[.,]/}
    : >"$work/go"
    # Until it is over, or for 10 seconds nobody has been answered.
    before=-1 answered=0
    while [ "$answered" -gt "$before" ] && ! await 10 is_over; do
        before=$answered answered=$(grep -c '' "$work/replies")
    done
    [ -e "$work/ended" ] || echo "${EPOCHREALTIME/[.,]/} $clients" >"$work/ended"
    read -r ended failed <"$work/ended"
    stop "$all"
} 2>/dev/null # what bash says of a server that was killed

printed=$(grep -c '^receive messages:' "$log")
answered=$(grep -c '' "$work/replies")
memory=$(about_server VmHWM) cpu=$(cpu_per_message)
say "$(printf '%-34s %9s\n' "$kind clients at once" "$clients" 'messages to send' "$total" \
    'printed by the server' "$printed" 'answered' "$answered" \
    'answered per second' $((answered * 1000000 / (ended - began + 1))) \
    'threads of the server' "${threads:-unknown}" 'its peak memory, kB' "${memory:-unknown}" \
    'its CPU per message, microseconds' "${cpu:-unknown}")"

[ "$printed $answered $failed" = "$total $total 0" ] && exit
# What the programs have said of it.
grep -hv 'listening on' "$notes" "$work/errors" | head -n 3 >&2
why="$((total - printed)) not printed, $((total - answered)) not answered, $failed clients failed"
has_ended "$server" && why="$why; the server has ended"
fail "$why"
