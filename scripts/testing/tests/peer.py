"""The tutorial's four programs by their socket calls: the same ones in the same order, with the same
arguments and the same strict codec. HOST and PORT come from the command line, and a server says on
stderr where it listens.

    python3 -u -X utf8 peer.py udp-server|udp-client|tcp-server|tcp-client HOST PORT
"""

import sys
from socket import AF_INET, SOCK_DGRAM, SOCK_STREAM, socket


def udp_server(end):
    end.bind(address)
    print("udp-server: listening on {}:{}".format(*end.getsockname()), file=sys.stderr)
    while True:
        data, sender = end.recvfrom(1024)
        print("receive messages:{} from {}".format(data.decode("gbk"), sender))
        if data.decode("gbk") == "exit":
            break
        end.sendto("我是UDP服务器,已接收到你发来的消息!".encode("gbk"), sender)


def udp_client(end):
    while line := input():
        end.sendto(line.encode("gbk"), address)
        data, _ = end.recvfrom(1024)
        print(data.decode("gbk"))


def tcp_server(end):
    end.bind(address)
    end.listen(128)
    print("tcp-server: listening on {}:{}".format(*end.getsockname()), file=sys.stderr)
    while True:
        connection, sender = end.accept()
        while data := connection.recv(1024):
            print("receive messages:{} from {}".format(data.decode("gbk"), sender))
            connection.send("我是一个TCP服务器!!".encode("gbk"))
        connection.close()


def tcp_client(end):
    end.connect(address)
    while True:
        end.send(input().encode("gbk"))
        data = end.recv(1024)
        if not data:
            break
        print(data.decode("gbk"))


program, host, port = sys.argv[1:]
address = (host, int(port))
if program == "udp-server":
    udp_server(socket(AF_INET, SOCK_DGRAM))
elif program == "udp-client":
    udp_client(socket(AF_INET, SOCK_DGRAM))
elif program == "tcp-server":
    tcp_server(socket(AF_INET, SOCK_STREAM))
else:
    tcp_client(socket(AF_INET, SOCK_STREAM))
