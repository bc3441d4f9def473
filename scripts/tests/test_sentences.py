"""The sentences that students and teachers read: each one in English has its Chinese in `zh-CN.json`."""

import json
import re

from lab import EXERCISES, ROOT, test

STRING = r'"((?:[^"\\]|\\(?s:.))*)"'
SAID = r"(?:\b(?:say|fail|step|test)\(|\bensure\([^;{]*?,|\benglish =)\s*" + STRING
NEEDS = r"\bneeds\(&\[([^\]]*)\]"


def sources():
    """What says sentences: the tests' crate, the steps, and the commands for teachers."""
    yield from (ROOT / exercise / "tests" / "steps.rs" for exercise in EXERCISES)
    yield from (ROOT / "scripts" / "testing" / "src").rglob("*.rs")
    yield from (ROOT / "scripts").glob("*.py")


def sentences(text):
    """The sentences in a source: the string behind each call that says one, or behind `english =`."""
    needs = [need for needs in re.findall(NEEDS, text) for need in re.findall(STRING, needs)]
    for raw in re.findall(SAID, text) + [need for need in needs if " " in need]:  # not the name of a tool
        if raw:
            yield re.sub(r"\\\n\s*", "", raw).replace(r"\n", "\n").replace(r"\"", '"')


@test()
def every_sentence_has_its_chinese_and_all_chinese_a_sentence():
    chinese = json.loads((ROOT / "scripts" / "testing" / "zh-CN.json").read_text("utf-8"))
    said = {sentence for source in sources() for sentence in sentences(source.read_text("utf-8"))}
    assert said <= chinese.keys(), f"without Chinese in zh-CN.json: {said - chinese.keys()}"
    assert chinese.keys() <= said, f"in zh-CN.json, and nowhere said: {chinese.keys() - said}"
    for one, other in chinese.items():
        assert one.count("{}") == other.count("{}"), f"{one}: {other}"
