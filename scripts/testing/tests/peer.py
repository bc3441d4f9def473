"""The other side of a conversation, in another language and with another GBK codec.

    python3 peer.py udp-server|udp-client|tcp-server|tcp-client HOST PORT

A server prints its port, then each message, and answers it with the same text backwards. A client
sends each line of its input and prints the answer. Whatever is no GBK ends either with an error.
"""

import socket
import sys

MOST = {"udp": 65535, "tcp": 1024}


def serve_udp(server, most):
    while (received := server.recvfrom(most))[0] != b"exit":
        server.sendto(backwards(received[0]), received[1])


def serve_tcp(server, most):
    while True:
        connection, _ = server.accept()
        with connection:
            while (message := connection.recv(most)) not in (b"", b"exit"):
                connection.sendall(backwards(message))
        show("bye")


def backwards(message):
    text = message.decode("gbk")
    show(text)
    return text[::-1].encode("gbk")


def talk(server, most):
    for line in sys.stdin:
        message = line.rstrip("\n").encode("gbk")
        server.sendall(message)
        if message != b"exit":
            show(server.recv(most).decode("gbk"))
    if server.type == socket.SOCK_STREAM:  # where a long line gets several answers
        server.shutdown(socket.SHUT_WR)
        show(b"".join(iter(lambda: server.recv(most), b"")).decode("gbk"))


def show(text):
    print(text, flush=True)


transport, role = sys.argv[1].split("-")
address = sys.argv[2], int(sys.argv[3])
sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
with socket.socket(type=socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as end:
    if role == "client":
        end.settimeout(10)
        end.connect(address)
        talk(end, MOST[transport])
    else:
        end.bind(address)
        if transport == "tcp":
            end.listen()
        show(end.getsockname()[1])
        (serve_udp if transport == "udp" else serve_tcp)(end, MOST[transport])
