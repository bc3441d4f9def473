"""`handout.sh`: what the students' copy has, and what it does not have."""

import os
import re
import shutil
from pathlib import Path

from lab import EXERCISES, run, test

TEACHERS = ["CONTRIBUTING.md", "scripts/grade.sh", "scripts/handout.py", "scripts/handout.sh",
            "scripts/points.txt", "scripts/teacher.md", "scripts/teacher.zh-CN.md"]


@test()
def the_students_copy_has_skeletons_and_no_answers():
    # Always the same folder, so that the second time cargo has little to build.
    folder = Path(os.environ["PROGRAMS"]).parent / "students' copy"
    copy, page = folder / "lab 实验", folder / "lab 实验-answers.md"
    shutil.rmtree(copy, ignore_errors=True)
    status, out, err = run("handout.sh", copy)
    assert (status, out) == (0, [str(copy), str(page)]), err
    answers = page.read_text("utf-8")
    for exercise in EXERCISES:
        assert "nothing is here yet" in (copy / exercise / "src/main.rs").read_text("utf-8"), f"{exercise} has its answer"
        for name in f"{exercise}/README.md", f"{exercise}/README.zh-CN.md":
            sheet = (copy / name).read_text("utf-8")
            for part in "<details>", "<summary>", "Why:*", "原因：*", "cargo run -q":
                assert part not in sheet, (name, part)
            for part in ">>> from socket import *\n", f"bin/{exercise}", "<br><br>":
                assert part in sheet, (name, part)
            assert f"## {name}\n" in answers
    for name in [*TEACHERS, "scripts/tests"]:
        assert not (copy / name).exists(), name
    for page in copy.rglob("*.md"):
        named = re.findall("grade.sh|handout.sh|teacher.md|CONTRIBUTING.md", page.read_text("utf-8"))
        assert not named, f"{page} names what is left out: {named}"
    status, _, err = run("handout.sh", copy)
    assert (status, err) == (1, [f"handout.sh: {copy} exists already"])

    # There, the finished programs talk, and the checker stops at the first step of the student's program.
    status, _, err = run("bash", copy / "scripts" / "pair.sh", "udp")
    assert status == 0 and not (copy / "target").exists(), err
    built = str(folder / "target")
    for exercise in EXERCISES:
        status, out, err = run("bash", copy / "scripts" / "check.sh", exercise, CARGO_TARGET_DIR=built)
        assert status == 1 and out[-1].startswith("Step 1 of 7."), (out, err)
        assert any("nothing is here yet that" in line for line in out), out
    status, _, err = run("bash", copy / "scripts" / "load.sh", "tcp", "2", "3", CARGO_TARGET_DIR=built)
    assert status == 0, err
