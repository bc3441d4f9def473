"""What grade.sh does: checks the programs of a class in sandboxes, and writes the marks down."""

import argparse
import concurrent.futures
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grade_sandbox
from grade_class import STARTERS, printable, read_class, same_programs
from workspace import CHINESE, EXERCISES, ROOT, cargo, say, speak_chinese

CPUS = len(os.sched_getaffinity(0))
# Checks: they mostly wait, but one of a program in Java takes a gigabyte.
AT_A_TIME = max(1, min(4 * CPUS, grade_sandbox.memory_left() // 1_000_000_000))
COMPILERS = threading.Semaphore(CPUS)
COMPILE_SECONDS, CHECK_SECONDS = 20, 120
# The programs of this project that somebody may hand in.
OWN = ["{}/src/main.rs", "{}/tutorial.py", "target/release/{}"]


def build(work):
    """Builds this project, and copies the libraries of a main.rs to `work`, and the tests of each exercise: their
    files."""
    steps, libraries = {}, work / "libraries"
    libraries.mkdir()
    for made in cargo("test", "--test", "steps", "--no-run", *(f"--package={name}" for name in EXERCISES)):
        target, exercise = made["target"], Path(made["manifest_path"]).parent.name
        if target["name"] == "steps":
            steps[exercise] = shutil.copy(made["executable"], work / f"steps-{exercise}")
            steps[exercise].chmod(0o755)
        elif "lib" in target["kind"] and target["name"] != "testing":
            for library in made["filenames"]:
                shutil.copy(library, libraries)
    return steps


class Marker:
    """Compiles and checks programs."""

    def __init__(self, work, trusted):
        self.work, self.trusted, self.sandboxes = work, trusted, grade_sandbox.Sandboxes(trusted)
        lines = (ROOT / "scripts" / "points.txt").read_text("utf-8").splitlines()
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        self.points = {exercise: list(map(int, points)) for exercise, *points in rows}
        self.steps = build(work)
        self.sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()

    def mark(self, student, exercise):
        """The result of one program. Whatever happens to it, the class goes on."""
        began, program = time.monotonic(), student["programs"][exercise]
        result = {"steps": [0] * len(self.points[exercise]), "verdicts": [], "note": "", "limit": "",
                  "disturbed": False}
        try:
            if isinstance(program, str):  # why there is none
                result["note"] = program
            elif program.suffix.lower() == ".rs":
                program = self.compile(result, student, exercise)
            if isinstance(program, Path):
                self.check(result, student, exercise, program)
        except Exception as error:
            result["note"] = say("it could not be checked: {}", error)
        result["note"] = printable(" ".join(result["note"].split()))[:1000]
        return {**result, "seconds": round(time.monotonic() - began)}

    def compile(self, result, student, exercise):
        """Makes a program of a student's main.rs: its path. If that does not compile, the result says why."""
        files, libs = student["files"], self.work / "libraries"
        out = self.work / f"{files.name}-{exercise}"
        out.mkdir(exist_ok=True)
        rustc = [f"{self.sysroot}/bin/rustc", "--edition=2024", "--crate-name", exercise.replace("-", "_"),
                 "-Awarnings", "-L", libs, "--extern", "anyhow", "--extern", "common", "-o", out / exercise,
                 student["programs"][exercise]]
        variables = {"CARGO_PKG_NAME": exercise, "CARGO_PKG_VERSION": "0.1.0"}
        with COMPILERS:
            _, error = self.sandboxes.run(result, COMPILE_SECONDS, rustc, variables, [self.sysroot, libs, files], out)
        if (out / exercise).is_file() and not result["limit"]:
            return out / exercise
        error = result["limit"] or error
        why = result["note"] = say("it does not compile: {}", error.split("\n", 1)[0])
        result["verdicts"] = [{"step": 1, "test": say("it compiles"), "verdict": "failed", "why": why, "output": error}]

    def check(self, result, student, exercise, program):
        """Runs all tests of a program."""
        starter = STARTERS.get(program.suffix.lower(), [])
        if starter and not shutil.which(starter[0], path=None if self.trusted else grade_sandbox.PATH):
            result["note"] = say("{} is not installed in /usr/bin", starter[0])
            return
        variables = {exercise.upper().replace("-", "_"): "\n".join([*starter, str(program), ""])}
        tests = [self.steps[exercise], "--verdicts", *(["--zh"] if CHINESE else [])]
        shared = [self.steps[exercise], student["files"], program]
        output, error = self.sandboxes.run(result, CHECK_SECONDS, tests, variables, shared)
        # First comes, of each test, the verdict that it has if it gives none; the last one counts.
        verdicts, limit = {}, result["limit"]
        for one in map(json.loads, output.rpartition(b"\n")[0].splitlines()):
            key = one["step"], one["test"]
            verdicts[key] = {**one, "why": limit} if limit and key not in verdicts else one
        if not verdicts and not limit:
            raise ValueError(error)
        if verdicts and max(step for step, _ in verdicts) != len(result["steps"]):
            raise ValueError(say("scripts/points.txt: {} has another number of steps", exercise))
        result["verdicts"] = [*verdicts.values()]
        for step, points in enumerate(self.points[exercise]):
            found = {one["verdict"] for one in result["verdicts"] if one["step"] == step + 1}
            result["steps"][step] = points if "passed" in found and "failed" not in found else 0
        skipped = {one["why"] for one in result["verdicts"] if one["verdict"] == "skipped"}
        missing = [why for why in skipped if why.endswith((" strace", " script"))]  # what the teacher can install
        result["note"] = limit or "; ".join(missing)

    def mark_class(self, students):
        """Marks all programs, several at a time: how many there are."""
        programs = [(student, exercise) for student in students for exercise in EXERCISES
                    if exercise in student["programs"]]
        again = programs
        for at_a_time in (AT_A_TIME, min(AT_A_TIME, CPUS), 1):  # what was disturbed is checked again, at last alone
            with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
                running = {pool.submit(self.mark, *program): program for program in again}
                for done, one in enumerate(concurrent.futures.as_completed(running), 1):
                    student, exercise = running[one]
                    result = student["results"][exercise] = one.result()
                    print(f"{done}/{len(running)} {student['name']} {exercise}: {sum(result['steps'])} "
                          f"({result['seconds']} s)", file=sys.stderr)
            results = [(student["results"][exercise], student, exercise) for student, exercise in again]
            again = [program for result, *program in results if result["disturbed"] and not all(result["steps"])]
        own = [(exercise, file) for exercise in EXERCISES for name in OWN for file in ROOT.glob(name.format(exercise))]
        for (student, exercise), note in same_programs(programs, own):
            result = student["results"][exercise]
            result["note"] = "; ".join(filter(None, [note, result["note"]]))
        return len(programs)


def rows_of(students):
    """The table: a row for each student, and their points added up."""
    yield [say("student"), *EXERCISES, say("programs, of 60"), say("notes")]
    for student in students:
        results = [student["results"].get(exercise) for exercise in EXERCISES]
        points = [sum(one["steps"]) if one else "" for one in results]
        student["points"] = round(0.6 * sum(filter(None, points)) / len(points), 1)
        student["notes"] += [f"{name}: {one['note']}" for name, one in zip(EXERCISES, results) if one and one["note"]]
        yield [student["name"], *points, student["points"], "; ".join(student["notes"])]


def write_report(path, student):
    """The page that a student gets back."""
    def plain(text):  # no link, picture or HTML
        return re.sub(r"[\\`<\[!&]", r"\\\g<0>", text)

    lines = [f"# {plain(student['name'])}: {student['points']}", "", *(f"- {plain(note)}" for note in student["notes"])]
    for exercise, result in student["results"].items():
        lines += ["", f"## {exercise}: {sum(result['steps'])}", ""]
        for one in result["verdicts"]:
            sign = {"passed": "✓", "failed": "✗"}.get(one["verdict"], "–")
            lines.append(f"- {sign} {one['step']}. {one['test']}")
            text = f"{one['why']}\n{one['output']}".strip() if sign == "✗" else one["why"]
            lines += ["", *(f"      {printable(line)}" for line in text.splitlines()), ""] if text else []
    path.write_text("\n".join([*lines, ""]), "utf-8", "replace")


def write_results(folder, students, trusted):
    """The table, all verdicts, and a report for each student; the table goes to the screen too."""
    def safe(cell):  # a spreadsheet takes no cell for a formula
        return f"'{cell}" if str(cell).startswith(tuple("=+-@＝＋－＠\t\r")) else cell

    with open(folder / "grades.csv", "w", newline="", encoding="utf-8-sig") as file:  # as Excel reads it
        for row in rows_of(students):
            csv.writer(file).writerow(map(safe, row))
            print(*row, sep="\t")
    found = [{key: student[key] for key in ("name", "points", "notes", "results")} for student in students]
    text = json.dumps({"can_be_forged": trusted, "students": found}, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(text, "utf-8", "replace")
    for student in students:
        write_report(folder / f"{student['name']}.md", student)


def main():
    parser = argparse.ArgumentParser("grade.sh", "scripts/grade.sh [--zh] [--trust] FOLDER [RESULTS]", add_help=False)
    parser.add_argument("--zh", action="store_true")
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("work", type=Path)  # which grade.sh makes and removes
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", nargs="?", default="grades", type=Path)
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")
    locales = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    if given.zh or next(filter(None, locales), "").startswith("zh"):
        speak_chinese()
    started, work, folder, results = time.monotonic(), given.work, given.folder.absolute(), given.results.absolute()
    if not folder.is_dir():
        sys.exit("grade.sh: " + say("{} is not a folder", folder))
    if given.trust and os.geteuid() == 0:
        sys.exit("grade.sh: " + say("--trust: not as root, whose files every program could change"))
    try:
        results.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results).close()
    except OSError as error:
        sys.exit(f"grade.sh: {error}")
    umask = os.umask(0o022)  # the sandboxes, of another user, read what is made here
    work.chmod(0o711)
    if given.trust:
        warning = say("--trust: no sandbox; a program can do all that you can, and stay; these marks can be forged")
        print(warning, file=sys.stderr)
    elif why := grade_sandbox.why_none(work):
        sys.exit("grade.sh: " + "\n".join([
            say("no sandbox can be made: {}", why),
            say("Install bubblewrap 0.8 or newer: sudo apt-get install bubblewrap"),
            say("If Ubuntu forbids namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
            say("With --trust, not as root: no sandbox; programs can do all that you can, and forge marks.")]))
    marker = Marker(work, given.trust)
    students = read_class(folder, results, work)
    for student in students if given.trust else []:
        student["notes"].append(warning)
    count = marker.mark_class(students)
    os.umask(umask)
    write_results(results, students, given.trust)
    print(say("{} programs in {} s; the marks are in {}", count, round(time.monotonic() - started), results))


if __name__ == "__main__":
    main()
