"""The tutorial's UDP server, written anew: python3 tutorial.py HOST PORT"""

import sys
from socket import AF_INET, SOCK_DGRAM, socket

REPLY = "我是UDP服务器,已接收到你发来的消息!"

server = socket(AF_INET, SOCK_DGRAM)
server.bind((sys.argv[1], int(sys.argv[2])))
host, port = server.getsockname()
print(f"udp-server: listening on {host}:{port}", file=sys.stderr, flush=True)

while True:
    print("waiting for messages......", flush=True)
    data, client = server.recvfrom(1024)
    text = data.decode("gbk")
    print(f"receive messages:{text} from {client[0]}:{client[1]}", flush=True)
    if text == "exit":
        break
    server.sendto(REPLY.encode("gbk"), client)

server.close()
