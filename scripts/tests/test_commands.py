"""What the scripts in bash do with their command lines, and how they end."""

import os
import shutil
from pathlib import Path

from lab import ROOT, Program, is_running, run, test, wait_until

TALK = ["upd 你好", "udp ", "tcp 你好 a\nb"]
# The first line of each script's help, and command lines that are wrong.
SCRIPTS = {
    "pair.sh [udp|tcp] [MESSAGE...]": TALK,
    "calls.sh udp|tcp [MESSAGE...]": ["", *TALK],
    "packets.sh [-w FILE] udp|tcp [MESSAGE...]": ["", "-w", *TALK],
    "load.sh udp|tcp [CLIENTS] [MESSAGES]":
        ["", "sctp", "udp 0", "tcp five", "tcp 5 -1", "tcp 5001 1", "tcp 5000 2001", "udp 5 20 third"],
    "test.sh [ARGUMENT...]": [],  # cargo says what is wrong
}


@test()
def a_script_shows_its_help_and_refuses_a_wrong_command_line():
    for line, wrong in SCRIPTS.items():
        name, usage = line.split()[0], f"usage: scripts/{line}"
        status, out, err = run(name, "--help")
        assert (status, out[0], err) == (0, usage, []), (out, err)
        for arguments in wrong:
            status, out, err = run(name, *arguments.split(" "))
            assert (status, out, err[1:]) == (2, [], [usage]) and err[0].startswith(f"{name}: "), (arguments, err)


@test()
def a_script_can_be_called_through_a_link_and_from_any_folder():
    os.symlink(ROOT / "scripts" / "pair.sh", "first")
    os.symlink("first", "second")
    status, out, err = run("bash", "second", "tcp", "你好")
    assert (status, len(out), err) == (0, 5, []), (out, err)


@test()
def a_script_says_how_to_install_a_tool_that_is_missing():
    # A PATH with no more than a script needs until it misses the tool.
    Path("bin").mkdir()
    for tool in "bash", "dirname", "mktemp", "readlink", "rm":
        os.symlink(shutil.which(tool), f"bin/{tool}")
    for name, tool in ("calls.sh", "strace"), ("packets.sh", "tcpdump"):
        advice = f"{name}: {tool} is missing; install it with: sudo apt-get install {tool}"
        assert run(name, "udp", PATH=str(Path("bin").resolve())) == (1, [], [advice])


def leaves_nothing_after_a_signal(*command):
    """A signal ends the script, its programs too, and its files are removed."""
    folder = Path("files").resolve()
    folder.mkdir()
    script = Program(*command, TMPDIR=str(folder), TCP_CLIENT="tail -f /dev/null")  # which never leaves
    wait_until("its server listens", lambda: any(b"listening on" in log.read_bytes() for log in folder.glob("*/log")))
    script.process.terminate()
    assert script.status() == 130 and not list(folder.iterdir())
    wait_until("nothing that it started runs", lambda: not is_running("environ", f"TMPDIR={folder}\0"))


@test()
def pair_leaves_nothing_after_a_signal():
    leaves_nothing_after_a_signal("pair.sh", "tcp")


@test()
def load_leaves_nothing_after_a_signal():
    leaves_nothing_after_a_signal("load.sh", "tcp", "5", "1000000")


@test("strace")
def calls_leaves_nothing_after_a_signal():
    leaves_nothing_after_a_signal("calls.sh", "tcp")


@test("capture")
def packets_leaves_nothing_after_a_signal():
    leaves_nothing_after_a_signal("packets.sh", "tcp")
