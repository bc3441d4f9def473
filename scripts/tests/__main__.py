"""Runs the tests of the commands and the pages: python3 scripts/tests [PART OF A NAME...]

Each test is a process of its own. The lines are like those of Rust's tests."""

import concurrent.futures
import importlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import lab

AT_A_TIME = 16  # most tests do little but wait
TEST_DEADLINE = 240


def run_in_process(name):
    """Runs a test in a process of its own: its verdict, and what it printed."""
    _, needs, network = lab.TESTS[name]
    if why := lab.missing(needs):
        in_ci = "CI" in os.environ  # where nothing may be skipped
        return "FAILED" if in_ci else f"ignored (not checked: this needs {why})", why
    command = [sys.executable, "-B", os.path.dirname(__file__), "--here", name]
    if network is not None:
        ready = f"ip link set lo up\n{network}\nexec {shlex.join(command)}"
        command = ["unshare", "-n" if os.geteuid() == 0 else "-rn", "bash", "-c", ready]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "FAILED" if done.returncode else "ok", done.stdout.decode(errors="replace")


def run_here(name):
    """Runs a test in this process: the status of the process."""
    def stop(number, _frame):
        raise TimeoutError(f"signal {number}; a test has {TEST_DEADLINE} seconds")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.alarm(TEST_DEADLINE)
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        # A path with Chinese and a space, for all that the test makes.
        with tempfile.TemporaryDirectory(prefix="文件 夹") as folder:
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            os.chdir(folder)
            try:
                lab.TESTS[name][0]()
            finally:
                lab.take_down()
                os.chdir("/")
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main():
    arguments = sys.argv[1:]
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(path.stem)
    if arguments[:1] == ["--here"]:
        return run_here(arguments[1])
    files = [made["executable"] for made in lab.cargo("build", "--workspace") if made["executable"]]
    os.environ["PROGRAMS"] = os.path.dirname(files[0])
    names = [name for name in lab.TESTS if all(part in name for part in arguments)]
    if not names:
        sys.exit(f"no test has {arguments} in its name")
    alone = [name for name in names if name.startswith("grade: ")]  # its attacks keep the machine busy
    count = {"ok": 0, "FAILED": 0, "ignored": 0}
    for part, at_a_time in ([name for name in names if name not in alone], AT_A_TIME), (alone, 1):
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            running = {pool.submit(run_in_process, name): name for name in part}
            for done in concurrent.futures.as_completed(running):
                verdict, said = done.result()
                print(f"test {running[done]} ... {verdict}", flush=True)
                count[verdict.split()[0]] += 1
                if verdict == "FAILED":
                    print(said, flush=True)
    print(f"\ntest result: {'FAILED' if count['FAILED'] else 'ok'}. {count['ok']} passed; {count['FAILED']} failed; "
          f"{count['ignored']} ignored;")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
