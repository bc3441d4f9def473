"""Draws the packets between a client and its server as a ladder, from tcpdump's report.

python3 packets.py PORT <REPORT: the report is tcpdump's, with -n -t -x, and PORT the server's. It has
a line about each packet, and then the packet's bytes:

IP 127.0.0.1.53058 > 127.0.0.1.35669: Flags [S], seq 1316097614, win 65495, length 0
	0x0000:  4500 003c 1c46 4000 4006 2074 7f00 0001
"""

import re
import sys

from gbk import columns, shown

PACKET = re.compile(r'^IP .*\.(\d+) > [^:]*\.(\d+): (.* length (\d+).*)\n((?:\t.*\n)*)', re.MULTILINE)
FLAGS = {'S': 'SYN', 'P': 'PSH', 'R': 'RST', 'F': 'FIN', '.': 'ACK'}
CAPTIONS = {
    'open': '三次握手 three-way handshake',
    'data': '数据 data',
    'datagrams': '数据 data 无连接 without a connection: nothing before, nothing after',
    'reset': '复位 reset',
    'close': '四次挥手 four-way close',
    'close 3': '四次挥手 four-way close, merged into three segments (合并为三个报文段)',
}
WIDTH = 53  # of an arrow: the longest states have room beside it
NEXT = {  # what a side's state becomes (RFC 9293, 3.3.2); if nothing stands here, it stays
    'sends SYN': {'CLOSED': 'SYN-SENT'},
    'gets SYN': {'LISTEN': 'SYN-RECEIVED', 'SYN-SENT': 'ESTABLISHED'},
    'gets ACK': {'SYN-RECEIVED': 'ESTABLISHED'},
    'sends FIN': {'ESTABLISHED': 'FIN-WAIT-1', 'CLOSE-WAIT': 'LAST-ACK'},
    'sends crossing FIN': {'CLOSE-WAIT': 'CLOSING'},  # sent before the other one had come
    'gets ACK of FIN': {'FIN-WAIT-1': 'FIN-WAIT-2', 'CLOSING': 'TIME-WAIT', 'LAST-ACK': 'CLOSED'},
    'gets FIN': {'ESTABLISHED': 'CLOSE-WAIT', 'FIN-WAIT-1': 'CLOSING', 'FIN-WAIT-2': 'TIME-WAIT'},
}


def main():
    server = sys.argv[1]
    sys.stdout.reconfigure(encoding='utf-8')
    client, sections = None, []  # a section is its name and its rows
    states, fins = {}, {}  # of each side of a connection; the ACK that its FIN asks for
    report = sys.stdin.read()
    for source, target, about, size, dump in PACKET.findall(report):
        packet = bytes.fromhex(''.join(re.findall('0x[0-9a-f]+: (.*)', dump)))
        payload = packet[len(packet) - int(size):]  # behind the headers
        client = client or source
        last = sections[-1][0] if sections else None
        flags = ''.join(re.findall(r'Flags \[(.*?)\]', about))  # none of a datagram
        name = section(flags, payload, last) if flags else 'datagrams'
        if name != last:
            sections.append((name, []))
        label, new = 'UDP', ('', '')
        if flags:
            label = segment_label(flags, about)
            sides = (source, target) if target == server else (target, source)
            is_first = 'S' in flags and '.' not in flags
            if is_first and states.get(sides, ['CLOSED'])[0] != 'SYN-SENT':  # which sends it again
                is_refused = '.%s: Flags [R.], seq 0,' % source in report  # nobody listens
                states[sides], fins[sides] = ['CLOSED', 'CLOSED' if is_refused else 'LISTEN'], {}
            before = states.setdefault(sides, ['ESTABLISHED', 'ESTABLISHED'])
            sender = sides.index(source)
            states[sides] = after(before, sender, flags, about, fins.setdefault(sides, {}))
            new = [now if now != then else '' for now, then in zip(states[sides], before)]
        arrow = rung(label, payload, source == server)
        sections[-1][1].append('{:11} |{}| {}'.format(new[0], arrow, new[1]).rstrip())

    left = 'client 客户端 127.0.0.1:%s' % client
    print('%s%21sserver 服务器 127.0.0.1:%s' % (left, '', server))
    for name, rows in sections:
        steps = sum(not (row.startswith(' ') and row.endswith('|')) for row in rows)  # to new states
        print(CAPTIONS.get('%s %s' % (name, steps), CAPTIONS[name]), *rows, sep='\n')


def after(states, sender, flags, about, fins):
    """The states of both sides after a segment that the sender, 0 or 1, has sent and the other got."""
    if 'R' in flags:
        return ['CLOSED', 'CLOSED']
    states, receiver = list(states), 1 - sender
    numbers = {word: int(number) for word, number in re.findall(r'\b(seq|ack) (?:\d+:)?(\d+)', about)}
    events = []
    if 'S' in flags:
        events += [(sender, 'sends SYN'), (receiver, 'gets SYN')]
    if '.' in flags:
        events += [(receiver, 'gets ACK')]
    acked = numbers.get('ack', 0) >= fins.get(receiver, sys.maxsize)
    if acked:
        events += [(receiver, 'gets ACK of FIN')]
    if 'F' in flags:
        crosses = receiver in fins and not acked
        events += [(sender, 'sends crossing FIN' if crosses else 'sends FIN'), (receiver, 'gets FIN')]
        fins[sender] = numbers.get('seq', 0) + 1
    for side, event in events:
        states[side] = NEXT[event].get(states[side], states[side])
    return states


def section(flags, payload, last):
    """The section that a TCP segment belongs to, after one of the section last."""
    if 'S' in flags:
        return 'open'
    if 'R' in flags:
        return 'reset'
    if 'F' in flags or last == 'close':
        return 'close'
    return 'data' if payload or not last else last


def segment_label(flags, about):
    """The flags in words, and the numbers. Each side begins at a random one, shown as 0."""
    label = '+'.join(FLAGS.get(flag, flag) for flag in flags)
    for word, first in ('seq', 0), ('ack', 1):
        number = re.search(word + r' (\d+)', about)
        if number:
            label += ' %s=%s' % (word, first if 'S' in flags else number.group(1))
    return label


def rung(label, payload, to_client):
    """The arrow of a packet. The end of a text that does not fit is left out."""
    if payload:
        characters, end = shown(payload[:WIDTH]), '"'  # no more than that has room
        label += ' len=%s "' % len(payload)
        while characters and columns(label + ''.join(characters) + end) > WIDTH - 5:
            characters.pop()
            end = '"...'
        label += ''.join(characters) + end
    line = '-' * (WIDTH - 5 - columns(label))
    return '<- %s %s-' % (label, line) if to_client else '-- %s %s>' % (label, line)


main()
