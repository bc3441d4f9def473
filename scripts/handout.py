"""What handout.sh does: makes the students' copy of this repository."""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]
# What students get: a teacher may have put other things beside it.
PARTS = [".cargo", ".gitignore", "Cargo.lock", "*.toml", "LICENSE*", "README*", "common", "scripts", *EXERCISES]
LEFT_OUT = ["CONTRIBUTING", "grade", "handout", "platforms", "points.txt", "teacher"]  # how their names begin
WINDOWS = "x86_64-pc-windows-gnu"
MINGW = "x86_64-w64-mingw32-gcc"
FOLD = re.compile(r"<details><summary>.*?</summary>(.*?)</details>", re.S)
STATEMENTS = re.compile(r"^(```.*|>>>.*|\.\.\.( .*)?|\$ .*)\n", re.M)


def to_leave_out(folder, names):
    """What of a folder is not copied: the teacher's part, and the tests of the scripts and pages."""
    tests = ["tests"] if Path(folder).name == "testing" else []
    return [name for name in names
            if name in ["target", "__pycache__", "examples", *tests] or name.startswith(tuple(LEFT_OUT))]


def without_answers(text, is_chinese, answers):
    """A page with its questions and the statements of its sessions; the rest goes to `answers`."""
    fields = ["预测", "看到的", "原因"] if is_chinese else ["prediction", "seen", "why"]
    table = "| | |\n| --- | --- |\n" + "".join(f"| {field}<br><br> | |\n" for field in fields)

    def replace(fold):
        question = [line for line in text[:fold.start()].splitlines() if re.match(r"#|\d+\. ", line)][-1]
        answers.append(f"{re.sub('^#+ ', '', question)}\n\n{fold[1].strip()}")
        sessions = re.findall(r"^```(?:pycon|console)\n.*?^```\n", fold[1], re.S | re.M)
        kept = "".join("".join(found[0] for found in STATEMENTS.finditer(session)) for session in sessions)
        return f"{kept}\n{table}" if kept else ""

    text_without = FOLD.sub(replace, text)
    return re.sub(r"^ +\n", "", text_without, flags=re.M)


def change_page(path, answers):
    """Makes a page of the copy from one of this repository."""
    text = path.read_text("utf-8")
    row = rf"^\|.*[(/`]({'|'.join(LEFT_OUT)}).*\n"  # of a table, with a link to what is left out
    text = re.sub(row, "", text, flags=re.M)
    text = re.sub(r"cargo run -q -p ([a-z-]+)( --(?= ))?", r"bin/\1", text)
    if path.parent.name in EXERCISES or path.name.startswith("more"):
        found = []
        text = without_answers(text, ".zh-CN" in path.name, found)
        answers += [f"## {path.parent.name}/{path.name}", *found]
    path.write_text(text, "utf-8")


def build(folder, target=()):
    """Builds the finished programs, and copies them to the folder."""
    packages = [word for name in EXERCISES for word in ("-p", name)]
    command = ["cargo", "build", "--release", "--quiet", "--locked", "--message-format=json-render-diagnostics"]
    built = subprocess.run([*command, *packages, *target], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if built.returncode != 0:
        sys.exit(1)
    folder.mkdir(parents=True, exist_ok=True)
    for made in map(json.loads, built.stdout.splitlines()):
        if made.get("executable"):
            shutil.copy2(made["executable"], folder)


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
    build(folder / "bin")
    if has_windows_target():
        build(folder / "bin", ["--target", WINDOWS])
    else:
        print(f"handout.sh: bin has no programs for Windows. To add them: rustup target add {WINDOWS}; "
              "sudo apt-get install gcc-mingw-w64-x86-64", file=sys.stderr)
    for path in [path for part in PARTS for path in ROOT.glob(part)]:
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=to_leave_out)
        else:
            shutil.copy(path, folder)
    manifest = folder / "scripts" / "testing" / "Cargo.toml"
    manifest.write_text(re.sub(r"\[\[test\]\]\n(.+\n)*\n?", "", manifest.read_text("utf-8")), "utf-8")
    for exercise in EXERCISES:
        skeleton = ROOT / exercise / "examples" / f"{exercise}-skeleton.rs"
        shutil.copyfile(skeleton, folder / exercise / "src" / "main.rs")
    answers = ["# Answers 答案"]
    for page in sorted(folder.rglob("*.md")):
        change_page(page, answers)
    page = folder.with_name(folder.name + "-answers.md")
    page.write_text("\n\n".join(answers) + "\n", "utf-8")
    print(folder, page, sep="\n")


if __name__ == "__main__":
    main()
