#!/usr/bin/env python3
"""Runs the sessions of a page, and prints where the page shows something else than what happens.

usage: sessions.py PAGE PROGRAMS      (a Markdown file, and the folder with the built programs)

The blocks under one heading run in their order, with free ports in the place of 7890 and 7891:

- ```console: bash runs the command after `$`, beside the blocks that follow. The lines below it are what it
  prints. A server is waited for until it listens, and stopped at the end; other programs end by themselves.
- ```pycon: doctest runs it. The blocks under one heading share their variables.

The port of a client is another one each time: any will do. The status is 1 if anything differs.
"""
import doctest
import os
import random
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

DEADLINE = 30  # seconds for the blocks under one heading
PORTS = {}  # the two ports of the page, and those that are used instead
# In bash, `cargo run -q -p NAME -- HOST PORT` starts the program that is built already.
CARGO = 'cargo() { "$PROGRAMS/$4" "${6:-127.0.0.1}" "${7:-$PORT}"; }; '


def sections(page):
    """The blocks under each heading: the number of the line before the block, its kind, its text."""
    found, block = [[]], None
    for number, line in enumerate(page.read_text('utf-8').splitlines(), 1):
        if line.startswith('```'):
            if block and block[1] in ('console', 'pycon'):
                found[-1].append(block)
            block = None if block else [number, line[3:], '']
        elif block:
            block[2] += line + '\n'
        elif line.startswith('#'):
            found.append([])
    return [blocks for blocks in found if blocks]


def choose_ports():
    """Takes two ports that are free, and that Linux gives to no client."""
    PORTS.clear()
    for number in random.sample(range(20_000, 32_000), 100):
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(('', number))
        except OSError:
            continue
        PORTS['7891' if PORTS else '7890'] = str(number)
        if len(PORTS) == 2:
            return


def with_any_port(text):
    """The text with one and the same word for the port of each client."""
    def hide(found):
        return found[0] if found[2] in PORTS.values() else found[1] + 'PORT'
    return re.sub(r"(\d\.\d+(?::|', ))(\d{4,5})\b", hide, text)


class Checker(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        got = re.sub(r'^(socket\.)?timeout:', 'TimeoutError:', got)  # its name before Python 3.10
        return super().check_output(with_any_port(want), with_any_port(got), flags)


class Program:
    """A command of a page with the lines that it shows, and what it has printed so far."""

    def __init__(self, number, text, programs):
        self.number, self.printed = number, ''
        self.command, self.shown = text[2:].split('\n', 1)
        self.is_server = 'listening on' in self.shown
        self.process = subprocess.Popen(
            ['bash', '-c', CARGO + self.command], start_new_session=True, encoding='utf-8',
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[3],
            env=dict(os.environ, LC_ALL='C.UTF-8', PYTHONUNBUFFERED='1', PROGRAMS=programs, PORT=PORTS['7890']))

    def read_until(self, is_enough):
        while not is_enough():
            line = self.process.stdout.readline()
            if not line:
                return
            self.printed += line

    def has_all(self):
        return self.is_server and self.printed.count('\n') >= self.shown.count('\n')

    def kill(self):
        if self.process.returncode is None:  # not waited for yet, so its number is still its own
            os.killpg(self.process.pid, signal.SIGKILL)
            self.read_until(lambda: False)
            self.process.wait()

    def differs(self):
        """Whether it has printed something else than the page shows. Prints both then."""
        if with_any_port(self.printed) == with_any_port(self.shown):
            return False
        print(f'line {self.number}: {self.command}\nThe page shows:\n{self.shown}It prints:\n{self.printed}')
        return True


def run(page, blocks, programs):
    """Runs the blocks under one heading. Returns whether something differs."""
    choose_ports()
    socket.setdefaulttimeout(None)
    started, names, failed = [], {'__name__': '__main__'}, False
    signal.alarm(DEADLINE)
    try:
        for number, kind, text in blocks:
            text = re.sub('7890|7891', lambda found: PORTS[found[0]], text)
            if kind == 'console':
                started.append(Program(number, text, programs))
                if started[-1].is_server:
                    started[-1].read_until(lambda: 'listening on' in started[-1].printed)
                continue
            test = doctest.DocTestParser().get_doctest(text, names, 'session', page, number)
            runner = doctest.DocTestRunner(Checker(), False, doctest.ELLIPSIS | doctest.FAIL_FAST)
            failed = runner.run(test, clear_globs=False).failed > 0
            names = test.globs
            if failed:
                break
        for program in [] if failed else started:
            program.read_until(program.has_all)
    except KeyboardInterrupt as reason:
        failed = True
        print(f'{page}, line {number} or later: {reason}')
    finally:
        signal.alarm(0)
        for program in started:
            program.kill()
    return any([program.differs() for program in started]) or failed


def stop(signal_number, _frame):
    """Ends every wait. doctest lets no other exception through."""
    raise KeyboardInterrupt(f'signal {signal_number}; it had {DEADLINE} seconds')


def main(page, programs):
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, stop)
    found = sections(Path(page))
    if not found:
        print(f'{page} has no session')
    return 1 if not found or any([run(page, blocks, os.path.abspath(programs)) for blocks in found]) else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
