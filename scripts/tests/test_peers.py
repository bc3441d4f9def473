"""Our programs in conversation with the tutorial's, `tutorial.py` of each exercise."""

from lab import ROOT, TCP_REPLY, UDP_REPLY, Program, program, start_server, test

# Text of all kinds that GBK has: 5C and 7C as second bytes, the edges of its table, wide spaces.
TEXTS = [
    "你好",
    "   plain ASCII: $HOME `ls` %s \\n   ",
    "生僻字：镕堃喆囍龘靐齉爨 乗俓儅凎誠閈 丂狛隣礼﨩㊣兀 漢字繁體：臺灣、憂鬱的烏龜",
    "ＦＵＬＬ　ｗｉｄｔｈ！“引号”——《书名》……ひらがなカタカナ αβγΩ Привет ā ɡ №℃㎡①㈠Ⅻ─│┌",
]


def ours(name):
    return [program(name)]


def tutorial(name):
    return ["python3", "-X", "utf8", f"{ROOT}/{name}/tutorial.py"]


@test()
def our_udp_server_and_the_tutorials_client():
    server, client = talk("udp", UDP_REPLY, ours, tutorial)
    client.types("exit\n")  # and waits for a reply
    assert next_message(server) == "exit" and server.status() == 0


@test()
def the_tutorials_udp_server_and_our_client():
    server, client = talk("udp", UDP_REPLY, tutorial, ours)
    client.types("exit\n")
    assert next_message(server) == "exit" and server.status() == 0 and ends_silently(client)


@test()
def our_tcp_server_and_the_tutorials_client():
    server, client = talk("tcp", TCP_REPLY, ours, tutorial)
    client.types("exit\n")
    assert next_message(server) == "exit" and ends_silently(client)


@test()
def the_tutorials_tcp_server_and_our_client():
    server, client = talk("tcp", TCP_REPLY, tutorial, ours)
    client.types("exit\n")  # for this server it is a message like others
    assert next_message(server) == "exit" and client.stdout.next() == TCP_REPLY and ends_silently(client)


def ends_silently(client):
    return (client.status(), client.stdout.rest(), client.stderr.rest()) == (0, [], [])


def talk(kind, reply, server_is, client_is):
    """Starts a server and a client, and sends every text, each of which is answered by `reply`."""
    server, port = start_server(*server_is(f"{kind}-server"))
    client = Program(*client_is(f"{kind}-client"), "127.0.0.1", port)
    # Our TCP client sends a long text in pieces, each after a reply. 360 bytes fit into any receive.
    long = "".join(TEXTS) * (200 if client_is is ours and kind == "tcp" else 2)
    for text in [*TEXTS, long]:
        client.types(f"{text}\n")
        received = ""
        while len(received) < len(text):
            received += next_message(server)
            assert client.stdout.next() == reply
        assert received == text
    return server, client


def next_message(server):
    """What the server receives next."""
    return server.stdout.wait_for("receive messages:").removeprefix("receive messages:").rpartition(" from ")[0]
