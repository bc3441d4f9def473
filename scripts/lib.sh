# shellcheck shell=bash disable=SC2034,SC2154 # some variables are the scripts'
# What the scripts share. Each of them sources this file before it looks at its arguments.

# Once more, without what the caller's environment says to bash: options, functions, CDPATH.
[[ $- = *p* ]] || exec "$BASH" -p "$0" "$@"
set -u
export -n SHELLOPTS BASHOPTS
unset BASH_ENV CDPATH GREP_OPTIONS
{ : 3<&0; } 2>/dev/null || exec </dev/null # stdin may be closed

# fail MESSAGE [STATUS]: says what is wrong and ends the script.
fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2-1}"
}

# say TEXT: prints it on stdout.
say() {
    printf '%s\n' "$1" 2>/dev/null || fail 'stdout cannot be written'
}

# refuse WHY: the command line is wrong. The usage of the script is in usage.
refuse() {
    fail "$1"$'\n'"${usage%%$'\n'*}" 2
}

case ${1-} in -h | --help) say "$usage" && exit ;; esac

from=$PWD # where the script was called
tmp=$(cd -- "${TMPDIR:-/tmp}" && pwd) && cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
work='' # a folder for the script's files

# jobs_left: the process groups of the jobs that have not ended; the number of one that has may be
# somebody else's by now.
jobs_left() {
    jobs -rp
    jobs -sp
}

clean_up() {
    local job
    trap '' INT TERM HUP PIPE
    for job in $(jobs_left); do
        kill -s KILL -- "-$job"
    done
    wait
    rm -rf "$work"
} 2>/dev/null # what bash says of jobs that were killed

# The caller sees which signal it was, as of a program without a trap.
die_of() {
    clean_up
    trap - EXIT "$1"
    kill -s "$1" $$
}

# However the script ends, nothing that it started is left, and its files are gone.
trap clean_up EXIT
trap 'die_of INT' INT
trap 'die_of TERM' TERM
trap 'die_of HUP' HUP
trap 'die_of PIPE' PIPE

# The folder has its name before it is made: a signal at any moment leaves none.
work=$tmp/socket-lab.$$.$RANDOM
mkdir -m 700 "$work" || { work='' && exit 1; }
log=$work/log     # what server and client print
notes=$work/notes # the server's stderr
: >"$log" && : >"$notes" || exit 1

# need TOOL [HOW]: the script cannot go on without TOOL; HOW it is installed.
need() {
    command -v "$1" >/dev/null || fail "$1 is missing; ${2-install it with: sudo apt-get install $1}"
}

# build dev|release: builds the programs; bin is the folder that they are in, wherever cargo has put
# it. From then on the script is where it was called, for the paths in UDP_SERVER and the like.
build() {
    local built
    need cargo 'install Rust, see https://rustup.rs'
    built=$(cargo build --quiet --locked --workspace --profile "$1" \
        --message-format=json-render-diagnostics </dev/null) || exit 1
    bin=$(sed -n 's|.*"executable":"\([^"]*\)/udp-server".*|\1|p' <<<"$built")
    [ -n "$bin" ] || fail 'cargo does not say where the programs are'
    cd -- "$from" 2>/dev/null || true
}

# command_of PROGRAM: the array command is what starts it: the project's own, or what a variable says,
# UDP_SERVER for udp-server, which is a file or a command with arguments.
command_of() {
    local variable program
    variable=$(tr a-z- A-Z_ <<<"$1")
    program=${!variable:-$bin/$1}
    case $program in
        /*) command=("$program") ;;
        *) command=("$PWD/$program") ;;
    esac
    [ -f "${command[0]}" ] || IFS=' ' read -r -a command <<<"$program"
}
export PYTHONUNBUFFERED=1 # a program in Python prints its lines at once, as the others do

# start COMMAND...: starts a job in a process group of its own, which can be ended as a whole. The
# rest of the script stays in one group, so that Ctrl-C at a terminal ends it and no part of it.
start() {
    set -m
    "$@" &
    job=$!
    set +m
}

# stop JOB: ends a job, or what it has left, and waits until it has gone: its status.
stop() {
    kill -- "-$1"
    wait "$1"
} 2>/dev/null

has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

# await SECONDS COMMAND...: waits until the command succeeds, but no longer.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
        show
    done
}

# show: what a script shows while it waits.
show() { :; }

# start_server COMMAND...: starts a server on a free port and waits until it listens; server is its
# job then, and port its port.
start_server() {
    port=''
    start "$@" 127.0.0.1 0 >>"$log" 2>>"$notes" </dev/null
    server=$job
    await 10 listens_or_has_ended
    [ -n "$port" ] || fail "the server does not listen: $(cat "$notes" "$log")"
}

listens_or_has_ended() {
    local line
    while read -r line; do # whole lines
        case $line in *'listening on '*) port=${line##*:} && return ;; esac
    done <"$notes"
    has_ended "$server"
}

# await_client: waits until the client has left. When the server has ended, it has 10 seconds for it.
await_client() {
    await 1000000000 one_has_ended
    await 10 has_ended "$client" || echo "${0##*/}: the client does not leave" >&2
}

one_has_ended() {
    has_ended "$client" || has_ended "$server"
}

# kind_and_messages udp|tcp [MESSAGE...]: sets kind, and writes what the client is to send to the file
# messages, a line each.
kind_and_messages() {
    local message
    kind=${1-}
    [[ $kind = udp || $kind = tcp ]] || refuse "udp or tcp, not '$kind'"
    for message in "${@:2}"; do
        case $message in
            '' | $'\r') refuse 'an empty MESSAGE, at which the client would leave' ;;
            *$'\n'*) refuse 'a MESSAGE of more than one line' ;;
        esac
        printf '%s\n' "$message" >>"$work/messages"
    done
}

# whole_talk udp|tcp [MESSAGE...]: the same, with 你好 where there is no MESSAGE, and at last exit to a
# UDP server, which stops it.
whole_talk() {
    kind_and_messages "$@"
    [ $# -gt 1 ] || echo 你好 >"$work/messages"
    [ "$kind" = tcp ] || echo exit >>"$work/messages"
}
