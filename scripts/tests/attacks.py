"""What a student's program may try against the grade. Each is handed in with lines before it that set
MARK, a word that nobody else has, SECRET, a file of another student, and PORT, a server outside."""

import json
import os
import socket
import subprocess
import sys
import time

PROCESSES = [1, os.getppid()]


def attempt(what, *arguments):
    try:
        what(*arguments)
        sys.stderr.write(f"LEAK {arguments} ")
    except OSError:
        pass


def tries():
    """All that must fail; at last it stays, if it can, after its check."""
    for place in ["/etc/shadow", "/root", "/home", "/run", "/var", SECRET]:
        attempt(os.listdir if os.path.isdir(place) else open, place)
    for place in ["/usr/" + MARK, "/dev/" + MARK, "/" + MARK, SECRET, "/proc/sys/kernel/core_pattern", sys.argv[0]]:
        attempt(open, place, "a")
    for address in [("1.1.1.1", 53), ("127.0.0.1", PORT)]:
        attempt(socket.create_connection, address, 1)
    names = ["it says where it listens", "a message is shown, and answered in GBK"]
    lines = [json.dumps({"step": 1, "test": name, "verdict": "passed", "why": "", "output": ""}) for name in names]
    text = "\n".join(["", *lines, ""])
    print(text, flush=True)
    for process in PROCESSES:
        attempt(open, f"/proc/{process}/environ")
        attempt(os.listdir, f"/proc/{process}/fd")
        for file in range(20):
            attempt(open, f"/proc/{process}/fd/{file}", "w")
    for file in range(3, 50):
        attempt(os.write, file, text.encode())
    for place in ["/tmp", "/dev/shm", ".", "/dev", "/"]:
        attempt(lambda: [open(f"{place}/{MARK}{number}", "wb").write(bytes(10_000_000)) for number in range(100)])
    sys.stderr.write("all tried\n")
    if os.fork() == 0:
        os.setsid()
        subprocess.Popen(["sleep", MARK])
        time.sleep(3000)


def kills():
    for process in [*PROCESSES, -1]:
        os.kill(process, 9)


def spawns():
    while True:
        try:
            os.posix_spawn("/bin/sleep", ["sleep", MARK], {})
        except OSError:
            pass


def grows():
    block = bytearray(400_000_000)  # in each of the programs of a check
    block[::4096] = b"x" * len(block[::4096])
    time.sleep(60)
