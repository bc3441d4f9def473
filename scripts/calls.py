"""Draws the socket calls of a server (left) and its client (right) in the order of strace's report.

python3 calls.py CLIENT <REPORT: the report is strace's, with -f -y -xx, and CLIENT the number of the
client's process. A line of it is one of

    5001 bind(3<\x73...>, {sa_family=AF_INET, ...}, 16) = 0     a whole call
    5001 recvfrom(3<\x73...>,  <unfinished ...>                  its beginning: others came meanwhile
    5001 <... recvfrom resumed>"\xc4\xe3", 1024, 0) = 2          its end
"""

import re
import sys

from gbk import shown

ADDRESS = r'\{sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("(.*?)"\)\}'

# What is left out of a call, in this order: (pattern, what stands there instead).
SHORTER = [
    (r'\) += ', ') = '),
    (r'<socket:\[\d*\]>', ''),
    (r'\|SOCK_CLOEXEC, IPPROTO_IP|SOL_SOCKET, |, SOCK_CLOEXEC', ''),
    (r', *\) \.\.\.$', ') ...'),
    (r', (16|\[(\d+ => )?\d+\])\) = ', ') = '),  # the size of an address
    (r', \d+, (0|MSG_NOSIGNAL)(, NULL, (NULL|0))?(, [0-9.]+:\d+)?\) = ', r'\4) = '),
    (r'(SO_\w+), \[(.*)\], 4', r'\1, \2'),
    (r'SO_RCVTIMEO_OLD, "\\x0(.)(\\x00)*"', r'SO_RCVTIMEO, \1 s'),
    (r'(recv.*, ""\) = 0)$', r'\1  end of stream 对方不再发送'),
]


def main():
    client = sys.argv[1]
    sys.stdout.reconfigure(encoding='utf-8')
    report = [line.split(None, 1) for line in sys.stdin if ' ' in line.strip()]
    print('server 服务器%27sclient 客户端   ... not returned yet 阻塞' % '')
    parents = parents_in(report)
    for who, call in calls_in(report):
        while who != client and who in parents:
            who = parents[who]
        print(' ' * 40 * (who == client) + short(call))


def parents_in(report):
    """Who has started each process and each thread."""
    started = re.compile(r'(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$')
    matches = [(who, started.match(call)) for who, call in report]
    return {match.group(1): who for who, match in matches if match}


def calls_in(report):
    """Each call on a socket and who has made it. Accepting and receiving stand where they begin and,
    when there were other calls meanwhile, again where they return; all others where they begin."""
    rows = []
    begun = {}  # the call that each thread has begun, and its row
    polls = set()  # threads with a socket that waits for nothing
    local = []  # sockets by which glibc asks nscd for a host, if there is one
    for who, call in report:
        call = unescaped(call.strip())
        row = None
        if call.startswith('<... '):
            beginning, row = begun.pop(who, ('', None))
            call = beginning + call.partition(' resumed>')[2]
            if re.search(r'\) += \?( E\w+.*)?$', call):
                continue  # it has never returned
        if 'AF_UNIX' in call:
            local += re.findall(r'socket:\[\d+\]', call)
        if 'AF_UNIX' in call or any(socket in call for socket in local):
            continue
        if not re.match(r'socket\(|\w+\(\d+<socket:', call) or re.match(r'fcntl.*F_GETFD', call):
            continue
        if call.startswith('ioctl'):
            if 'FIONBIO' in call:
                (polls.add if '[1]' in call else polls.discard)(who)
            continue
        if who in polls and ' EAGAIN ' in call:  # it looked, and nothing was there
            rows = [other for other in rows if other is not row]
        elif call.endswith(' <unfinished ...>'):
            call = call[:-len(' <unfinished ...>')]
            row = [who, call + ') ...']
            begun[who] = call, row
            rows.append(row)
        elif row and (row is rows[-1] or not re.match('accept|recv', call)):
            row[1] = call
        else:
            rows.append([who, ('... ' if row else '') + call])
    return rows


def unescaped(call):
    """The call with the names of its descriptors and its addresses in letters, its texts not yet."""
    call = re.sub(r'<(?:\\x..)+>', lambda match: text_of(match.group()), call)
    return re.sub(ADDRESS, lambda match: '%s:%s' % (text_of(match.group(2)), match.group(1)), call)


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
