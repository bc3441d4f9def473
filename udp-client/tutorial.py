"""The tutorial's UDP client, written anew: python3 tutorial.py HOST PORT"""

import sys
from socket import AF_INET, SOCK_DGRAM, socket

PROMPT = "请输入要发送的数据:" if sys.stdin.isatty() else ""

server = (sys.argv[1], int(sys.argv[2]))
client = socket(AF_INET, SOCK_DGRAM)

while True:
    text = input(PROMPT)
    if not text:
        break
    client.sendto(text.encode("gbk"), server)
    data, sender = client.recvfrom(1024)
    print(data.decode("gbk"), flush=True)

client.close()
