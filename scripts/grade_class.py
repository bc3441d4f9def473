"""Reads the folders of a class, and finds programs that are the same."""

import ast
import builtins
import errno
import hashlib
import os
import re
import stat
import warnings

from grade_words import say

EXERCISES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]
STARTERS = {".py": ["python3"], ".js": ["node"], ".jar": ["java", "-jar"], ".sh": ["bash"], ".rs": []}
IN_FOLDER = ["run", "main.py", "main.js", "main.jar", "main.sh", "main.rs", "src/main.rs"]
MAX_SIZE, MAX_FILES, MAX_DEPTH = 1_000_000, 200, 4
MAX_COMPARED = 100_000  # bytes of a program without its comments
COMMENTS = {".sh": rb"(?<!\S)#[^\n]*", **dict.fromkeys([".rs", ".js"], rb"//[^\n]*|/\*.*?(?:\*/|\Z)")}
SKIPPED = ["target", "node_modules", "__pycache__"]


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
        student = {"name": name, "notes": [], "files": work / f"student-{number}", "programs": {}}
        students.append(student)
        if path.is_symlink() or not path.is_dir():
            student["notes"].append(say("it is not a folder"))
            continue
        try:
            student["notes"] += copy_files(path, student["files"])
            student["programs"], unused = find_programs(student["files"])
            if unused:
                student["notes"].append(say("not used: {}", ", ".join(unused[:5])))
        except Exception as error:  # whatever it is, the class goes on
            student["notes"].append(say("the folder cannot be read: {}", error))
        if not student["programs"]:
            student["notes"].append(say("no program has the name of an exercise"))
    return students


def copy_files(student, copy):
    """Copies a student's files: why some are not copied. No link is followed."""
    notes, count = [], 0

    def unread(error, name=None):
        why = say("it is a link") if error.errno == errno.ELOOP else error.strerror or error
        notes.append(say("{} was not read: {}", shown(name or error.filename), why))

    for place, folders, files, descriptor in os.fwalk(student, onerror=unread):
        inside = os.path.relpath(place, student)
        folders[:] = [one for one in folders if one not in SKIPPED and one[0] != "."]
        if folders and inside.count("/") >= MAX_DEPTH - 1:
            notes.append(say("{} was not read: {}", shown(f"{inside}/{folders[0]}"), say("it is too deep")))
            folders.clear()
        (copy / inside).mkdir()
        for name in sorted(files):
            count += 1
            if count > MAX_FILES:
                return [*notes, say("only {} files were read", MAX_FILES)]
            try:
                (copy / inside / name).write_bytes(read_file(name, descriptor))
                (copy / inside / name).chmod(0o755)
            except OSError as error:
                unread(error, name)
    return notes


def read_file(name, folder):
    """The content of a regular file that is not too large."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with open(file, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(say("it is not a regular file"))
        if status.st_size > MAX_SIZE:
            raise OSError(say("it is larger than {} MB", MAX_SIZE // 1_000_000))
        return file.read(MAX_SIZE)


def find_programs(files):
    """The programs among a student's files: of each exercise the path, or why there is none. And the
    names of those that are not used: a second one of an exercise, or one in another folder."""
    found, used = {}, {}
    for path in sorted(files.iterdir()):
        exercise = exercise_of(path.name if path.is_dir() else path.stem)
        if exercise not in EXERCISES or isinstance(found.get(exercise), os.PathLike):
            continue
        used[exercise], suffix = path, path.suffix.lower()
        if path.is_dir():
            inside = [path / name for name in IN_FOLDER if (path / name).is_file()]
            found[exercise] = inside[0] if inside else say("the folder has none of {}", ", ".join(IN_FOLDER))
        elif suffix in STARTERS or not suffix:
            found[exercise] = path
        else:
            found[exercise] = say("{} cannot be started: hand in {}, or the program compiled for Linux, without an ending",
                                  shown(path.name), ", ".join(STARTERS))
    others = [path for path in sorted(files.rglob("*")) if exercise_of(path.stem) in EXERCISES]
    return found, [shown(path.relative_to(files)) for path in others if not {path, *path.parents} & {*used.values()}]


def exercise_of(name):
    return re.sub("[_ ]", "-", name.lower())


def same_programs(programs, own):
    """The programs that are the same as an earlier one of another student, or as one of this project's `own`."""
    seen = {digest(path, path.parent): (None, name) for name, path in own}
    for student, exercise in programs:
        path = student["programs"][exercise]
        mark = digest(path, student["files"]) if isinstance(path, os.PathLike) else None
        name = f"{student['name']}/{shown(path.relative_to(student['files']))}" if mark else ""
        author, earlier = seen.setdefault(mark, (student, name))
        if mark and author is not student:
            yield (student, exercise), say("the same as {}", earlier)


def digest(path, files):
    """A mark of a program, with what is beside it in its folder, that stays the same when spaces change,
    or comments, or Python's names. There is none for a file that has hardly more than its first line."""
    suffix, left, texts = path.suffix.lower(), MAX_COMPARED, []
    has_folder = path.parent != files and suffix in (".py", ".js", ".sh", ".rs")
    for one in sorted(path.parent.rglob("*")) if has_folder else [path]:
        if one == path or one.suffix.lower() == suffix and one.is_file():
            text = one.read_bytes()
            left -= len(text)
            if left >= 0 and suffix == ".py":
                text = python_without_names(text) or text
            elif left >= 0 and suffix in COMMENTS:
                text = re.sub(COMMENTS[suffix], b"", text, flags=re.S)
            texts.append(b"".join(text.split()))
    text = b"\n".join(sorted(texts))
    return hashlib.sha256(text).digest() if len(text) > 40 else None


def python_without_names(text):
    """What a Python program does, with numbers in the place of the names that it gives."""
    numbers = {}
    warnings.simplefilter("ignore")  # of what the program has
    try:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            for field, value in ast.iter_fields(node):
                is_name = field in ("id", "arg", "asname") or field == "name" and "body" in node._fields
                if is_name and isinstance(value, str) and not hasattr(builtins, value):
                    setattr(node, field, f"name {numbers.setdefault(value, len(numbers))}")
                elif field == "body" and isinstance(value, list):  # without comments that are strings
                    node.body = [one for one in value if not (isinstance(one, ast.Expr)
                                                              and isinstance(one.value, ast.Constant))]
        return ast.dump(tree).encode()
    except Exception:  # it is not Python, or it is nested too deeply
        return None
