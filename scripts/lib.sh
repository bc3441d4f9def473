# shellcheck shell=bash
# What the scripts share. Each of them sources this file, which takes it to the repository's root.

set -u
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1

jobs_started='' # their process groups
work=''         # a folder for the script's files

clean_up() {
    local job
    trap '' INT TERM HUP PIPE
    # The signal may have come before a job was on the list, or before a job could hear another one.
    for job in $jobs_started $(jobs -p); do
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
work=${TMPDIR:-/tmp}/socket-lab.$$.$RANDOM
mkdir -m 700 "$work" || { work='' && exit 1; }

# From here on every job gets a process group of its own, which can be ended as a whole.
set -m

# fail MESSAGE [STATUS]: says what is wrong and ends the script.
fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2-1}"
}

# refuse WHY: the command line is wrong. The usage of the script is in usage.
refuse() {
    # shellcheck disable=SC2154 # each script has its own
    fail "$1"$'\n'"${usage%%$'\n'*}" 2
}

# need TOOL HOW: the script cannot go on without TOOL, and HOW it is installed.
need() {
    command -v "$1" >/dev/null || fail "$1 is missing; $2"
}

# together COMMAND...: runs what takes its time in the script's own process group, so that Ctrl-C at a
# terminal ends the script, and not one command of it.
together() {
    local status
    set +m
    "$@"
    status=$?
    set -m
    return "$status"
}

# shellcheck disable=SC2034,SC2120 # bin is for the scripts, --release for some of them
# build [--release]: builds the programs; bin is the folder that they are in.
build() {
    need cargo 'install Rust, see https://rustup.rs'
    together cargo build --quiet --locked --workspace "$@" </dev/null || exit 1
    case ${1-} in
        --release) bin=${CARGO_TARGET_DIR:-target}/release ;;
        *) bin=${CARGO_TARGET_DIR:-target}/debug ;;
    esac
}

# await SECONDS|forever COMMAND...: waits until the command succeeds, but no longer.
await() {
    together await_alone "$@"
}

await_alone() {
    local deadline=$((SECONDS + ${1/forever/1000000000}))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# start_server LOG COMMAND...: starts a server on a free port, adds what it prints to LOG, and waits
# until it listens. server is its process group then, and port its port.
# shellcheck disable=SC2034 # port is for the scripts
start_server() {
    local log=$1
    shift
    "$@" 127.0.0.1 0 >>"$log" 2>&1 </dev/null &
    server=$!
    jobs_started="$jobs_started $server"
    await 10 listens_or_has_ended "$log"
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$log")
    [ -n "$port" ] || fail "the server does not listen: $(cat "$log")"
}

listens_or_has_ended() {
    has_ended "$server" || grep -q 'listening on' "$1"
}

# has_ended JOB: whether a background job has ended.
has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

# stop JOB: ends a background job and waits until it has gone.
stop() {
    kill -- "-$1"
    wait "$1"
} 2>/dev/null

# messages udp|tcp [MESSAGE...]: what the client is to send, a line each: MESSAGE or 你好, and then
# exit to a UDP server, which stops it.
messages() {
    local kind=$1
    shift
    printf '%s\n' "${@:-你好}"
    [ "$kind" = tcp ] || echo exit
}

# need_gbk: the script cannot go on without what readable needs.
need_gbk() {
    need iconv 'install it with: apt-get install libc-bin'
    iconv -f GBK -t UTF-8 </dev/null || fail 'this iconv does not know GBK'
}

# readable: the text of stdin, in which \xHH stands for each byte of GBK. Control characters stay.
readable() {
    local text
    text=$(sed -E 's/\\x([01].|7f)/\\\\x\1/g')
    printf '%b\n' "$text" | iconv -c -f GBK -t UTF-8
}
