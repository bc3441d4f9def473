"""Runs a command in a sandbox that bubblewrap makes, within limits.

Inside there is a network, processes and IPC of its own, and no uid 0. It sees /usr, a few files of
/etc, what the caller shares, and an empty /tmp. One thread watches all sandboxes: it adds up what the
processes of each use, and kills a sandbox that is over a limit.
"""

import collections
import contextlib
import glob
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from workspace import say

# What all processes of a sandbox may use together.
MEMORY = 2_000_000_000  # bytes
TASKS = 1_000  # processes and threads
DISK = 100_000_000  # bytes in /tmp, and as many in /dev/shm
SPARE, ENOUGH = 300_000_000, 600_000_000  # bytes that this machine must have left, and when a command begins
READY = 30 * os.cpu_count()  # tasks that may want a processor, so that none waits for long
PATH = "/usr/local/bin:/usr/bin:/bin"
ETC = ["alternatives", "hosts", "java-*", "ld.so.cache", "localtime", "nsswitch.conf"]
# As root, a student's program is started by a user who owns nothing.
OTHER_USER = "setpriv --reuid 64321 --regid 64321 --clear-groups --inh-caps=-all".split()
BWRAP = f"""bwrap --unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL
    --die-with-parent --as-pid-1 --new-session --clearenv --chdir / --proc /proc --dev /dev --ro-bind /usr /usr
    --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
    --size {DISK} --tmpfs /tmp --size {DISK} --tmpfs /dev/shm""".split()
# For each process; the program cannot raise them again.
LIMITS = f"prlimit --core=0 --fsize=50000000 --data={MEMORY} --nofile=1024".split()


def command(trusted, words, variables, shared, writable=None):
    """The command that runs `words` in a sandbox with these `variables`, or without one if `trusted`. There
    the `shared` files and folders can be read. A command that may write to the folder `writable` is run by
    the caller's user: it must not be a student's program."""
    variables = {"PATH": PATH, "HOME": "/tmp", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **variables}
    if trusted:
        return ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *LIMITS, *words]
    bwrap = [] if writable or os.geteuid() != 0 else [*OTHER_USER]
    bwrap += BWRAP
    for place in [*(place for name in ETC for place in glob.glob(f"/etc/{name}")), *shared]:
        bwrap += ["--ro-bind", place, place]
    for name, value in variables.items():
        bwrap += ["--setenv", name, value]
    bwrap += ["--bind", writable, writable] if writable else []
    # In the sandbox --nproc counts its own tasks, outside it all of this user.
    return [*bwrap, "--remount-ro", "/dev", "--remount-ro", "/", *LIMITS, f"--nproc={TASKS + 50}", *words]


def why_none(work):
    """Why no sandbox can be made here that sees the folder `work`, or nothing."""
    if not shutil.which("bwrap"):
        return say("bubblewrap is missing")
    program = shutil.copy("/usr/bin/true", work)
    made = subprocess.run(command(False, [program], {}, [program]), capture_output=True, stdin=subprocess.DEVNULL)
    return made.stderr.decode(errors="replace").strip() if made.returncode else None


class Sandboxes:
    """Runs commands in sandboxes, and stops those that are over a limit."""

    def __init__(self, trusted):
        self.trusted = trusted
        self.running = {}  # by its process, each command's result, its end, and the seconds until then
        threading.Thread(target=self.watch, daemon=True).start()

    def run(self, result, seconds, *words):
        """Runs a command, see `command`, to its end: its stdout, and the beginning of its stderr. To the
        result it adds the `limit` that the command was over, or "", and whether it was `disturbed`: the
        machine was too busy for it, or full, maybe because of another one."""
        result.update(limit="", disturbed=False)
        began = time.monotonic()
        while memory_left() < ENOUGH and time.monotonic() < began + 10:  # what was stopped gives it back
            time.sleep(0.1)
        with tempfile.TemporaryFile() as said, subprocess.Popen(
                command(self.trusted, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
                cwd="/tmp") as process:
            self.running[process.pid] = result, time.monotonic() + seconds, seconds
            try:
                output = process.communicate()[0]
            finally:
                del self.running[process.pid]
            said.seek(0)
            return output, said.read(20_000).decode(errors="replace").strip()

    def watch(self):
        busy, now = 0, time.monotonic()  # busy: the part of about the last five seconds when the machine was
        while True:
            time.sleep(0.1)
            before, now = now, time.monotonic()
            busy += ((number_in("/proc/loadavg", r"(\d+)/") > READY) - busy) * min(1, (now - before) / 5)
            is_busy, is_full = busy > 0.75, memory_left() < SPARE
            running = list(self.running.items())
            used, children = {}, collections.defaultdict(list)
            for pid, parent, *numbers in all_processes() if running else []:
                used[pid] = numbers
                children[parent].append(pid)
            for pid, (result, end, seconds) in running:
                family = [pid] if pid in used else []
                for one in family:
                    family += children[one]
                memory, tasks = map(sum, zip([0, 0], *(used[one] for one in family)))
                result["disturbed"] |= is_busy or is_full
                if memory > MEMORY:
                    limit = say("stopped: its processes used more than {} MB of memory", MEMORY // 1_000_000)
                elif tasks > TASKS:
                    limit = say("stopped: it had more than {} processes and threads", TASKS)
                elif is_full:
                    limit = say("stopped: the memory of this machine ran out")
                elif now > end:
                    limit = say("stopped: it took longer than {} seconds", seconds)
                else:
                    continue
                result["limit"] = result["limit"] or limit
                for one in family:
                    with contextlib.suppress(OSError):
                        os.kill(one, signal.SIGKILL)


def memory_left():
    """The bytes that this machine can still give to programs."""
    return 1024 * number_in("/proc/meminfo", "MemAvailable: *(\\d+) kB")


def number_in(file, expression):
    return int(re.search(expression, Path(file).read_text())[1])


def all_processes():
    """Of each process: its id, its parent, and the bytes and tasks that it has (proc(5))."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path("/proc", name, "stat").read_bytes().rpartition(b") ")[2].split()
        except OSError:
            continue  # it has ended
        yield int(name), int(stat[1]), int(stat[21]) * resource.getpagesize(), int(stat[17])
