"""What handout.sh does: python3 handout.py REPOSITORY DIR makes the students' copy in DIR."""

import re
import shutil
import sys
from pathlib import Path

EXERCISES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]
# What students get; a teacher may have put a class's programs and marks beside it.
PARTS = [".gitignore", "Cargo.lock", "*.toml", "LICENSE*", "README*", "claims", "common", "docs", "scripts", *EXERCISES]
LEFT_OUT = shutil.ignore_patterns("grade*", "points.txt", "handout.*", "teacher*.md", "target", "__pycache__")
ANSWER = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.S)


def without_answers(text, answers):
    """A sheet's text with its questions alone; the answers are added to the list."""

    def question(found):
        asked, answer = found.groups()
        is_question = asked not in ("Answer", "答案")
        answers.append(f"**{asked}** {answer.strip()}" if is_question else answer.strip())
        return asked if is_question else ""

    return ANSWER.sub(question, text)


def main():
    root, folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    if folder.exists():
        sys.exit(f"handout.sh: {folder} exists already")
    folder.mkdir(parents=True)
    for path in [path for part in PARTS for path in root.glob(part)]:
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=LEFT_OUT)
        else:
            shutil.copy(path, folder)
    for page in [path for part in (folder, folder / "scripts") for path in part.glob("README*.md")]:
        text = page.read_text(encoding="utf-8")
        rows = r"^.*(docs/teacher|\]\((grade|handout)\.sh\)).*\n"  # with links to what is left out
        page.write_text(re.sub(rows, "", text, flags=re.M), encoding="utf-8")
    page = ["# Answers 答案"]
    for exercise in EXERCISES:
        skeleton = root / exercise / "examples" / f"{exercise}-skeleton.rs"
        shutil.copyfile(skeleton, folder / exercise / "src" / "main.rs")
        shutil.rmtree(folder / exercise / "examples")
        for name in ["README.md", "README.zh-CN.md"]:
            sheet, answers = folder / exercise / name, []
            text = without_answers(sheet.read_text(encoding="utf-8"), answers)
            text = re.sub(r"^.*scripts/handout\.sh.*\n", "", text, flags=re.M)  # it is that copy
            sheet.write_text(text, encoding="utf-8")
            page += [f"## {exercise}/{name}", *(f"{number}. {one}" for number, one in enumerate(answers, 1))]
    answers = folder.with_name(folder.name + "-answers.md")
    answers.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"{folder}\n{answers}")


if __name__ == "__main__":
    main()
