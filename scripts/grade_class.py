"""Reads the folders of a class, and finds programs that are the same."""

import errno
import hashlib
import os
import re
import stat

from workspace import EXERCISES, say

STARTERS = {".py": ["python3"], ".js": ["node"], ".jar": ["java", "-jar"], ".sh": ["bash"], ".rs": []}
IN_FOLDER = ["run", "main.py", "main.js", "main.jar", "main.sh", "main.rs", "src/main.rs"]
MAX_SIZE, MAX_FILES = 1_000_000, 200
SKIPPED = ["target", "node_modules", "__pycache__"]
# Comments, with Python's strings of several lines.
COMMENTS = {**dict.fromkeys([".py", ".sh"], rb"""#[^\n]*|(["'])\1\1.*?(?:\1{3}|\Z)"""),
            **dict.fromkeys([".js", ".rs"], rb"//[^\n]*|/\*.*?(?:\*/|\Z)")}


def printable(text):
    return "".join(one if one.isprintable() else "?" for one in text.expandtabs())


def shown(name):
    """The name of a file as text, of at most 200 bytes. In an archive that Windows has made it is in GBK."""
    raw = os.fsencode(name)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("gbk", "replace")
    return printable(text).encode()[:200].decode(errors="ignore")


def read_class(folder, results, work):
    """The students: their names, notes, copied files and programs."""
    students, names = [], set()
    for number, path in enumerate(sorted(folder.iterdir(), key=os.fsencode)):
        if path == results or path.name.startswith("."):
            continue
        name = shown(path.name)
        name += f" ({number})" if name.lower() in names else ""
        names.add(name.lower())
        student = {"name": name, "notes": [], "files": work / f"student-{number}", "programs": {}, "results": {}}
        students.append(student)
        if path.is_symlink() or not path.is_dir():
            student["notes"].append(say("it is not a folder"))
            continue
        try:
            student["notes"] += copy_files(path, student["files"])
            student["programs"], unused = find_programs(student["files"])
            student["notes"] += [say("not used: {}", ", ".join(unused[:5]))] if unused else []
        except Exception as error:  # whatever it is, the class goes on
            student["notes"].append(say("the folder cannot be read: {}", error))
        if not student["programs"]:
            student["notes"].append(say("no program has the name of an exercise"))
    return students


def copy_files(student, copy):
    """Copies a student's files: why some are not copied. No link is followed."""
    notes, count = [], 0

    def unread(name, why):
        notes.append(say("{} was not read: {}", shown(name), why))

    for place, folders, files, descriptor in os.fwalk(student, onerror=lambda one: unread(one.filename, one.strerror)):
        inside = os.path.relpath(place, student)
        folders[:] = [one for one in folders if one not in SKIPPED and one[0] != "."]
        (copy / inside).mkdir()
        for name in sorted(files):
            count += 1
            if count > MAX_FILES:
                return [*notes, say("only {} files were read", MAX_FILES)]
            try:
                (copy / inside / name).write_bytes(read_file(name, descriptor))
                (copy / inside / name).chmod(0o755)
            except OSError as error:
                unread(name, say("it is a link") if error.errno == errno.ELOOP else error.strerror)
    return notes


def read_file(name, folder):
    """The content of a regular file that is not too large."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with open(file, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, say("it is not a regular file"))
        if status.st_size > MAX_SIZE:
            raise OSError(0, say("it is larger than {} MB", MAX_SIZE // 1_000_000))
        return file.read(MAX_SIZE)


def find_programs(files):
    """The programs among a student's files: of each exercise the path, or why there is none. And the
    names of those that are not used: a second one of an exercise, or one in another folder."""
    found, used = {}, {}
    for path in sorted(files.iterdir()):
        exercise, suffix = exercise_of(path), path.suffix.lower()
        if exercise not in EXERCISES or isinstance(found.get(exercise), os.PathLike):
            continue
        used[exercise] = path
        if path.is_dir():
            inside = [path / name for name in IN_FOLDER if (path / name).is_file()]
            found[exercise] = inside[0] if inside else say("the folder has none of {}", ", ".join(IN_FOLDER))
        elif suffix in STARTERS or not suffix:
            found[exercise] = path
        else:
            found[exercise] = say("{} cannot be started: hand in {}, or the program compiled for Linux, without an ending",
                                  shown(path.name), ", ".join(STARTERS))
    others = [path for path in sorted(files.rglob("*")) if exercise_of(path) in EXERCISES]
    return found, [shown(path.relative_to(files)) for path in others if not {path, *path.parents} & {*used.values()}]


def exercise_of(path):
    return re.sub("[_ ]", "-", path.stem.lower())


def same_programs(programs, own):
    """The programs that are the same as an earlier one of another student, or as one of this project's `own`."""
    seen = {(exercise, digest(path, path.parent)): (None, say("this project's {}", f"{exercise}/{path.name}"))
            for exercise, path in own}
    for student, exercise in programs:
        path = student["programs"][exercise]
        mark = digest(path, student["files"]) if isinstance(path, os.PathLike) else None
        if mark:
            name = f"{student['name']}/{shown(path.relative_to(student['files']))}"
            author, earlier = seen.setdefault((exercise, mark), (student, name))
            if author is not student:
                yield (student, exercise), say("the same as {}", earlier)


def digest(path, files):
    """A mark of a program, with what is beside it in its folder, that stays the same when spaces,
    comments or names change. There is none for a file that has hardly more than its first line."""
    suffix, numbers, beside = path.suffix.lower(), {}, [path]
    if suffix in COMMENTS and path.parent != files:
        beside = [one for one in sorted(path.parent.rglob("*")) if one.suffix.lower() == suffix and one.is_file()]
    text = b"\n".join(one.read_bytes() for one in beside)
    if suffix in COMMENTS and len(text) <= MAX_SIZE:
        text = re.sub(COMMENTS[suffix], b"", text, flags=re.S)
        # Each word becomes a number: 0 for the first one, wherever it stands.
        text = re.sub(rb"\b[^\W\d]\w*", lambda word: numbers.setdefault(word[0], b"<%d>" % len(numbers)), text)
        text = b"".join(text.split())
    return hashlib.sha256(text).digest() if len(text) > 40 else None
