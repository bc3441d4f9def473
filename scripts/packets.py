"""Draws the packets between a client and its server as a ladder, from tcpdump's report.

python3 packets.py PORT <REPORT: the report is tcpdump's, with -n -t -x, and PORT the server's. It has
a line about each packet, and then the packet's bytes:

IP 127.0.0.1.53058 > 127.0.0.1.35669: Flags [S], seq 1316097614, win 65495, length 0
	0x0000:  4500 003c 1c46 4000 4006 2074 7f00 0001

The status is 0 if the conversation is over: UDP's with exit, TCP's when both sides have closed.
"""

import re
import sys

from gbk import columns, shown

PACKET = re.compile(r"^IP .*\.(\d+) > .*\.(\d+): (?:UDP|Flags \[(.*?)\])(.*) length (\d+).*\n((?:\t.*\n)*)", re.M)
FLAGS = {"S": "SYN", "P": "PSH", "R": "RST", "F": "FIN", ".": "ACK"}
ROOM = 48  # columns for the text of an arrow, so that all fits in 80
NEXT = {  # what a side's state becomes (RFC 9293, 3.3.2); if nothing stands here, it stays
    "sends SYN": {"CLOSED": "SYN-SENT", "LISTEN": "SYN-RECEIVED"},
    "gets SYN": {"SYN-SENT": "ESTABLISHED"},
    "gets ACK": {"SYN-RECEIVED": "ESTABLISHED"},
    "gets ACK of FIN": {"FIN-WAIT-1": "FIN-WAIT-2", "CLOSING": "TIME-WAIT", "LAST-ACK": "CLOSED"},
    "sends early FIN": {"CLOSE-WAIT": "CLOSING"},  # before the other side's FIN had come
    "sends FIN": {"ESTABLISHED": "FIN-WAIT-1", "CLOSE-WAIT": "LAST-ACK"},
    "gets FIN": {"ESTABLISHED": "CLOSE-WAIT", "FIN-WAIT-1": "CLOSING", "FIN-WAIT-2": "TIME-WAIT"},
}


def main():
    server = sys.argv[1]
    sys.stdout.reconfigure(encoding="utf-8")
    connections, last, is_over = {}, None, False
    for source, target, flags, about, size, dump in PACKET.findall(sys.stdin.read()):
        client = target if source == server else source
        numbers = {word: int(number) for word, number in re.findall(r"\b(seq|ack) (\d+)", about)}
        packet = bytes.fromhex("".join(re.findall("0x[0-9a-f]+: (.*)", dump)))
        payload = packet[len(packet) - int(size):]  # behind the headers
        # Of each side: its state, and the ACK that its FIN asks for.
        states, fins = connections.setdefault(client, ({client: "CLOSED", server: "LISTEN"}, {}))
        before = dict(states)
        for event, side in events(source, target, flags, numbers, fins):
            states[side] = NEXT[event].get(states[side], states[side])
        if "F" in flags:
            fins[source] = numbers["seq"] + len(payload) + 1
        if "R" in flags:
            states.update({client: "CLOSED", server: "CLOSED"})

        if last is None:
            print(f"client 客户端 127.0.0.1:{client}{'server 服务器 127.0.0.1:':>42}{server}")
        caption = caption_of(flags, payload, before[target], states[target]) or last
        if caption != last:
            print(caption)
        last = caption
        left, right = (states[side] if states[side] != before[side] else "" for side in (client, server))
        print(f"{left:11} |{arrow(label_of(flags, numbers), payload, source == server)}| {right}".rstrip())
        has_closed = all(state in ("CLOSED", "TIME-WAIT") for state in states.values())
        is_over = has_closed if flags else is_over or payload == b"exit"
    return 0 if is_over else 1


def events(source, target, flags, numbers, fins):
    """What a segment is for the side that sends it and the side that gets it, in the order in which it counts."""
    if "S" in flags:
        yield "sends SYN", source
        yield "gets SYN", target
    if "." in flags:
        yield "gets ACK", target
    acks_fin = numbers.get("ack", 0) >= fins.get(target, sys.maxsize)
    if acks_fin:
        yield "gets ACK of FIN", target
    if "F" in flags:
        yield "sends FIN" if acks_fin or target not in fins else "sends early FIN", source
        yield "gets FIN", target


def caption_of(flags, payload, before, after):
    """What stands above a packet, or None. `before` and `after` are the states of the side that gets it."""
    if not flags:
        return "数据 data 无连接 without a connection: nothing before, nothing after"
    if "S" in flags:
        return "三次握手 three-way handshake"
    if "R" in flags:
        return "复位 reset"
    if "F" in flags and (before, after) == ("FIN-WAIT-1", "TIME-WAIT"):
        return "合并为三个报文段 merged: this segment is the ACK and the FIN"
    if "F" in flags:
        return "四次挥手 four-way close"
    return "数据 data" if payload and before == "ESTABLISHED" else None


def label_of(flags, numbers):
    """The flags in words, and the numbers. Each side begins at a random one, shown as 0."""
    if "S" in flags:
        numbers = {word: {"seq": 0, "ack": 1}[word] for word in numbers}
    words = "+".join(FLAGS.get(flag, flag) for flag in flags) or "UDP"
    return " ".join([words, *(f"{word}={number}" for word, number in numbers.items())])


def arrow(label, payload, is_reply):
    """The arrow of a packet. The end of a text that does not fit is left out."""
    text = label
    for size in range(min(len(payload), ROOM), 0, -1):
        is_cut = size < len(payload)
        text = f'{label} len={len(payload)} "{shown(payload[:size], is_cut)}"' + "..." * is_cut
        if columns(text) <= ROOM:
            break
    line = "-" * (ROOM - columns(text))
    return f"<- {text} {line}-" if is_reply else f"-- {text} {line}>"


sys.exit(main())
