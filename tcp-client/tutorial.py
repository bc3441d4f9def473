"""The tutorial's TCP client, written anew: python3 tutorial.py HOST PORT"""

import sys
from socket import AF_INET, SOCK_STREAM, socket

PROMPT = "请输入要发送的数据:" if sys.stdin.isatty() else ""

client = socket(AF_INET, SOCK_STREAM)
client.connect((sys.argv[1], int(sys.argv[2])))

while True:
    text = input(PROMPT)
    client.send(text.encode("gbk"))
    data = client.recv(1024)
    if not data:
        break
    print(data.decode("gbk"), flush=True)

client.close()
