"""The pages: their sessions, their links, and that both languages are the same line for line."""

import doctest
import os
import re
import signal

from lab import EXERCISES, ROOT, Program, test, without_ports

FILES = [page for folder in ["", "common", "scripts", *EXERCISES] for page in sorted((ROOT / folder).glob("*.md"))]
PAGES = [page for page in FILES if page.with_suffix(".zh-CN.md").exists()]  # in English, with a Chinese one
PARSER = doctest.DocTestParser()


class Checker(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        got = re.sub(r"^(socket\.)?timeout:", "TimeoutError:", got)  # its name before Python 3.10
        return super().check_output(without_ports(want), without_ports(got), flags)


class Console:
    """A `console` block: bash runs the command after `$`, beside the blocks that follow."""

    def __init__(self, text):
        self.command, self.shown = text[2:].split("\n", 1)
        self.is_server = "-server" in self.command

    def start(self):
        """Starts it. A server is waited for until it listens."""
        command = re.sub(r"cargo run -q -p (\S+)( --)?", r'"$PROGRAMS"/\1', self.command)
        self.program = Program("bash", "-c", f"exec 2>&1; {command}")
        if self.is_server:
            self.program.stdout.wait_for("listening on")

    def end(self):
        """Prints what it has printed. A server is stopped after as many lines as the page shows."""
        lines = self.program.stdout
        if self.is_server:
            while len(lines.seen) < self.shown.count("\n"):
                lines.next()
            os.killpg(self.program.process.pid, signal.SIGKILL)
        lines.rest()
        print("\n".join(lines.seen))


def sections(page):
    """Each heading of the page, and the sessions below it: the number of lines before it, its kind, its text."""
    text = page.read_text("utf-8")
    found = []
    for part in re.finditer(r"^#+ ([^\n]*)|^```(console|pycon)\n(.*?)^```", text, re.M | re.S):
        if part[1]:
            found.append((part[1], []))
        else:
            found[-1][1].append((text.count("\n", 0, part.start(3)), part[2], part[3]))
    return found


def add_test(page, heading, sessions):
    """Makes a test of the sessions below a heading, which share their variables. Its network is its own, so that
    the ports of the page are free."""
    def session():
        examples, ends, names = [], [], {"__name__": "__main__", "programs": []}
        for line, kind, text in sessions:
            if kind == "pycon":
                examples += PARSER.get_examples("\n" * line + text)
                continue
            console, its_name = Console(text), f"programs[{len(ends)}]"
            names["programs"].append(console)
            examples.append(doctest.Example(f"{its_name}.start()  # {console.command}", "", lineno=line))
            # What a program prints is compared at the end of the section, dots and all.
            ends.append(doctest.Example(f"{its_name}.end()  # {console.command}", console.shown, lineno=line,
                                        options={doctest.ELLIPSIS: False}))
        runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS | doctest.FAIL_FAST)
        section = doctest.DocTest(examples + ends, names, heading, str(page.relative_to(ROOT)), 0, None)
        assert runner.run(section).failed == 0, "the page shows something else, see above"

    session.__name__ = f"{page.relative_to(ROOT)}: {heading}"
    test(network="")(session)


for one in PAGES:
    for title, blocks in sections(one):
        if blocks:
            add_test(one, title, blocks)


def outline(page):
    """What both languages have in common: the lines of sessions, and of all others how they begin."""
    kind = None  # of the code block
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            kind = line[3:] if kind is None else None
            yield line
        elif kind in ("console", "pycon"):
            yield line
        elif kind is not None:
            yield "code"
        elif line.startswith("|"):
            yield "|" * line.count("|")
        else:
            yield re.sub(r"[^#<. 0-9-].*", "words", line)


@test()
def both_languages_are_the_same_line_for_line():
    for page in PAGES:
        english, chinese = list(outline(page)), list(outline(page.with_suffix(".zh-CN.md")))
        for number, (one, other) in enumerate(zip(english, chinese), 1):
            assert one == other, f"{page}, line {number}: {one!r}, in Chinese {other!r}"
        assert len(english) == len(chinese), page


def prose(page):
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)


@test()
def each_link_leads_to_a_file_and_its_heading():
    for page in FILES:
        for link in re.findall(r"\]\((?!https:)([^)]*)\)", prose(page)):
            name, _, anchor = link.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), f"{page}: no file {link}"
            if anchor:  # as GitHub makes it
                titles = re.findall(r"^#+ (.*)", prose(file), re.M)
                anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
                assert anchor in anchors, f"{page}: no heading {link}"
