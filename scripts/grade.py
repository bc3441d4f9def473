"""What grade.sh does: checks the programs of a class in sandboxes, and writes the marks down."""

import argparse
import concurrent.futures
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grade_sandbox
import grade_words
from grade_class import STARTERS, printable, read_class, same_programs
from grade_words import say

ROOT = Path(__file__).resolve().parent.parent
CPUS = len(os.sched_getaffinity(0))
# Checks: they mostly wait, but one of a program in Java takes a gigabyte.
AT_A_TIME = max(1, min(4 * CPUS, grade_sandbox.memory("MemAvailable") // 1_000_000_000))
COMPILERS = threading.Semaphore(CPUS)
COMPILE_SECONDS, CHECK_SECONDS = 20, 120
USAGE = """Marks the programs of a class.

FOLDER has a folder for each student. That has up to four programs, named after the exercises:
udp-server.py, tcp_client.js, tcp-server.jar, udp_client.sh, udp-server.rs (a main.rs of this
repository), or a program for Linux without an ending. A folder of that name, udp-server/, has
main.py, main.js, main.jar, main.sh, main.rs, src/main.rs, or an executable file run.

Each program goes through all steps of its sheet, in a sandbox that bubblewrap makes. RESULTS gets
grades.csv, results.json and a report for each student. The points are in scripts/points.txt."""


def build(work, exercises):
    """Builds the checks and this project's programs, and copies the libraries of a main.rs to `work`."""
    packages = [word for name in exercises for word in ("-p", name)]
    cargo = "cargo test --test steps --no-run --quiet --locked --message-format=json-render-diagnostics".split()
    built = subprocess.run([*cargo, *packages], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if built.returncode != 0:
        sys.exit(1)
    steps, programs = {}, {}
    for made in map(json.loads, built.stdout.splitlines()):
        if made["reason"] != "compiler-artifact":
            continue
        crate, target = Path(made["manifest_path"]).parent.name, made["target"]
        if target["name"] == "steps":
            steps[crate] = shutil.copy(made["executable"], work / f"steps-{crate}")
            steps[crate].chmod(0o755)
        elif "bin" in target["kind"]:
            programs[crate] = Path(made["executable"])
        elif "lib" in target["kind"] and target["name"] != "testing":
            for library in made["filenames"]:
                shutil.copy2(library, work / "libraries")
    return steps, programs


def own_programs(programs):
    """The programs of this project that somebody may hand in: name and file."""
    for exercise, program in programs.items():
        release = program.parent.parent / "release" / exercise
        inside = ["src/main.rs", f"examples/{exercise}-skeleton.rs", "tutorial.py"]
        for path in [*(ROOT / exercise / name for name in inside), ROOT / "bin" / exercise, program, release]:
            if path.is_file():
                yield say("this project's {}", f"{exercise}/{path.name}"), path


def can_be_forged():
    return say("--trust: no sandbox; a program can do all that you can, and stay; these marks can be forged")


class Marker:
    """Compiles and checks programs."""

    def __init__(self, work, trusted):
        self.work, self.trusted, self.guard = work, trusted, grade_sandbox.Guard()
        lines = (ROOT / "scripts" / "points.txt").read_text("utf-8").splitlines()
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        self.points = {exercise: list(map(int, points)) for exercise, *points in rows}
        (work / "libraries").mkdir()
        self.steps, self.own = build(work, self.points)
        self.language = ["--zh"] if grade_words.CHINESE else []
        self.plans = {}  # of each exercise, the verdicts of the tests if the test gives none
        for exercise, steps in self.steps.items():
            planned = subprocess.run([steps, "--plan", *self.language], stdout=subprocess.PIPE).stdout
            self.plans[exercise] = {(one["step"], one["test"]): one for one in map(json.loads, planned.splitlines())}
            if len(self.points[exercise]) != max(step for step, _ in self.plans[exercise]):
                sys.exit(f"grade.sh: scripts/points.txt: {exercise} has another number of steps")
        sysroot = subprocess.run(["rustc", "--print", "sysroot"], stdout=subprocess.PIPE, text=True).stdout
        self.sysroot = sysroot.strip()

    def result(self, exercise, note="", began=None, **more):
        """A result: by default of a program that cannot be checked, so that it has no points."""
        now, note = time.monotonic(), printable(" ".join(note.split()))[:1000]
        return {"steps": [0] * len(self.points[exercise]), "verdicts": [], "note": note, "limit": "",
                "began": began or now, "seconds": round(now - (began or now)), **more}

    def compile(self, exercise, files, source):
        """Makes a program of a student's main.rs: its path, or the limit that it was over and what is said."""
        libraries, out = self.work / "libraries", Path(tempfile.mkdtemp(dir=self.work))
        out.chmod(0o755)
        rustc = [f"{self.sysroot}/bin/rustc", "--edition=2024", "--crate-name", exercise.replace("-", "_"), "-Awarnings",
                 "-L", str(libraries), "-o", str(out / exercise), str(source)]
        for name in ("anyhow", "common"):
            rustc += ["--extern", f"{name}={next(libraries.glob(f'lib{name}-*.rlib'))}"]
        variables = {"CARGO_PKG_NAME": exercise, "CARGO_PKG_VERSION": "0.1.0"}
        command = grade_sandbox.command(rustc, variables, [self.sysroot, libraries, files], self.trusted, out, False)
        with COMPILERS, open(out / "said", "w+b") as said:
            *_, limit = self.guard.run(command, COMPILE_SECONDS, stderr=said)
            said.seek(0)
            text = said.read(20_000).decode(errors="replace").strip()
        return out / exercise if (out / exercise).is_file() and not limit else (limit, limit or text)

    def mark(self, student, exercise):
        """The result of one program."""
        began, files, path = time.monotonic(), student["files"], student["programs"][exercise]
        if isinstance(path, str):  # why there is none
            return self.result(exercise, path)
        suffix, shared = path.suffix.lower(), [self.steps[exercise], files]
        starter = STARTERS.get(suffix, [])
        if starter and not shutil.which(starter[0], path=None if self.trusted else grade_sandbox.PATH):
            return self.result(exercise, say("{} is not installed in /usr/bin", starter[0]))
        if suffix == ".rs":
            path = self.compile(exercise, files, path)
            if isinstance(path, tuple):
                limit, text = path
                why = say("it does not compile: {}", text.split("\n", 1)[0])
                failed = {"step": 1, "test": say("it compiles"), "verdict": "failed", "why": why, "output": text}
                return self.result(exercise, why, began, verdicts=[failed], limit=limit)
            shared.append(path)
        variables = {exercise.upper().replace("-", "_"): "\n".join([*starter, str(path), ""])}
        steps = [str(self.steps[exercise]), "--verdicts", *self.language]
        command = grade_sandbox.command(steps, variables, shared, self.trusted)
        output, error, limit = self.guard.run(command, CHECK_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if error and not output and not limit:  # the tests have not begun
            return self.result(exercise, say("it could not be checked: {}", error.decode(errors="replace")), began)
        verdicts = {key: {**one, "why": limit or one["why"]} for key, one in self.plans[exercise].items()}
        whole_lines = output.rpartition(b"\n")[0].splitlines()
        verdicts.update({(one["step"], one["test"]): one for one in map(json.loads, whole_lines)})
        steps = []
        for step, points in enumerate(self.points[exercise], 1):
            found = {one["verdict"] for one in verdicts.values() if one["step"] == step}
            steps.append(points if "passed" in found and "failed" not in found else 0)
        skipped = {one["why"] for one in verdicts.values() if one["verdict"] == "skipped"}
        missing = [why for why in skipped if why.endswith((" strace", " script"))]  # what the teacher can install
        found = {"steps": steps, "verdicts": list(verdicts.values()), "limit": limit}
        return self.result(exercise, limit or "; ".join(missing), began, **found)

    def was_disturbed(self, result):
        """Whether a program may have failed because of another one that was then over a limit."""
        if result["limit"]:
            return result["limit"] == grade_sandbox.no_memory_left()
        began, ended = result["began"], result["began"] + result["seconds"] + 1
        return not all(result["steps"]) and any(began <= stop and stop - 10 <= ended for stop in self.guard.stops)

    def mark_class(self, students):
        """Marks all programs, several at a time: how many there are."""
        programs = [(student, exercise) for student in students for exercise in self.points
                    if exercise in student["programs"]]
        for student in students:
            student["results"] = {}
        again = programs
        for at_a_time in (AT_A_TIME, min(AT_A_TIME, CPUS), 1):  # what was disturbed is checked again, at last alone
            with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
                running = {pool.submit(self.mark, *program): program for program in again}
                for done, one in enumerate(concurrent.futures.as_completed(running), 1):
                    student, exercise = running[one]
                    error = one.exception()  # whatever it is, the class goes on
                    result = self.result(exercise, say("it could not be checked: {}", error)) if error else one.result()
                    student["results"][exercise] = result
                    print(f"{done}/{len(running)} {student['name']} {exercise}: {sum(result['steps'])} "
                          f"({result['seconds']} s)", file=sys.stderr)
            again = [(student, exercise) for student, exercise in again
                     if self.was_disturbed(student["results"][exercise])]
        try:
            for (student, exercise), note in same_programs(programs, own_programs(self.own)):
                result = student["results"][exercise]
                result["note"] = "; ".join(filter(None, [note, result["note"]]))
        except Exception as error:  # whatever it is, the marks are there
            print("grade.sh: " + say("equal programs are not noted: {}", error), file=sys.stderr)
        return len(programs)


def rows_of(students, exercises):
    """The table: a row for each student, and their points added up."""
    yield [say("student"), *exercises, say("programs, of 60"), say("notes")]
    for student in students:
        results = {exercise: student["results"].get(exercise) for exercise in exercises}
        points = [sum(one["steps"]) if one else "" for one in results.values()]
        student["points"] = round(0.6 * sum(filter(None, points)) / len(points), 1)
        student["notes"] += [f"{name}: {one['note']}" for name, one in results.items() if one and one["note"]]
        yield [student["name"], *points, student["points"], "; ".join(student["notes"])]


def write_report(path, student):
    """The page that a student gets back."""
    def plain(text):  # no link, picture or HTML
        return re.sub(r"[\\`<\[!&]", r"\\\g<0>", text)

    notes = [f"- {plain(note)}" for note in student["notes"]]
    lines = [f"# {plain(student['name'])}: {student['points']}", "", *notes, ""]
    for exercise, result in student["results"].items():
        lines += [f"## {exercise}: {sum(result['steps'])}", ""]
        for one in result["verdicts"]:
            sign = {"passed": "✓", "failed": "✗"}.get(one["verdict"], "–")
            lines.append(f"- {sign} {one['step']}. {one['test']}")
            text = f"{one['why']}\n{one['output']}".strip() if sign == "✗" else one["why"]
            lines += ["", *(f"      {printable(line)}" for line in text.splitlines()), ""] if text else []
        lines.append("")
    path.write_text("\n".join(lines), "utf-8", "replace")


def write_results(folder, students, exercises, trusted):
    """The table, all verdicts, and a report for each student; the table goes to the screen too."""
    def safe(cell):  # a spreadsheet takes no cell for a formula
        return f"'{cell}" if str(cell).startswith(tuple("=+-@＝＋－＠\t\r")) else cell

    with open(folder / "grades.csv", "w", newline="", encoding="utf-8-sig") as file:  # as Excel reads it
        for row in rows_of(students, exercises):
            csv.writer(file).writerow(map(safe, row))
            print(*row, sep="\t")
    found = [{key: student[key] for key in ("name", "points", "notes", "results")} for student in students]
    text = json.dumps({"can_be_forged": trusted, "students": found}, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(text, "utf-8", "replace")
    for student in students:
        try:
            write_report(folder / f"{student['name']}.md", student)
        except OSError as error:
            print("grade.sh:", error, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser("grade.sh", description=USAGE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zh", action="store_true", help="speak Chinese 使用中文")
    parser.add_argument("--trust", action="store_true", help="without a sandbox; the marks can be forged")
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("results", metavar="RESULTS", nargs="?", default="grades", type=Path)
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")
    locales = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    if given.zh or next(filter(None, locales), "").startswith("zh"):
        grade_words.speak_chinese()
    folder, results = given.folder.absolute(), given.results.absolute()
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
    started, work = time.monotonic(), Path(tempfile.mkdtemp(prefix="socket-lab."))
    try:
        work.chmod(0o711)
        if given.trust:
            print(can_be_forged(), file=sys.stderr)
        elif why := grade_sandbox.why_none(work):
            sys.exit("grade.sh: " + "\n".join([
                say("no sandbox can be made: {}", why),
                say("Install bubblewrap 0.8 or newer: sudo apt-get install bubblewrap"),
                say("If Ubuntu forbids namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
                say("With --trust, not as root: no sandbox; programs can do all that you can, and forge marks.")]))
        marker = Marker(work, given.trust)

        def leave(number, _frame):
            for process in list(marker.guard.running):
                os.killpg(process, signal.SIGKILL)
            shutil.rmtree(work, ignore_errors=True)
            os._exit(128 + number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, leave)
        students = read_class(folder, results, work)
        for student in students if given.trust else []:
            student["notes"].append(can_be_forged())
        count = marker.mark_class(students)
        os.umask(umask)
        write_results(results, students, list(marker.points), given.trust)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(say("{} programs in {} s; the marks are in {}", count, round(time.monotonic() - started), results))


if __name__ == "__main__":
    main()
