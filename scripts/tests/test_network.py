"""What takes a network of its own: a server's default address, few ports, no route, ten thousand clients."""

import socket

from lab import TCP_REPLY, UDP_REPLY, Program, program, run, start_server, test


@test(network="ip address add 10.99.0.2 dev lo")
def a_server_is_reached_from_other_machines_only_when_asked_to():
    for kind, reply in ("udp", UDP_REPLY), ("tcp", TCP_REPLY):
        server, client = program(f"{kind}-server"), program(f"{kind}-client")
        here = Program(server)
        assert here.stderr.next() == f"{kind}-server: listening on 127.0.0.1:7890"
        status, out, err = run(client, "10.99.0.2", stdin="你好\n")
        assert (status, out, len(err)) == (1, [], 1) and "Connection refused" in err[0], err
        assert run(client, stdin="本机\n") == (0, [reply], [])
        here.stdout.wait_for("receive messages:本机 from 127.0.0.1:")
        here.process.kill()
        here.process.wait()

        everywhere = Program(server, "0.0.0.0")
        assert everywhere.stderr.next() == f"{kind}-server: listening on 0.0.0.0:7890"
        assert run(client, "10.99.0.2", stdin="你好\n") == (0, [reply], [])


@test(network="echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range")
def ports_of_messages_without_a_reply_are_free_again():
    talks_after_silence(2)


@test(network="echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range")
def without_a_free_port_the_udp_client_goes_on_with_its_own():
    talks_after_silence(1)


def talks_after_silence(silent):
    """A server does not answer that many messages, then it answers one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 50000))
        server.settimeout(30)
        client = Program(program("udp-client"), "127.0.0.1", "50000")
        for _ in range(silent):
            client.types("one\n")
            server.recv(100)
            line = client.stderr.next()
            assert "one" in line and "5 seconds" in line, line
        client.types("two\n")
        server.sendto(b"2", server.recvfrom(100)[1])
        assert client.stdout.next() == "2"


@test(network="")
def without_a_network_the_udp_client_ends():
    status, out, err = run(program("udp-client"), "192.0.2.1", "7890")  # RFC 5737: nobody's
    assert (status, out, len(err)) == (1, [], 1) and "192.0.2.1:7890" in err[0], err


@test("10,000 clients", network="ulimit -n $(ulimit -H -n)")
def the_tcp_server_takes_ten_thousand_clients():
    def served_client():
        client = socket.create_connection(("127.0.0.1", port), 30)
        client.send(b"hello")
        assert client.recv(100) == TCP_REPLY.encode("gbk")
        return client

    server, port = start_server("bash", "-c", 'exec "$0" "$@" >/dev/null', program("tcp-server"))
    clients = [served_client() for _ in range(10_000)]
    with socket.create_connection(("127.0.0.1", port), 30) as one_more:
        assert one_more.recv(100) == b""
    server.stderr.wait_for("10000 clients")
    # A client that has seen the end of its connection leaves a free place.
    for client in clients[:500]:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
        client.close()
        clients.append(served_client())
