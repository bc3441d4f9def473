"""What grade.sh does: finds the programs of a class, has each checked, and writes the marks down.

python3 grade.py REPOSITORY WORK FOLDER [RESULTS], where WORK is an empty folder for its files.
"""

import concurrent.futures
import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

EXERCISES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]
STARTERS = {".py": ["python3"], ".js": ["node"], ".jar": ["java", "-jar"], ".sh": ["bash"], ".exe": []}
AT_A_TIME = 4 * (os.cpu_count() or 1)  # they mostly wait
MOST_SECONDS = 90
LOCALE = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
CHINESE = LOCALE.startswith("zh")


def say(english, chinese):
    return chinese if CHINESE else english


def build(root, work):
    """Builds the checker and the tests, and copies them to where the programs cannot change them."""
    tests = ["test", "--no-run", "--test", "steps", *(word for name in EXERCISES for word in ("-p", name))]
    (work / "bin" / "deps").mkdir(parents=True)
    own = {}
    for command in [tests, ["build", "-p", "testing", "--bin", "check"]]:
        command = ["cargo", *command, "--quiet", "--locked", "--message-format=json-render-diagnostics"]
        built = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if built.returncode != 0:
            sys.exit(1)
        for made in map(json.loads, built.stdout.splitlines()):
            if not made.get("executable"):
                continue
            crate, target = Path(made["manifest_path"]).parent.name, made["target"]["name"]
            if target == "steps":
                shutil.copy2(made["executable"], work / "bin" / "deps" / crate)
            elif target == "check":
                shutil.copy2(made["executable"], work / "bin" / "check")
            else:
                own[crate] = Path(made["executable"])
    return own


def programs_of(student):
    """The programs in a student's folder: for each exercise its file, or why there is none."""
    found = {}
    for path in sorted(student.iterdir()):
        exercise = re.sub("[_ ]", "-", path.stem.lower())
        if exercise not in EXERCISES:
            continue
        inside = ["run", "main.py", "main.js", "main.rs", "src/main.rs"]
        if path.is_dir():
            path = next((path / name for name in inside if (path / name).is_file()), path)
        if path.suffix in STARTERS or path.suffix == ".rs" or path.is_file() and not path.suffix:
            found[exercise] = path
        else:
            known = " ".join([*STARTERS, ".rs", "run"])
            found.setdefault(exercise, say(f"{path.name} cannot be started (known: {known})",
                                           f"{path.name} 无法启动（认识的有：{known}）"))
    return found


def compile_rust(path, exercise, root, work):
    """The program made of a student's main.rs in a copy of this workspace, or why there is none."""
    copy = work / "workspace"
    if not copy.exists():
        ignore = shutil.ignore_patterns("target", ".git")
        shutil.copytree(root, copy, ignore=ignore)
    shutil.copyfile(path, copy / exercise / "src" / "main.rs")
    command = ["cargo", "build", "--quiet", "--locked", "-p", exercise, "--target-dir", str(work / "built")]
    built = subprocess.run(command, cwd=copy, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if built.returncode != 0:
        error = built.stderr.decode(errors="replace")
        return say("it does not compile: ", "编译没有通过：") + error.split("\n", 1)[0]
    program = work / f"rust-{time.monotonic_ns()}"
    shutil.copy2(work / "built" / "debug" / exercise, program)
    return program


class Isolation:
    """How a program is kept from everything else: as root by a user and a network of its own."""

    def __init__(self, hidden):
        outer = [folder for folder in hidden if not hidden & set(folder.parents)]
        mounts = "".join(f"mount -t tmpfs none {shlex.quote(str(folder))} && " for folder in outer)
        inside = f"{mounts}ip link set lo up && exec \"$0\" \"$@\""
        alone = ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        self.outside = alone + ["bash", "-c", f"PATH=$PATH:/usr/sbin:/sbin; {inside}"]
        self.limits = ["prlimit", "--core=0", "--fsize=50000000", "--data=1500000000", "--cpu=60"]
        becomes = ["setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs", "true"]
        self.is_there = os.name == "posix" and os.geteuid() == 0 \
            and succeeds(self.outside + ["true"]) and succeeds(becomes)
        self.has_limits = succeeds(self.limits + ["true"])

    def check(self):
        """What the checker is started with."""
        return self.outside if self.is_there else []

    def program(self, number):
        """What a student's program is started with."""
        limits = self.limits if self.has_limits else []
        if not self.is_there:
            return limits
        user = str(200000 + number)
        alone = ["--reuid=" + user, "--regid=" + user, "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
        return ["setpriv", *alone, *limits, "--nproc=1000"]


def succeeds(command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def check(number, exercise, path, work, isolation):
    """Has a program checked: its verdicts (step, test, sentence or nothing), and the seconds."""
    own = work / str(number)
    files, folder = own / "files", own / "tmp"
    own.mkdir(mode=0o711)
    folder.mkdir(mode=0o711)
    if path.parent.name == exercise or path.parent.name == "src" or path.name == "run":
        shutil.copytree(path.parent, files, symlinks=True)
    else:
        files.mkdir()
        for neighbour in path.parent.iterdir():  # what the program needs beside it
            if neighbour.is_file() and not neighbour.is_symlink():
                shutil.copy2(neighbour, files)
    program = files / path.name
    if isolation.is_there:
        for place in [files, *files.rglob("*")]:
            os.chown(place, 200000 + number, 200000 + number, follow_symlinks=False)
    files.chmod(0o700)
    if path.suffix in ["", ".exe"]:
        program.chmod(0o755)
    words = isolation.program(number) + STARTERS.get(path.suffix, []) + [str(program)]
    command = isolation.check() + [str(work / "bin" / "check"), "--all", exercise, *words]
    environment = {**os.environ, "TESTS_OF_STEPS": str(work / "bin" / "deps"), "TMPDIR": str(folder)}
    started = time.monotonic()
    try:
        ran = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, cwd=own,
                             capture_output=True, timeout=MOST_SECONDS)
        lines = ran.stdout.decode(errors="replace").split("\n")
    except subprocess.TimeoutExpired:
        lines = []
    verdicts = []
    for line in lines:
        if line.count("\t") == 2:
            verdict, test, why = line.split("\t")
            step, name = test.split("::", 1)
            why = why.replace("\u2028", "\n") if verdict == "failed" else None
            verdicts.append((int(step.split("_")[1]), name, why))
    shutil.rmtree(own, ignore_errors=True)
    return verdicts, time.monotonic() - started


def points_of_steps(root):
    """What the teacher has written down: the points of each step of each exercise."""
    points = {}
    for line in (root / "scripts" / "points.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            exercise, *numbers = line.split()
            points[exercise] = [int(number) for number in numbers]
    return points


def marked(verdicts, points):
    """The points of each step: a step counts when all of its tests passed."""
    steps = []
    for step, worth in enumerate(points, 1):
        of_step = [why for number, _, why in verdicts if number == step]
        steps.append(worth if of_step and not any(of_step) else 0)
    return steps


def look_alikes(programs, own, root):
    """Programs that are the same but for spaces, or that start this project's own."""
    notes, seen = {}, {}
    for exercise in EXERCISES:
        answers = [root / exercise / "src" / "main.rs", own.get(exercise)]
        for answer in filter(None, answers):
            seen[digest(answer)] = say("this project's own", "本项目自己的程序")
    for (student, exercise), path in programs.items():
        content = path.read_bytes()
        mark = digest(path)
        if re.search(rb"target/(debug|release)/|cargo['\", ]+run|CARGO_BIN_EXE", content):
            notes[student, exercise] = say("starts this project's own program", "启动了本项目自己的程序")
        elif mark in seen:
            notes[student, exercise] = say(f"the same as {seen[mark]}", f"与{seen[mark]}相同")
        seen.setdefault(mark, f"{student}/{path.name}")
    return notes


def digest(path):
    return hashlib.sha256(b"".join(path.read_bytes().split())).hexdigest()


def glosses(root):
    """The names of the tests as sentences; in Chinese they stand on the sheets."""
    found = {}
    for exercise in EXERCISES if CHINESE else []:
        sheet = (root / exercise / "README.zh-CN.md").read_text(encoding="utf-8")
        found.update(re.findall(r"^\| `(\w+)` \| (.*?) \|$", sheet, re.M))
    return found


def padded(text, width):
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return text + " " * max(0, width - len(text) - wide)


def write_report(path, student, results, names):
    """The page that a student gets back."""
    lines = [f"# {student}", ""]
    for exercise, result in results.items():
        lines += [f"## {exercise}: {sum(result['steps'])}", ""]
        lines += [f"{result['note']}", ""] if result["note"] else []
        for step, name, why in result["verdicts"]:
            sentence = names.get(name, name.replace("_", " ").replace("gbk", "GBK"))
            lines.append(f"- {'✗' if why else '✓'} {step}. {sentence}")
            lines += ["", *("      " + line for line in why.strip().split("\n")), ""] if why else []
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def write_junit(path, students):
    suites = ElementTree.Element("testsuites")
    for student, results in students.items():
        suite = ElementTree.SubElement(suites, "testsuite", name=student)
        for exercise, result in results.items():
            for step, name, why in result["verdicts"]:
                case = ElementTree.SubElement(suite, "testcase", classname=f"{exercise}.step_{step}", name=name)
                if why:
                    clean = re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", why)
                    ElementTree.SubElement(case, "failure", message=clean.split("\n")[0]).text = clean
    ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def main():
    root, work, folder = (Path(name).resolve() for name in sys.argv[1:4])
    out = Path(sys.argv[4] if len(sys.argv) > 4 else "grades").resolve()
    if not folder.is_dir():
        sys.exit(f"grade.sh: {folder} is no folder")
    students = sorted(path for path in folder.iterdir() if path.is_dir() and path != out)
    points, names, own = points_of_steps(root), glosses(root), build(root, work)
    isolation = Isolation({root, folder, *(program.parent for program in own.values())})
    if not isolation.is_there:
        print(say("The programs run with your rights: only root can give each a user and a network of its own.",
                  "程序以你的权限运行：只有 root 才能让每个程序使用单独的用户和网络。"), file=sys.stderr)

    results = {student.name: {} for student in students}
    programs = {}
    for student in students:
        for exercise, path in programs_of(student).items():
            steps = [0] * len(points[exercise])
            result = {"steps": steps, "verdicts": [], "note": "", "seconds": 0.0}
            results[student.name][exercise] = result
            if isinstance(path, str):
                result["note"] = path
            else:
                programs[student.name, exercise] = path
    notes = look_alikes(programs, own, root)

    started, done = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        running = {}
        for number, ((student, exercise), path) in enumerate(programs.items()):
            result = results[student][exercise]
            result["note"] = notes.get((student, exercise), "")
            if path.suffix == ".rs":
                path = compile_rust(path, exercise, root, work)
            if isinstance(path, str):
                result["note"] = path
            else:
                running[pool.submit(check, number, exercise, path, work, isolation)] = (student, exercise)
        for one in concurrent.futures.as_completed(running):
            student, exercise = running[one]
            result = results[student][exercise]
            result["verdicts"], result["seconds"] = one.result()
            result["steps"] = marked(result["verdicts"], points[exercise])
            done += 1
            total = sum(result["steps"])
            print(f"{done}/{len(running)} {student} {exercise}: {total} ({result['seconds']:.0f} s)", file=sys.stderr)

    out.mkdir(parents=True, exist_ok=True)
    most = max(len(numbers) for numbers in points.values())
    with open(out / "grades.csv", "w", newline="", encoding="utf-8-sig") as file:  # as Excel wants it
        table = csv.writer(file)
        steps = [f"step {step}" for step in range(1, most + 1)]
        table.writerow(["student", "exercise", *steps, "points", "first failure", "note", "seconds"])
        for student, of_student in results.items():
            for exercise, result in of_student.items():
                failures = (why.split("\n")[0] for _, _, why in sorted(result["verdicts"], key=lambda v: v[0]) if why)
                if not result["verdicts"] and not result["note"]:
                    result["note"] = say("no verdict: it has ended its own check", "没有结论：它结束了检查它的程序")
                table.writerow([student, exercise, *result["steps"], sum(result["steps"]),
                                next(failures, ""), result["note"], f"{result['seconds']:.0f}"])
            write_report(out / f"{student}.md", student, of_student, names)
    write_junit(out / "junit.xml", results)

    print(padded("", 16), *(padded(exercise, 11) for exercise in EXERCISES), sep="  ")
    for student, of_student in results.items():
        cells = []
        for exercise in EXERCISES:
            result = of_student.get(exercise)
            cells.append("–" if result is None else f"{sum(result['steps'])}{' *' if result['note'] else ''}")
        print(padded(student, 16), *(padded(cell, 11) for cell in cells), sep="  ")
    for student, of_student in results.items():
        for exercise, result in of_student.items():
            if result["note"]:
                print(f"* {student} {exercise}: {result['note']}")
    seconds = time.monotonic() - started
    print(say(f"{len(programs)} programs in {seconds:.0f} s; the marks are in {out}",
              f"{len(programs)} 个程序，用时 {seconds:.0f} 秒；成绩在 {out}"))


if __name__ == "__main__":
    main()
