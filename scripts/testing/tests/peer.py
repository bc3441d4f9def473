"""The tutorial's four programs by their socket calls: the same ones in the same order, with the same
arguments and the same strict codec. Only the port is another: it comes from the command line.

    python3 peer.py udp-server|udp-client|tcp-server|tcp-client PORT

A server prints first which port it has, then each message. A client reads lines and prints replies.
"""

import sys
from socket import AF_INET, SOCK_DGRAM, SOCK_STREAM, socket


def udp_server(end, address):
    end.bind(address)
    show(end.getsockname()[1])
    while True:
        data, sender = end.recvfrom(1024)
        show(data.decode("gbk"))
        if data.decode("gbk") == "exit":
            break
        end.sendto("我是UDP服务器,已接收到你发来的消息!".encode("gbk"), sender)


def udp_client(end, address):
    while line := input():
        end.sendto(line.encode("gbk"), address)
        data, _ = end.recvfrom(1024)
        show(data.decode("gbk"))


def tcp_server(end, address):
    end.bind(address)
    end.listen(128)
    show(end.getsockname()[1])
    while True:
        connection, _ = end.accept()
        while data := connection.recv(1024):
            show(data.decode("gbk"))
            connection.send("我是一个TCP服务器!!".encode("gbk"))
        connection.close()


def tcp_client(end, address):
    end.connect(address)
    while True:
        end.send(input().encode("gbk"))
        data = end.recv(1024)
        if not data:
            break
        show(data.decode("gbk"))


def show(text):
    print(text, flush=True)


sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
programs = {
    "udp-server": (SOCK_DGRAM, udp_server),
    "udp-client": (SOCK_DGRAM, udp_client),
    "tcp-server": (SOCK_STREAM, tcp_server),
    "tcp-client": (SOCK_STREAM, tcp_client),
}
kind, program = programs[sys.argv[1]]
with socket(AF_INET, kind) as end:
    program(end, ("", int(sys.argv[2])))
