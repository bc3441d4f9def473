"""`pair.sh`: both programs' lines, in order."""

from pathlib import Path

from lab import ROOT, TCP_REPLY, UDP_REPLY, Program, program, run, test, without_ports, write_program

PAIR = ROOT / "scripts" / "pair.sh"

UDP = [
    "[server] udp-server: listening on 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    f"[client] {UDP_REPLY}",
    "[server] receive messages:exit from 127.0.0.1:PORT",  # which stops it
]
TCP = [
    "[server] tcp-server: listening on 127.0.0.1:PORT",
    "[server] connect from : 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    f"[client] {TCP_REPLY}",
    "[server] disconnect from : 127.0.0.1:PORT",
]


@test()
def both_pairs_talk_without_arguments():
    status, out, err = run("pair.sh", stdin="你好")  # without a line feed
    assert (status, err) == (0, [])
    # The server waits for the next message before or after the client shows its reply.
    lines = [without_ports(line) for line in out if line != "[server] waiting for messages......"]
    assert lines == UDP + TCP and len(out) == len(lines) + 2, out


@test()
def without_messages_there_is_a_short_exchange():
    status, out, err = run("bash", "-c", 'exec "$0" tcp </dev/null', PAIR)
    lines = [without_ports(line) for line in out]
    assert (status, err) == (0, []) and lines[:4] == TCP[:4] and lines[-2:] == [UDP[3], TCP[4]], out


@test()
def messages_are_sent_as_they_are_and_the_status_is_the_clients():
    messages = ["-n", r"a\n%s", "  two  words ", "'\"$HOME`", "udp", "*"]
    for kind in "udp", "tcp":
        status, out, _ = run("pair.sh", kind, "😀", *messages)
        assert status == 1 and any(line.startswith("[client] ") and "U+1F600" in line for line in out), out
        for message in messages:
            assert any(line.startswith(f"[server] receive messages:{message} from ") for line in out), (message, out)


@test()
def lines_are_shown_as_they_come_and_it_ends_with_the_client():
    pair = Program("pair.sh", "tcp")
    pair.types("你好\n")
    pair.stdout.wait_for("[client] ")
    pair.types("exit\n")  # and its input stays open
    assert pair.status() == 0 and pair.stderr.rest() == []


@test()
def it_ends_when_nobody_reads_its_output():
    status, _, err = run("bash", "-c", 'exec > >(:); wait $!; exec "$0" tcp', PAIR, stdin="你好\n")
    assert status != 0 and err == []


@test()
def other_programs_are_a_file_or_a_command():
    text = f"#!/bin/sh\necho \"${{0##*/}} $*\" >&2\n'{program('udp-server')}' 127.0.0.1 0\n"
    for name in "my server", "udp-server":
        write_program(Path(name), text)
    for named, said in ("my server", "my server"), ("sh udp-server theirs", "udp-server theirs"):
        status, out, err = run("pair.sh", "udp", "你好", UDP_SERVER=named)
        assert (status, err, out[0]) == (0, [], f"[server] {said} 127.0.0.1 0") and UDP[2] in out, out
