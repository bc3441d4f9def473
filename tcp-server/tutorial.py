"""The tutorial's TCP server, written anew: python3 tutorial.py HOST PORT"""

import sys
from socket import AF_INET, SOCK_STREAM, socket

REPLY = "我是一个TCP服务器!!"

listener = socket(AF_INET, SOCK_STREAM)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen(128)
host, port = listener.getsockname()
print(f"tcp-server: listening on {host}:{port}", file=sys.stderr, flush=True)

while True:
    connection, (host, port) = listener.accept()
    print(f"connect from : {host}:{port}", flush=True)
    while True:
        data = connection.recv(1024)
        if not data:
            break
        print(f"receive messages:{data.decode('gbk')} from {host}:{port}", flush=True)
        connection.send(REPLY.encode("gbk"))
    connection.close()
    print(f"disconnect from : {host}:{port}", flush=True)
