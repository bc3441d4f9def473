"""Draws the socket calls of a server (left) and its client (right) in the order in which they happened.

python3 calls.py <REPORT: the report is strace's, with -ff -ttt -T -y -xx, and the side in front of each line.
The time of a call, the call, and, when it has returned, how long it took:

    server 1764402120.093412 recvfrom(3<\x73...>, "\xc4\xe3", 1024, 0, NULL, NULL) = 2 <0.000042>
    server 1764402120.093512 recvfrom(3<\x73...>,
"""

import math
import re
import sys

from gbk import shown

CALL = re.compile(r'(server|client) (\S+) (socket\(.*?|\w+\(\d+<socket:.*?)(?: += \?.*| <([0-9.]+)>)?$')
ADDRESS = r'\{sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("(.*?)"\)\}'

# What is left out of a call, in this order: (pattern, what stands there instead).
SHORTER = [
    (r'\) += ', ') = '),
    (r'<socket:\[\d*\]>', ''),
    (r'\|SOCK_CLOEXEC, IPPROTO_IP|SOL_SOCKET, |, SOCK_CLOEXEC', ''),
    (r', (16|\[(\d+ => )?\d+\])\) = ', ') = '),  # the size of an address
    (r', \d+, (0|MSG_NOSIGNAL)(, NULL, (NULL|0))?(, [0-9.]+:\d+)?\) = ', r'\4) = '),
    (r'(SO_\w+), \[(.*?)\](, 4)?', r'\1, \2'),
    (r'(SO_\w+TIMEO)_OLD, "\\x0(.)(\\x00)*"', r'\1, \2 s'),
    (r'(recv.*, ""\) = 0)$', r'\1  end of stream 对方不再发送'),
]


def main():
    sys.stdout.reconfigure(encoding='utf-8')
    print('server 服务器%27sclient 客户端   ... not returned yet 阻塞' % '')
    for _, side, text in sorted(rows_of(list(calls_in(sys.stdin)))):
        print(' ' * 40 * (side == 'client') + text)


def calls_in(report):
    """Each call on a socket: its beginning, its end, whose it is, and its text."""
    for line in report:
        match = CALL.match(unescaped(line.strip()))
        if match:
            side, time, text, duration = match.groups()
            yield float(time), float(time) + float(duration or 'inf'), side, short(text)


def rows_of(calls):
    """The time, the side and the text of each row. A call that waits stands where it begins and, if
    others began meanwhile, again where it returns; all others only where they begin."""
    for begin, end, side, text in calls:
        waits = re.match('accept|recv', text) and any(begin < other[0] < end for other in calls)
        if waits or end == math.inf:
            yield begin, side, re.match(r'\w+\(\d+', text).group() + ') ...'
        if end < math.inf:
            yield (end, side, '... ' + text) if waits else (begin, side, text)


def unescaped(line):
    """The line with the names of descriptors and addresses as text; what was sent stays escaped."""
    line = re.sub(r'<(?:\\x..)+>', lambda match: text_of(match.group()), line)
    return re.sub(ADDRESS, lambda match: '%s:%s' % (text_of(match.group(2)), match.group(1)), line)


def text_of(escaped):
    return re.sub(r'\\x(..)', lambda match: chr(int(match.group(1), 16)), escaped)


def short(call):
    for pattern, instead in SHORTER:
        call = re.sub(pattern, instead, call)
    return re.sub(r'"((?:\\x..)*)"(\.\.\.)?', quoted, call)


def quoted(match):
    data = bytes.fromhex(match.group(1).replace(r'\x', ''))
    cut = match.group(2) or ''
    return '"%s"%s' % (''.join(shown(data, bool(cut))), cut)


main()
