#!/usr/bin/env bash
# The packets that really travel between a client and its server, drawn as a ladder.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/packets.sh udp|tcp [MESSAGE...]

Builds the programs, lets a server and its client talk while tcpdump watches the loopback (Linux),
and draws every packet between them, from top to bottom as it came: for TCP its flags and its
numbers, which are counted from 0 on each side; the bytes that it carries, and their text.

The client sends each MESSAGE, or 你好, and leaves. The UDP client sends exit last, which stops its
server. The status is the client'\''s.

Whoever runs this has to be allowed to capture packets; it says how when they are not.'

case ${1-} in
    -h | --help) printf '%s\n' "$usage" && exit ;;
esac

. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
    udp | tcp) kind=$1 && shift ;;
    *) refuse "udp or tcp, not '${1-}'" ;;
esac

# capturing: whether tcpdump has begun, or ended.
# shellcheck disable=SC2317 # await calls it
capturing() {
    grep -q 'listening on' "$work/tcpdump" || has_ended "$capture"
}

# complete: whether the last packet is there. Over UDP that is exit, to which nobody replies; over
# TCP the answer to the second FIN, or a reset.
# shellcheck disable=SC2317 # await calls it
complete() {
    case $kind in
        udp) grep -q ' 000c .... 6578 6974$' "$work/packets" ;;
        tcp) awk '/Flags/ { last = $0 } /Flags \[F/ { fins++ }
            END { exit !(last ~ /\[R/ || fins > 1 && last ~ /\[\.\]/) }' "$work/packets" ;;
    esac
}

# ladder: draws the packets of tcpdump's report, which has a line about each and then its bytes in
# hex. A line without an arrow is a section's name, for caption.
ladder() {
    sed -e ':join' -e '$!N; s/\n\t0x[0-9a-f]*: //; t join' -e 'P; D' | awk -v port="$port" '
        function section(name) {
            if (name != now) row[++rows] = now = name
        }
        function number(word) { # that follows the word
            return match($0, word " [0-9]+") ? substr($0, RSTART + length(word) + 1) + 0 : ""
        }
        # TCP: the flags in words, and the numbers. Each side begins at a random one, shown as 0.
        function segment(flags, size,    seq, ack) {
            seq = flags ~ /S/ ? 0 : number("seq")
            ack = flags ~ /S\./ ? 1 : number("ack")
            if (flags ~ /S/) section("open")
            else if (flags ~ /R/) section("reset")
            else if (flags ~ /F/ || now == "close") { section("close"); closing++ }
            else if (size) section("data")
            gsub(/S/, "SYN+", flags); gsub(/P/, "PSH+", flags); gsub(/R/, "RST+", flags)
            gsub(/F/, "FIN+", flags); gsub(/\./, "ACK+", flags); sub(/\+$/, "", flags)
            return flags (seq != "" ? " seq=" seq : "") (ack != "" ? " ack=" ack : "")
        }
        $1 == "IP" {
            left = $2 ~ "\\." port "$" # from the server
            size = number("length")
            if (match($0, /Flags \[[^]]*/)) label = segment(substr($0, RSTART + 7, RLENGTH - 7), size)
            else { label = "UDP"; section("datagrams") }
            if (size) {
                most = 54 - length(label) # bytes of text, so that the line fits the screen
                gsub(/ /, "")
                text = substr($0, length($0) - 2 * size + 1, 2 * (size > most ? most : size))
                gsub(/../, "\\x&", text)
                half = text # a character of which no more than its first byte is left
                gsub(/\\x[0-7].|\\x[^0-7].\\x../, "", half)
                text = substr(text, 1, length(text) - length(half))
                label = label " len=" size " \"" text "\"" (size > most ? "..." : "")
            }
            line = label # as wide as the text: a column for each byte of GBK, four if it stays \xHH
            gsub(/\\x([01].|7f)/, "....", line)
            gsub(/\\x../, ".", line)
            line = sprintf("%" (length(line) < 70 ? 71 - length(line) : 1) "s", "")
            gsub(/ /, "-", line)
            row[++rows] = "  |" (left ? "<-- " : "-- ") label " " line (left ? "|" : ">|")
        }
        END { for (i = 1; i <= rows; i++) print row[i] (row[i] == "close" ? " " closing : "") }'
}

# caption: gives the sections their names.
caption() {
    sed 's/^open$/三次握手 three-way handshake/
        s/^data$/数据 data/
        s/^datagrams$/数据 data 无连接 without a connection: nothing before, nothing after/
        s/^reset$/复位 reset/
        s/^close 4$/四次挥手 four-way close/
        s/^close 3$/四次挥手 four-way close, merged into three segments (合并为三个报文段)/
        s/^close \(.*\)$/四次挥手 four-way close, \1 segments (\1 个报文段)/'
}

need tcpdump 'install it with: apt-get install tcpdump'
need_gbk
why=$(tcpdump -i lo -L 2>&1) || fail "tcpdump may not capture: $why
Run this as root, or allow tcpdump to capture for whoever uses this machine:
    sudo setcap cap_net_raw+ep $(command -v tcpdump)"
build
messages "$kind" "$@" >"$work/messages"
: >"$work/log"
start_server "$work/log" "$bin/$kind-server"
: >"$work/tcpdump"
tcpdump -i lo --immediate-mode -l -n -t -x "$kind port $port" \
    >"$work/packets" 2>"$work/tcpdump" </dev/null &
capture=$!
jobs_started="$jobs_started $capture"
await 10 capturing
grep -q 'listening on' "$work/tcpdump" || fail "tcpdump does not start: $(cat "$work/tcpdump")"

"$bin/$kind-client" 127.0.0.1 "$port" <"$work/messages" >"$work/replies" &
client=$!
jobs_started="$jobs_started $client"
wait "$client"
status=$?
await 5 complete || { echo "${0##*/}: the last packet has not come" >&2 && status=1; }
stop "$capture"

set +m # no more jobs: from here on Ctrl-C at a terminal reaches this script again
client_port=$(sed -n '1s/^IP [0-9.]*\.\([0-9]*\) .*/\1/p' "$work/packets")
printf 'client 客户端 127.0.0.1:%s%21sserver 服务器 127.0.0.1:%s\n' "$client_port" '' "$port"
ladder <"$work/packets" | readable | caption
exit "$status"
