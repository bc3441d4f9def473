# shellcheck shell=bash disable=SC2034,SC2154 # some variables belong to the scripts
# What the scripts share. A script sets usage, its help, and then reads this file.

set -u
export PYTHONUNBUFFERED=1 # a program in Python flushes each line

# fail MESSAGE [STATUS]: says what is wrong and ends the script.
fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2-1}"
}

# refuse MESSAGE: the same for a wrong command line, with the first line of the help.
refuse() {
    fail "$1"$'\n'"${usage%%$'\n'*}" 2
}

[[ ${1-} = -h || ${1-} = --help ]] && printf '%s\n' "$usage" && exit

# However the script ends, its jobs end with it, and its files go.
clean_up() {
    trap '' INT TERM HUP
    for group in $(jobs -p); do
        kill -s KILL -- "-$group"
        wait "$group"
    done
    rm -rf -- "${work-}"
} 2>/dev/null
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

root=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
work=$(mktemp -d) || exit 1 # a folder for the script's files
log=$work/log               # what a server prints

# start COMMAND...: starts a job and sets job to its number. With set -m a job is a process group,
# so that it can be ended together with all that it has started.
start() {
    set -m
    "$@" &
    job=$!
    set +m
}

# stop JOB: ends a job. The status is the job's.
stop() {
    kill -- "-$1"
    wait "$1"
} 2>/dev/null

# wait_for JOB SECONDS COMMAND...: waits until the command succeeds, or the job or the time ends.
wait_for() {
    local end=$((SECONDS + $2))
    until "${@:3}"; do
        [ "$SECONDS" -lt "$end" ] && kill -0 "$1" || return 1
        sleep 0.1
    done
} 2>/dev/null

# wait_for_server JOB: waits until the server says in the log where it listens, and sets port.
wait_for_server() {
    wait_for "$1" 10 grep -q 'listening on' "$log"
    port=$(sed -nE 's/.*listening on.*[^0-9]([0-9]+).*/\1/p' "$log" | head -n 1)
    [ -n "$port" ] || fail "the server does not listen: $(cat "$log")"
}

# need TOOL [HOW]: ends the script if the tool is missing, and says how it is installed.
need() {
    command -v "$1" >/dev/null || fail "$1 is missing; ${2-install it with: sudo apt-get install $1}"
}

# build -p NAME...: sets bin to the folder with the finished programs (in the students' copy), or builds.
build() {
    bin=$root/bin
    [ ! -x "$bin/$2" ] || return 0
    need cargo 'install Rust, see https://rustup.rs'
    built=$(cd -- "$root" && cargo build --quiet --locked "$@" \
        --message-format=json-render-diagnostics </dev/null) || exit 1
    bin=$(sed -nE 's|\\\\|/|g; s|.*"executable":"([^"]*)/.*|\1|p' <<<"$built" | head -n 1)
}

# command_of NAME: sets the array command to what starts the program NAME: our own, or what a variable
# says, UDP_SERVER for udp-server, which is a file or a command with arguments.
command_of() {
    local variable program
    variable=$(tr a-z- A-Z_ <<<"$1")
    program=${!variable:-$bin/$1}
    read -r -a command <<<"$program"
    [ ! -f "$program" ] || command=("$(readlink -f -- "$program")")
}

# take_arguments udp|tcp [MESSAGE...]: sets kind, and writes each MESSAGE to the file messages.
take_arguments() {
    kind=${1-}
    [[ $kind = udp || $kind = tcp ]] || refuse "udp or tcp, not '$kind'"
    for message in "${@:2}"; do
        [[ $message && $message != *$'\n'* ]] || refuse 'a MESSAGE is one line, and not empty'
        printf '%s\n' "$message" >>"$work/messages"
    done
}
