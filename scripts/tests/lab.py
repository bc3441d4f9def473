"""What the tests of the commands and the pages share: a test, a program that runs, and this repository."""

import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from workspace import EXERCISES, ROOT, cargo  # noqa: E402, F401

UDP_REPLY = "我是UDP服务器,已接收到你发来的消息!"
TCP_REPLY = "我是一个TCP服务器!!"
LINE_DEADLINE, END_DEADLINE = 30, 120  # seconds for a line, and for a program's end: a script may have to build
TESTS = {}  # by its name, each test: its function, what it needs, what prepares a network of its own
STARTED = []  # the processes of this test

# What a test may need besides tools: the sentence, and the command that succeeds if it is there.
NEEDS = {
    "capture": ("the right to capture packets", "tcpdump -Lilo"),
    "network": ("a network of its own", "unshare -rn ip link set lo up"),
    "sandbox": ("a sandbox", "bwrap --unshare-user --unshare-all --disable-userns --ro-bind / / true"),
    "10,000 clients": ("room for 10,000 clients", "for limit in $(ulimit -Hn) $(ulimit -Hu); do "
                       "[ $limit = unlimited ] || [ $limit -gt 10100 ] || exit 1; done"),
}


def test(*needs, network=None):
    """Marks a test, and says what it needs. With `network` it has one of its own, in which a shell has
    run that command as root."""
    def add(function):
        name = f"{function.__module__[len('test_'):]}: {function.__name__.replace('_', ' ')}"
        TESTS[name] = (function, [*needs, *([] if network is None else ["network"])], network)
        return function
    return add


def missing(needs):
    """What this machine lacks of a test's needs, or None."""
    for need in needs:
        sentence, probe = NEEDS.get(need, (need, f"command -v {shlex.quote(need)}"))
        if subprocess.run(["bash", "-c", probe], capture_output=True).returncode != 0:
            return sentence


def program(name):
    """The file of this repository's program."""
    return f"{os.environ['PROGRAMS']}/{name}"


def write_program(path, text):
    """Writes a file that can be executed: its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path


class Program:
    """A program that runs, and the lines that it prints, as they come. A .sh is a script of this repository."""

    def __init__(self, *command, **variables):
        command = [str(word) for word in command]
        if re.fullmatch(r"\w+\.sh", command[0]):
            command = ["bash", f"{ROOT}/scripts/{command[0]}", *command[1:]]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **variables}, start_new_session=True)
        STARTED.append(self.process)
        self.stdout, self.stderr = Lines(self.process.stdout), Lines(self.process.stderr)

    def types(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def status(self):
        """Waits for its end."""
        return self.process.wait(END_DEADLINE)


class Lines:
    """The lines of a stream, each of them taken once."""

    def __init__(self, stream):
        self.queue, self.seen = queue.Queue(), []
        threading.Thread(target=self.collect, args=[stream], daemon=True).start()

    def collect(self, stream):
        for line in stream:
            self.queue.put(line.decode(errors="replace").rstrip("\n"))
        self.queue.put(None)

    def next(self):
        """The next line, or None at the end."""
        try:
            line = self.queue.get(timeout=LINE_DEADLINE)
        except queue.Empty:
            raise AssertionError(f"no line came for {LINE_DEADLINE} seconds after {self.seen[-5:]}") from None
        self.seen += [] if line is None else [line]
        return line

    def wait_for(self, part):
        """The next line with `part` in it."""
        while True:
            line = self.next()
            assert line is not None, f"expected {part!r}, but there is only {self.seen}"
            if part in line:
                return line

    def rest(self):
        """All lines until the end."""
        return list(iter(self.next, None))


def run(*command, stdin="", **variables):
    """Runs a program to its end: its status, and the lines of its stdout and its stderr."""
    running = Program(*command, **variables)
    with suppress(BrokenPipeError):
        running.process.stdin.write(stdin.encode())
        running.process.stdin.close()
    status = running.status()
    return status, running.stdout.rest(), running.stderr.rest()


def start_server(*command):
    """Starts a server on a free port of 127.0.0.1: the program and its port."""
    server = Program(*command, "127.0.0.1", "0")
    return server, int(re.findall(r"\d+", server.stderr.wait_for("listening on"))[-1])


def wait_until(what, happened):
    end = time.monotonic() + END_DEADLINE
    while not happened():
        assert time.monotonic() < end, f"waited until {what}, but that did not happen"
        time.sleep(0.01)


def is_running(file, text):
    """Whether a process has `text` in its `cmdline` or `environ` (proc(5))."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (process / file).read_bytes():
                return True
    return False


def without_ports(line):
    """The line with PORT for each port of 127.0.0.1, which is another one each time."""
    return re.sub(r"(127\.0\.0\.1(?::|', ))\d{5}\b", r"\1PORT", line)


def take_down():
    """Ends what this test has started. A script is asked first, so that it can clean up."""
    for process in STARTED:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
