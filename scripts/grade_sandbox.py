"""Runs a command in a sandbox that bubblewrap makes, within limits.

Inside there is a network, processes and IPC of its own, and no uid 0. It sees /usr, a few files of
/etc, what the caller shares, and an empty /tmp. One thread watches all sandboxes: it adds up what the
processes of each use, and kills a sandbox that is over a limit.
"""

import glob
import os
import platform
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from grade_words import say

MEMORY = 2_000_000_000  # bytes of all processes together
SPARE = 300_000_000  # bytes that this machine must have left
TASKS = 2_000  # processes and threads
DISK = 100_000_000  # bytes in /tmp, and as many in /dev/shm
PATH = "/usr/local/bin:/usr/bin:/bin"
ETC = ["alternatives", "hosts", "java-*", "ld.so.cache", "localtime", "nsswitch.conf"]
# As root, a student's program is started by a user who owns nothing.
OTHER_USER = "setpriv --reuid 64321 --regid 64321 --clear-groups --inh-caps=-all".split()
BWRAP = f"""bwrap --unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL
    --die-with-parent --as-pid-1 --new-session --clearenv --chdir / --proc /proc --dev /dev --ro-bind /usr /usr
    --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
    --size {DISK} --tmpfs /tmp --size {DISK} --tmpfs /dev/shm""".split()
# For each process; the program cannot raise them again.
LIMITS = f"prlimit --core=0 --fsize=50000000 --data={MEMORY} --cpu=120 --nproc={TASKS + 500} --nofile=1024".split()

# Of each machine: the number of its architecture, of add_key, which request_key and keyctl follow, and of socket.
CALLS = {"x86_64": (0xC000003E, 248, 41), "aarch64": (0xC00000B7, 217, 198)}


def call_filter():
    """A program for seccomp(2). It forbids the kernel's keys, which are the teacher's; AF_VSOCK, a network
    outside the sandbox; io_uring, which opens sockets too; and the calls of another architecture."""
    if platform.machine() not in CALLS:
        return b""
    architecture, key, socket = CALLS[platform.machine()]
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    program = [(load, 0, 0, 4), (equal, 0, 9, architecture), (load, 0, 0, 0), (at_least, 7, 0, 0x4000_0000),
               (equal, 6, 0, 425), (at_least, 0, 1, key), (at_least, 0, 4, key + 3), (equal, 0, 2, socket),
               (load, 0, 0, 16), (equal, 1, 0, 40), (end, 0, 0, 0x7FFF_0000), (end, 0, 0, 0x5_0001)]
    return b"".join(struct.pack("=HBBI", *one) for one in program)


FILTER = tempfile.TemporaryFile(buffering=0)
FILTER.write(call_filter())
WITH_FILTER = ["sh", "-c", 'exec "$@" 3<"$0"', f"/proc/{os.getpid()}/fd/{FILTER.fileno()}"]


def command(words, variables, shared, trusted, writable=None, as_other=True):
    """The command that runs `words` in a sandbox with these `variables`. There, the `shared` files and
    folders can be read, and the folder `writable` can be written. `trusted` is without a sandbox."""
    variables = {"PATH": PATH, "HOME": "/tmp", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **variables}
    if trusted:
        return ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *LIMITS, *words]
    bwrap = [*BWRAP, *(["--seccomp", "3"] if platform.machine() in CALLS else [])]
    for place in [*(place for name in ETC for place in glob.glob(f"/etc/{name}")), *map(str, shared)]:
        bwrap += ["--ro-bind", place, place]
    for name, value in variables.items():
        bwrap += ["--setenv", name, value]
    bwrap += ["--bind", str(writable), str(writable)] if writable else []
    other = OTHER_USER if as_other and os.geteuid() == 0 else []
    return [*WITH_FILTER, *other, *bwrap, "--remount-ro", "/dev", "--remount-ro", "/", *LIMITS, *words]


def why_none(work):
    """Why no sandbox can be made here that sees the folder `work`, or nothing."""
    if not shutil.which("bwrap"):
        return say("bubblewrap is missing")
    program = work / "try"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    made = subprocess.run(command([str(program)], {}, [program], False), capture_output=True, stdin=subprocess.DEVNULL)
    return made.stderr.decode(errors="replace").strip() if made.returncode else None


class Guard:
    """Starts sandboxes and stops those that are over a limit."""

    def __init__(self):
        self.running, self.stops = {}, []  # stops: when such a sandbox was stopped
        self.shared_memory = 0  # what other programs have
        threading.Thread(target=self.watch, daemon=True).start()

    def run(self, sandbox, seconds, **streams):
        """Runs a command to its end: its stdout and stderr, and the limit that it was over, or nothing."""
        if not self.running:
            self.shared_memory = memory("Shmem")
        with subprocess.Popen(sandbox, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/tmp",
                              **streams) as process:
            self.running[process.pid] = state = {"began": time.monotonic(), "max_seconds": seconds, "limit": ""}
            try:
                return *process.communicate(), state["limit"]
            finally:
                del self.running[process.pid]

    def watch(self):
        while True:
            time.sleep(0.1)
            processes = dict(all_processes()) if self.running else {}
            for pid, state in list(self.running.items()):
                family = descendants(pid, processes)
                limit = self.over_limit(state, [processes[one] for one in family])
                if limit:
                    state["limit"] = limit
                    self.stops.append(time.monotonic())
                    for one in family:
                        kill(one)

    def over_limit(self, state, family):
        """The sentence of a sandbox that is over a limit."""
        if sum(used for _, used, _ in family) > MEMORY:
            return say("stopped: its processes used more than {} MB of memory", MEMORY // 1_000_000)
        if sum(tasks for _, _, tasks in family) > TASKS:
            return say("stopped: it had more than {} processes and threads", TASKS)
        if time.monotonic() - state["began"] > state["max_seconds"]:
            return say("stopped: it took longer than {} seconds", state["max_seconds"])
        # Memory that processes share, and that no process has mapped, counts for none of them.
        if memory("Shmem") - self.shared_memory > MEMORY or memory("MemAvailable") < SPARE:
            return no_memory_left()
        return ""


def no_memory_left():
    return say("stopped: the memory of this machine ran out")


def memory(name):
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":"))) * 1024


def all_processes():
    """Of each process: its parent, and the bytes and tasks that it has (proc(5))."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path("/proc", name, "stat").read_bytes().rpartition(b") ")[2].split()
        except OSError:
            continue  # it has ended
        yield int(name), (int(stat[1]), int(stat[21]) * resource.getpagesize(), int(stat[17]))


def descendants(pid, processes):
    found = [pid] if pid in processes else []
    for one in found:
        found += [child for child, (parent, *_) in processes.items() if parent == one]
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
