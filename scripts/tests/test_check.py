"""`check.sh`, with right and wrong programs in several languages."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import ROOT, Program, is_running, program, run, test, wait_until, write_program

SECONDS = f"31{os.getpid()}.5"  # that nobody else sleeps
DAEMON = f"setsid sleep {SECONDS} & setsid sleep {SECONDS} &\n"


def changed(name, *changes):
    """The tutorial's program with changes, each an old and a new text."""
    text = (ROOT / name / "tutorial.py").read_text("utf-8")
    for old, new in changes:
        assert old in text, f"{name}/tutorial.py has no {old!r}"
        text = text.replace(old, new)
    return text


@test()
def a_right_program_passes_all_steps():
    own = os.path.relpath(program("udp-server"))
    status, out, err = run("check.sh", "udp-server", own)
    assert (status, err, out[0]) == (0, [], f"Checking {own} as udp-server"), out
    assert out[-1] == "All 7 steps are done." and sum(line.startswith("  ✓ ") for line in out) > 15, out


WRONG = {  # by name, each program's text, if it is to be written, and what is told of it
    "crash": ("echo it hurts >&2; exit 7", "      | it hurts"),
    "daemon": (f"{DAEMON}exit 3", "the program has ended: exit status: 3"),
    "kill": (f"{DAEMON}grep -q steps /proc/$PPID/comm && kill -9 $PPID; sleep {SECONDS}", "it has ended its own check"),
    "on-stdout": ("echo listening on 127.0.0.1:1", "it is on stdout"),
    "elsewhere": ("echo listening on 0.0.0.0:7890 >&2; sleep 99", "HOST 127.0.0.1"),
    "flood": ("while printf %0999d; do :; done >&2", "the rest is not read"),
    "utf8.py": (changed("udp-server", ('REPLY.encode("gbk")', "REPLY.encode()")), "which is UTF-8 and not GBK"),
    "unflushed.py": (changed("udp-server", ("from socket", "sys.stdout = open(1, 'w', 4096)\nfrom socket"),
                             ("flush=True", "flush=False")), "is each line flushed?"),
    "tcp.py": (changed("tcp-server"), "no program uses the UDP port of"),
    "prompt.py": (changed("udp-client", (' if sys.stdin.isatty() else ""', "")), "although stdin is no terminal"),
    "server.c": ("", "has to be compiled"),
    f"{ROOT}/README.md": (None, "may not be executed; allow it by: chmod +x"),
    f"{ROOT}": (None, "is a folder: name the program in it"),
    "missing.py": (None, "there is no file"),
}


@test("python3")
def a_wrong_program_is_told_in_one_sentence_what_is_wrong():
    def check(name):
        text, sentence = WRONG[name]
        if text is not None:
            write_program(Path(name), text if name.endswith(".py") else f"#!/usr/bin/env bash\n{text}")
        exercise = "udp-client" if name == "prompt.py" else "udp-server"
        status, out, err = run("check.sh", exercise, Path.cwd() / name)
        assert (status, err) == (1, []) and sentence in str(out) and "panicked" not in str(out), (name, out, err)
        assert out[-1].startswith("Step ") and f"{exercise}/README.md" in out[-1] or name == "kill", out
        sentences = [line for line in out if line.startswith("      ") and line[6] != "|"]
        assert len(sentences) == len(set(sentences)), out  # none is said twice

    with ThreadPoolExecutor(len(WRONG)) as pool:
        list(pool.map(check, WRONG))
    assert not is_running("cmdline", SECONDS)


@test()
def nothing_is_left_running_when_nobody_reads_the_output():
    write_program(Path("server"), f"#!/bin/sh\n{DAEMON}exec '{program('udp-server')}' \"$@\"")
    status, out, err = run("bash", "-o", "pipefail", "-c", f"'{ROOT}/scripts/check.sh' udp-server server | head -n 3")
    assert (status, err, out[2]) == (1, [], "step 1 of 7: hello") and not is_running("cmdline", SECONDS), out


@test()
def it_checks_again_after_a_change_until_ctrl_c():
    write_program(Path("server"), "#!/bin/sh\nexit 3\n")
    checker = Program("check.sh", "--watch", "udp-server", "server")
    checker.stdout.wait_for("(waiting for a change)")
    write_program(Path("server"), f"#!/bin/sh\n{DAEMON}sleep {SECONDS}")
    wait_until("the program runs", lambda: is_running("cmdline", SECONDS))
    checker.process.send_signal(signal.SIGINT)
    assert checker.status() == 130 and not is_running("cmdline", SECONDS)


@test()
def zh_and_a_chinese_locale_make_the_checker_speak_chinese():
    for arguments, locale in (["--zh"], "C.UTF-8"), ([], "zh_CN.UTF-8"):
        status, out, _ = run("check.sh", *arguments, "tcp-client", "true", "--zh", LC_ALL=locale)
        assert (status, out[0]) == (1, "检查 true --zh（练习 tcp-client）") and "但程序已经结束" in "".join(out), out
