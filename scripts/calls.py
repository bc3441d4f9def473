"""Draws the socket calls of a server (left) and its client (right) in the order in which they happened.

python3 calls.py <REPORT: the lines are strace's, with -ff -ttt -T -y -xx, each behind the name of its file.
The time of a call, the call, and, when it has returned, how long it took:

    server.5001:1764402120.093412 recvfrom(3<\x73...>, "\xc4\xe3", 1024, 0, NULL, NULL) = 2 <0.000042>
    server.5001:1764402120.093512 recvfrom(3<\x73...>,
"""

import math
import re
import sys

from gbk import shown

SOCKET = r"<\\x73\\x6f\\x63\\x6b\\x65\\x74\\x3a(?:\\x..)*>"  # the name of a descriptor: <socket:[1234]>
CALL = re.compile(rf"(server|client)\.\d+:(\S+) (socket\(.*?|\w+\(\d+{SOCKET}.*?)(?: += \?.*| <([0-9.]+)>)?$")

# What is left out of a call, in this order: (pattern, what stands there instead).
SHORTER = [
    (r"\) += ", ") = "),
    (SOCKET, ""),
    (r'\{sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("(.*?)"\)\}', r"\2:\1"),
    (r"\|SOCK_CLOEXEC, IPPROTO_IP|SOL_SOCKET, |, SOCK_CLOEXEC", ""),
    (r", (16|\[(\d+ => )?\d+\])\) = ", ") = "),  # the size of an address
    (r", \d+, (0|MSG_NOSIGNAL)(, NULL, (NULL|0))?(, [^ ]+:\d+)?\) = ", r"\4) = "),
    (r"(SO_\w+), \[(.*?)\](, 4)?", r"\1, \2"),
    (r'(SO_\w+TIMEO)_OLD, "\\x0(.)(\\x00)*"', r"\1, \2 s"),
    (r'(recv.*, ""\) = 0)$', r"\1  end of stream 对方不再发送"),
]


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    print(f"{'server 服务器':37}client 客户端  ... not returned yet 阻塞")
    for _, side, text in sorted(rows_of(list(calls_in(sys.stdin)))):
        print(" " * 40 * (side == "client") + text)


def calls_in(report):
    """Each call on a socket: its beginning, its end, whose it is, and its text."""
    for call in filter(None, map(CALL.match, report)):
        side, time, text, duration = call.groups()
        yield float(time), float(time) + float(duration or "inf"), side, short(text)


def rows_of(calls):
    """The time, the side and the text of each row. A call that waits stands where it begins and, if
    others began meanwhile, again where it returns; all others only where they begin."""
    for begin, end, side, text in calls:
        waits = re.match("accept|recv", text) and any(begin < other[0] < end for other in calls)
        if waits or end == math.inf:
            yield begin, side, re.match(r"\w+\(\d+", text)[0] + ") ..."
        if end < math.inf:
            yield (end, side, "... " + text) if waits else (begin, side, text)


def short(call):
    for pattern, instead in SHORTER:
        call = re.sub(pattern, instead, call)
    return re.sub(r'((?:\\x..)+)("\.\.\.)?', text_of, call)


def text_of(escaped):
    data = bytes.fromhex(escaped[1].replace(r"\x", ""))
    return shown(data, is_cut=bool(escaped[2])) + (escaped[2] or "")


main()
