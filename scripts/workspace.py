"""What the commands in Python share: this repository, what cargo builds of it, and sentences in two languages."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]
CHINESE = {}  # of each English sentence, if it is spoken


def cargo(*arguments):
    """Runs cargo: what it has made, an object for each crate (its JSON messages). It ends the program if
    cargo fails, which has said why."""
    command = ["cargo", *arguments, "--quiet", "--locked", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if built.returncode != 0:
        sys.exit(1)
    return [made for made in map(json.loads, built.stdout.splitlines()) if made["reason"] == "compiler-artifact"]


def speak_chinese():
    """From now on every sentence is Chinese."""
    CHINESE.update(json.loads((ROOT / "scripts" / "testing" / "zh-CN.json").read_text("utf-8")))


def say(english, *values):
    return CHINESE.get(english, english).format(*values)
