"""Draws the packets between a client and its server as a ladder, from tcpdump's report.

python3 packets.py PORT <REPORT: the report is tcpdump's, with -n -t -x, and PORT the server's. It has
a line about each packet, and then the packet's bytes:

IP 127.0.0.1.53058 > 127.0.0.1.35669: Flags [S], seq 1316097614, win 65495, length 0
	0x0000:  4500 003c 1c46 4000 4006 2074 7f00 0001
"""

import re
import sys

from gbk import columns, shown

PACKET = re.compile(r'^IP .*\.(\d+) > [^:]*: (.* length (\d+).*)\n((?:\t.*\n)*)', re.MULTILINE)
FLAGS = {'S': 'SYN', 'P': 'PSH', 'R': 'RST', 'F': 'FIN', '.': 'ACK'}
CAPTIONS = {
    'open': '三次握手 three-way handshake',
    'data': '数据 data',
    'datagrams': '数据 data 无连接 without a connection: nothing before, nothing after',
    'reset': '复位 reset',
    'close': '四次挥手 four-way close, {0} segments ({0} 个报文段)',
    'close 3': '四次挥手 four-way close, merged into three segments (合并为三个报文段)',
    'close 4': '四次挥手 four-way close',
}


def main():
    server = sys.argv[1]
    sys.stdout.reconfigure(encoding='utf-8')
    client, sections = None, []  # a section is its name and its rungs
    for source, about, size, dump in PACKET.findall(sys.stdin.read()):
        packet = bytes.fromhex(''.join(re.findall('0x[0-9a-f]+: (.*)', dump)))
        payload = packet[len(packet) - int(size):]  # behind the headers
        client = client or source
        last = sections[-1][0] if sections else None
        flags = re.search(r'Flags \[(.*?)\]', about)
        name = section(flags.group(1), payload, last) if flags else 'datagrams'
        if name != last:
            sections.append((name, []))
        label = segment_label(flags.group(1), about) if flags else 'UDP'
        sections[-1][1].append(rung(label, payload, source == server))

    left = 'client 客户端 127.0.0.1:%s' % client
    print('%s%21sserver 服务器 127.0.0.1:%s' % (left, '', server))
    for name, rungs in sections:
        caption = CAPTIONS.get('%s %s' % (name, len(rungs)), CAPTIONS[name])
        print(caption.format(len(rungs)), *rungs, sep='\n')


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
    """A line of 80 columns. The end of a text that does not fit is left out."""
    if payload:
        text, room = '', 54 - len(label)
        characters = shown(payload)
        while characters and columns(text + characters[0]) <= room:
            text += characters.pop(0)
        label += ' len=%s "%s"%s' % (len(payload), text, '...' if characters else '')
    line = '-' * max(1, 71 - columns(label))
    return '  |<-- %s %s|' % (label, line) if to_client else '  |-- %s %s>|' % (label, line)


main()
