"""`calls.sh` and `packets.sh`: what happened between both sides, drawn."""

import os
import re
from pathlib import Path

from lab import ROOT, run, test, without_ports, write_program

PAGE = (ROOT / "common" / "reports.md").read_text("utf-8")


@test()
def the_stored_packets_are_drawn():
    # What the filter reads and then, after an empty line, what it draws.
    report, drawing = Path(__file__).with_name("packets.txt").read_text("utf-8").split("\n\n")
    drawn = run("python3", "-B", ROOT / "scripts" / "packets.py", "7911", stdin=report + "\n", LC_ALL="C")
    assert drawn == (0, drawing.splitlines(), []), drawn


def settled(lines):
    """The lines that are the same each time, sorted, as their order can differ. A call counts when it
    returns; the kernel closes what is open when a program ends; an ACK comes alone or with data,
    unless it leads the server to another state."""
    lines = [without_ports(line.replace("... ", "", 1)) for line in lines]
    return sorted(line for line in lines if not re.search(r"\.\.\.|close|- ACK .*\|$", line))


def page_shows(script, count):
    """The page has that many blocks with a command of the script and what it draws. The command finds
    the file late.py, which stands on the page, and the scripts."""
    Path("late.py").write_text(re.search("```python\n(.*?)```", PAGE, re.S)[1], "utf-8")
    os.symlink(ROOT / "scripts", "scripts")
    blocks = re.findall(rf"```text\n\$ (.*{script}.*)\n((?:.*\n)*?)```", PAGE)
    assert len(blocks) == count
    for command, written in blocks:
        status, drawn, err = run("bash", "-c", command)
        assert (status, err) == (0, []), err
        assert settled(drawn) == settled(written.splitlines()), (command, drawn)


@test("strace")
def the_page_shows_what_calls_draws():
    page_shows("calls.sh", 2)


@test("capture")
def the_page_shows_what_packets_draws():
    page_shows("packets.sh", 1)


@test("strace")
def calls_has_the_status_of_the_client_and_draws_the_beginning_of_a_long_text():
    status, drawn, err = run("calls.sh", "tcp", "😀", "x" + "好" * 30)
    assert status == 1 and any("U+1F600" in line for line in err), (drawn, err)
    beginning = f'sendto(3, "x{"好" * 23}"...) = 61'
    assert any(beginning in line for line in drawn), drawn
    order = r"accept4\(3\) \.\.\.\n +socket.*\n +connect\(3, .*\n(.*\n)*\.\.\. accept4\(3, (.*\n)*accept4\(3\) \.\.\."
    assert re.search(order, "\n".join(drawn)), drawn


@test("capture")
def packets_has_the_status_of_the_client_and_keeps_packets_in_a_file():
    status, drawn, err = run("packets.sh", "-w", "udp.pcap", "udp", "你好", "😀")
    assert (status, len(drawn), len(err)) == (1, 5, 1) and "U+1F600" in err[0], (drawn, err)
    assert drawn[2] == '            |-- UDP len=4 "你好" -------------------------------->|'
    kept = Path("udp.pcap").read_bytes()
    assert "你好".encode("gbk") in kept and b"exit" in kept


@test()
def without_the_right_to_capture_it_says_how_to_get_it():
    write_program(Path("bin", "tcpdump"), "#!/bin/sh\necho 'lo: no permission' >&2\nexit 1\n")
    status, drawn, err = run("packets.sh", "udp", PATH=f"{Path('bin').resolve()}:{os.environ['PATH']}")
    assert (status, drawn) == (1, []) and "no permission" in err[0] and "sudo setcap" in err[-1], err
