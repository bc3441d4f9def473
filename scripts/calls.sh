#!/usr/bin/env bash
# The socket calls that a server and its client really make, in the order in which they happen.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/calls.sh udp|tcp [MESSAGE...]

Builds the programs, runs a server and its client under strace (Linux), and shows the calls that
both make on their sockets, from top to bottom as they happened: the server'\''s on the left, the
client'\''s on the right. "..." stands behind a call that has not returned yet (it blocks, 阻塞), and
before the same call where it returns.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s.

Left out are flags, sizes of buffers, and how a client looks without waiting for what has come by
the time it sends (ioctl, recvfrom, ioctl).'

case ${1-} in
    -h | --help) printf '%s\n' "$usage" && exit ;;
esac

. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
    udp | tcp) kind=$1 && shift ;;
    *) refuse "udp or tcp, not '${1-}'" ;;
esac

# One strace watches both programs, so that its report has the calls of both in one order. They are
# the children of one shell, which starts the client once the server has its port.
# shellcheck disable=SC2016 # the dollars are that shell's
pair='"$1-server" "$2" "$3" &
    until [ -s "$0/port" ]; do sleep 0.1; done
    "$1-client" "$2" "$(cat "$0/port")" <"$0/messages" 2>"$0/errors"
    echo "$?" >"$0/status"
    wait'

# in_order: the calls on sockets from strace's report. A call during which others happened has two
# lines there, "NAME(... <unfinished ...>" and "<... NAME resumed>...": receiving and accepting keep
# both, all other calls have their one line at the first.
in_order() {
    awk '
        function add(call, shown) {
            if (call !~ /^socket\(|^[a-z0-9]+\([0-9]+<socket:/) return 0
            if (call ~ /^ioctl|^fcntl.*F_GETFD/ || call ~ /^recv/ && looks[who]) return 0
            put(++rows, shown)
            return rows
        }
        function put(place, shown) {
            row[place] = (who ~ /client$/ ? sprintf("%40s", "") : "") shown
        }
        {
            who = $0
            sub(/> .*/, "", who) # number and name: 28028<tcp-server
            if (who !~ /(server|client)$/) next
            call = substr($0, length(who) + 3)
            if (call ~ /^ioctl.*FIONBIO/) looks[who] = call ~ /\[1\]/

            if (sub(/ <unfinished \.\.\.>$/, "", call)) {
                begun[who] = call
                at[who] = add(call, call ~ /^(accept|recv)/ ? call ") ..." : call)
            } else if (sub(/^<\.\.\. [a-z0-9]+ resumed>/, "", call)) {
                call = begun[who] call
                if (call ~ /\) = \?( E.*)?$/ || !at[who]) next # it never returned, or is not shown
                if (call ~ /^(accept|recv)/ && at[who] < rows) add(call, "... " call)
                else put(at[who], call)
            } else add(call, call)
        }
        END { for (i = 1; i <= rows; i++) print row[i] }'
}

# short: leaves the descriptors, addresses, texts and results of the calls.
short() {
    local address='\{sa_family=AF_INET, sin_port=htons\(([0-9]+)\), sin_addr=inet_addr\("([^"]*)"\)\}'
    sed -E "
        s/$address/\\2:\\1/
        s/<socket:\[[0-9]*\]>//g
        s/\|SOCK_CLOEXEC, IPPROTO_IP|SOL_SOCKET, |, SOCK_CLOEXEC//
        s/, *\) \.\.\.$/) .../
        s/, (16|\[128 => 16\])\) = /) = /
        s/, [0-9]+, (0|MSG_NOSIGNAL)(, NULL, (NULL|0))?(, [0-9.]+:[0-9]+)?\) = /\\4) = /
        s/(SO_REUSEADDR), \[(.*)\], 4/\\1, \\2/
        s/SO_RCVTIMEO_OLD, \"\\\\x0(.)(\\\\x00)*\"/SO_RCVTIMEO, \\1 s/
        s/recv.*, \"\"\) = 0$/&  end of stream 对方不再发送/"
}

# client_has_left: whether there is its status, unless all has ended before.
# shellcheck disable=SC2317 # await calls it
client_has_left() {
    [ -s "$work/status" ] || has_ended "$server"
}

# served: whether the server has done its part. After exit the UDP server ends, and at the end of a
# connection the TCP server's thread.
# shellcheck disable=SC2317 # await calls it
served() {
    readable <"$work/calls" | grep -q -- '-server> +++ exited'
}

need strace 'install it with: apt-get install strace'
need_gbk
why=$(strace -Y -o "$work/calls" true 2>&1) ||
    fail "strace, which has to be 5.15 or newer, does not work here: $why"
build
messages "$kind" "$@" >"$work/messages"
: >"$work/log"
start_server "$work/log" strace -f -Y -y -xx -s 48 -e trace=network,close,fcntl,ioctl \
    -o "$work/calls" sh -c "$pair" "$work" "$bin/$kind"
echo "$port" >"$work/port"
await forever client_has_left
await 5 served
stop "$server"

set +m # no more jobs: from here on Ctrl-C at a terminal reaches this script again
printf 'server 服务器%27sclient 客户端   ... not returned yet 阻塞\n' ''
readable <"$work/calls" | in_order | short
cat "$work/errors" >&2
exit "$(cat "$work/status")"
