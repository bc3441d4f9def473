"""用法 usage: python nc.py [-l] udp|tcp HOST PORT [WORD…]   (-l: 服务器 a server, Ctrl-C 停止 stops it)
每个词做一件事,按顺序 each WORD does one thing, in this order:
  你好        发送文字(GBK)     send a text in GBK (text=end: 发送 sends "end")
  utf8=你好   发送文字(UTF-8)   send a text in UTF-8
  hex=c4e3    发送字节          send bytes
  fill=3000   发送 3000 个 a    send so many letters a at once
  pause=1.5   等 1.5 秒,不接收  wait without receiving
  recv        接收一次          receive once (recv=10: 最多 10 字节 at most 10 bytes)
  end         不再发送,仍接收   half-close: say no more, still hear (tcp)
  close       关闭              close
  reset       复位(RST)         reset the connection (tcp)
  type        键盘,一行一个词   do what is typed, a word a line, until Ctrl-D (Windows: Ctrl-Z Enter)
没有词就是 type end。然后接收,直到对方不再发送 (udp 客户端: 直到 2 秒没有消息)。
Without words: type end. Then it receives until the other side says no more (udp client: until for 2
seconds nothing has come). 服务器对每个连接 a server does so for each connection (udp: 数据报 datagram).
"""

import errno
import os
import queue
import select
import socket
import struct
import sys
import threading
import time


def main():
    sys.stdout.reconfigure(errors='backslashreplace', line_buffering=True)  # any code page will do
    listens = sys.argv[1:2] == ['-l']
    arguments = sys.argv[1 + listens:]
    if len(arguments) < 3 or arguments[0] not in ('udp', 'tcp'):
        print(__doc__, end='')
        return 0 if arguments in (['-h'], ['--help']) else 2
    kind, host, port, *words = arguments
    run = {'udp': (udp_client, udp_server), 'tcp': (tcp_client, tcp_server)}[kind][listens]
    try:
        run((host, int(port)), [understood(word) for word in words or ['type', 'end']])
    except KeyboardInterrupt:
        return 130
    except (OSError, OverflowError, ValueError) as error:
        note(error)
        return 1 if isinstance(error, OSError) else 2


def udp_client(address, actions):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('', 0))  # Windows receives nothing on a socket without a port
    do(actions, sock, address)
    receive_rest(sock, address, 2)
    sock.close()


def udp_server(address, actions):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(address)
    note('listening on %s:%d' % sock.getsockname())
    while sock.fileno() >= 0 and wait_for(sock):  # until it is closed
        peer = receive(sock, None)
        if peer:
            do(actions, sock, peer)


def tcp_client(address, actions):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect(address)
    print('已连接 connected to %s:%d from %s:%d' % (address + sock.getsockname()))
    receive_rest(sock, do(actions, sock, address))
    sock.close()


def tcp_server(address, actions):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == 'posix':  # on Windows two servers could then have the same port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(128)
    note('listening on %s:%d' % listener.getsockname())
    while wait_for(listener):
        sock, peer = listener.accept()
        print('已连接 connect from %s:%d' % peer)
        try:
            receive_rest(sock, do(actions, sock, peer))
        except OSError as error:  # which ends this connection alone
            note(error)
        sock.close()
        print('已关闭 disconnect from %s:%d' % peer)


def understood(word):
    """What a word says: an action and its value."""
    key, equals, value = word.partition('=')
    if word in ('recv', 'end', 'close', 'reset', 'type'):
        return word, None
    if equals and key in ('pause', 'recv'):
        return key, float(value) if key == 'pause' else int(value)
    if equals and key in ('hex', 'fill'):
        return 'send', bytes.fromhex(value) if key == 'hex' else b'a' * int(value)
    if equals and key in ('text', 'utf8'):
        return 'send', value.encode('gbk' if key == 'text' else 'utf-8')
    return 'send', word.encode('gbk')


def do(actions, sock, peer):
    """Returns who has spoken last, or None when nothing more will come."""
    for action, value in actions:
        if action == 'send':
            if sock.type == socket.SOCK_DGRAM:
                sock.sendto(value, peer)
            else:
                sock.sendall(value)
            print('发送 sent %d bytes: %s' % (len(value), shown(value)))
        elif action == 'pause':
            time.sleep(value)
        elif action == 'recv' and peer and wait_for(sock):
            peer = receive(sock, peer, value)
        elif action == 'type':
            peer = do_typed(sock, peer)
        elif action == 'end' and sock.type == socket.SOCK_STREAM:
            sock.shutdown(socket.SHUT_WR)
        elif action == 'reset':  # close lingers (1) for 0 seconds: it sends RST and not FIN
            linger = struct.pack('hh' if os.name == 'nt' else 'ii', 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if action in ('close', 'reset'):
            sock.close()
        if sock.fileno() < 0:
            return None
    return peer


def do_typed(sock, peer):
    if not keyboard.ident:
        keyboard.start()
    while sock.fileno() >= 0 and (keyboard.is_alive() or not typed.empty()):
        try:
            peer = do([understood(typed.get(timeout=0.1))], sock, peer)
        except queue.Empty:
            if peer and wait_for(sock, 0):
                peer = receive(sock, peer)
        except (OSError, ValueError) as error:  # the next line may do better
            note(error)
    return peer


def read_lines():
    for line in sys.stdin.buffer:  # bytes, as Python may take a pipe's for another code page
        try:
            typed.put(line.decode('utf-8').rstrip('\r\n'))
        except UnicodeDecodeError:
            typed.put(line.decode('gbk', 'replace').rstrip('\r\n'))


def receive(sock, peer, size=None):
    """Receives once. Returns from whom, or None when nothing more will come."""
    try:
        if sock.type == socket.SOCK_DGRAM:
            data, peer = sock.recvfrom(size or 65535)
        else:
            data = sock.recv(size or 1024)
    except OSError as error:
        note(error)
        return peer if sock.type == socket.SOCK_DGRAM else None
    is_end = not data and sock.type == socket.SOCK_STREAM
    what = '对方不再发送 end of stream' if is_end else shown(data)
    print('收到 received %d bytes from %s:%d: %s' % (len(data), *peer, what))
    return None if is_end else peer


def receive_rest(sock, peer, seconds=float('inf')):
    while peer and sock.fileno() >= 0 and wait_for(sock, seconds):
        peer = receive(sock, peer)


def wait_for(sock, seconds=float('inf')):
    """Whether something comes. It asks often: on Windows Ctrl-C interrupts no call that waits."""
    while not select.select([sock], [], [], 0.2)[0]:
        seconds -= 0.2
        if seconds <= 0:
            return False
    return True


def shown(data):
    """The beginning in hex and as text, with an escape for what is no text."""
    digits = ' '.join('%02x' % byte for byte in data[:40])
    text = data.decode('gbk', 'backslashreplace')[:40]
    text = ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return '%s "%s"%s' % (digits, text, '…' if len(data) > 40 else '')


def note(what):
    if isinstance(what, OSError):
        what = '%s (%s %s)' % (what.strerror, errno.errorcode.get(what.errno, 'error'), what.errno)
    print('nc.py: %s' % what, file=sys.stderr, flush=True)


typed = queue.Queue()
keyboard = threading.Thread(target=read_lines, daemon=True)  # so that we receive meanwhile
os._exit(main() or 0)  # sys.exit would wait for the keyboard
