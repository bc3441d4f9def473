#!/usr/bin/env python3
"""The same servers with Python's socketserver, a thread for each TCP connection, to measure against:

    TCP_SERVER=scripts/testing/examples/python_server.py scripts/load.sh tcp
    UDP_SERVER=scripts/testing/examples/python_server.py scripts/load.sh udp

Which of the two is asked for stands in the environment, as for load.sh.
"""

import os
import socketserver
import sys


class Datagram(socketserver.BaseRequestHandler):
    reply = "我是UDP服务器,已接收到你发来的消息!".encode("gbk")

    def handle(self):
        message, socket = self.request
        print("receive messages:%s from %s:%d" % (message.decode("gbk", "replace"), *self.client_address))
        socket.sendto(self.reply, self.client_address)


class Connection(socketserver.BaseRequestHandler):
    reply = "我是一个TCP服务器!!".encode("gbk")

    def handle(self):
        print("connect from : %s:%d" % self.client_address)
        while message := self.request.recv(1024):
            print("receive messages:%s from %s:%d" % (message.decode("gbk", "replace"), *self.client_address))
            self.request.sendall(self.reply)


socketserver.UDPServer.max_packet_size = 65535
socketserver.TCPServer.request_queue_size = 128
sys.stdout.reconfigure(line_buffering=True)
address = sys.argv[1], int(sys.argv[2])
if "UDP_SERVER" in os.environ:
    server = socketserver.UDPServer(address, Datagram)
else:
    server = socketserver.ThreadingTCPServer(address, Connection)
print("python_server.py: listening on %s:%d" % server.server_address, file=sys.stderr, flush=True)
server.serve_forever()
