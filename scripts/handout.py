"""What handout.sh does: makes the students' copy of this repository."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from workspace import EXERCISES, ROOT

# What students get: a teacher may have put other things beside it.
PARTS = [".cargo", ".gitignore", "Cargo.lock", "*.toml", "LICENSE*", "README*", "common", "scripts", *EXERCISES]
TEACHERS = ["grade", "handout", "points.txt", "teacher", "workspace", "CONTRIBUTING"]  # how their names begin
LEFT_OUT = ["target", "__pycache__", *(f"{name}*" for name in TEACHERS)]
WINDOWS = "x86_64-pc-windows-gnu"
MINGW = "x86_64-w64-mingw32-gcc"
FOLD = re.compile(r"^ *<details><summary>.*?</summary>(.*?)</details>\n", re.M | re.S)
STATEMENTS = re.compile(r"^(?:```.*|>>>.*|\.\.\.(?: .*)?|\$ .*)\n", re.M)


def without_answers(text, is_chinese, answers):
    """A page with its questions and the statements of its sessions; the rest goes to `answers`."""
    fields = ["预测", "看到的", "原因"] if is_chinese else ["prediction", "seen", "why"]
    table = "\n| | |\n| --- | --- |\n" + "".join(f"| {field}<br><br> | |\n" for field in fields)

    def replace(fold):
        question = re.findall(r"^(?:#+|\d+\.) .*", text[:fold.start()], re.M)[-1]
        answers.append(f"{question.lstrip('# ')}\n\n{fold[1].strip()}")
        sessions = re.findall(r"^```(?:pycon|console)\n.*?^```\n", fold[1], re.M | re.S)
        kept = "".join(STATEMENTS.findall("".join(sessions)))
        return kept + table if kept else ""

    return FOLD.sub(replace, text)


def change_page(path, answers):
    """Makes a page of the copy from one of this repository."""
    text = path.read_text("utf-8")
    row = rf"^\|.*[(/`]({'|'.join(TEACHERS)}).*\n"  # of a table, with a link to what is left out
    text = re.sub(row, "", text, flags=re.M)
    text = re.sub(r"cargo run -q -p ([a-z-]+)( --(?= ))?", r"bin/\1", text)
    if path.parent.name in EXERCISES or path.name.startswith("more"):
        answers.append(f"## {path.parent.name}/{path.name}")
        text = without_answers(text, ".zh-CN" in path.name, answers)
    path.write_text(text, "utf-8")


def build(folder, *target):
    """Builds the finished programs into the folder's bin."""
    # --force: else cargo takes udp-server for the udp-server.exe that it is about to write.
    install = ["cargo", "install", "--quiet", "--locked", "--no-track", "--force", "--root", folder, *target]
    for exercise in EXERCISES:
        if subprocess.run([*install, "--path", exercise], cwd=ROOT, stdin=subprocess.DEVNULL).returncode != 0:
            sys.exit(1)


def has_windows_target():
    library = subprocess.run(["rustc", "--print", "target-libdir", "--target", WINDOWS], capture_output=True, text=True)
    return shutil.which(MINGW) and any(Path(library.stdout.strip()).glob("libcore-*.rlib"))


def main():
    parser = argparse.ArgumentParser(
        "handout.sh", description="Makes the students' copy of this repository in DIR, a new folder: each main.rs is a "
        "skeleton, the sheets have no answers, the finished programs are in bin, and what is the teacher's alone is "
        "left out. The answers go to DIR-answers.md.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    folder = parser.parse_args().folder.absolute()
    if folder.exists():
        sys.exit(f"handout.sh: {folder} exists already")
    build(folder)
    if has_windows_target():
        build(folder, "--target", WINDOWS)
    else:
        print(f"handout.sh: bin has no programs for Windows. To add them: rustup target add {WINDOWS}; "
              "sudo apt-get install gcc-mingw-w64-x86-64", file=sys.stderr)
    for path in [path for part in PARTS for path in ROOT.glob(part)]:
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            shutil.copy(path, folder)
    shutil.rmtree(folder / "scripts" / "tests")  # of the commands and the pages
    for exercise in EXERCISES:
        shutil.copy(ROOT / "common" / "examples" / "skeleton.rs", folder / exercise / "src" / "main.rs")
    answers = ["# Answers 答案"]
    for page in sorted(folder.rglob("*.md")):
        change_page(page, answers)
    page = folder.with_name(folder.name + "-answers.md")
    page.write_text("\n\n".join(answers) + "\n", "utf-8")
    print(folder, page, sep="\n")


if __name__ == "__main__":
    main()
