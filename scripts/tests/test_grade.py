"""`grade.sh`: an honest class gets its marks; a program that attacks gets none and harms nobody."""

import json
import os
import shutil
import socket
from pathlib import Path

from lab import EXERCISES, ROOT, is_running, program, run, test, write_program

ATTACKS = ["tries", "kills", "spawns", "grows"]  # the functions of attacks.py
ROWS = [  # what the table says of students, in a line or a part of it
    '\ufeffstudent,udp-server,udp-client,tcp-server,tcp-client,"programs, of 60",notes\n',
    "乙,60,,,,9.0,not used: udp_server.sh\n",
    "甲,60,,,,9.0,udp-server: the same as 乙/udp-server/main.py\n",
    "丙,60,60,60,60,36.0,udp-server: the same as this project's udp-server/tutorial.py; udp-client: ",
    "丁,,,,,0.0,no program has the name of an exercise\n",
    "戊,,,0,,0.0,\"tcp-server: tcp-server.cpp cannot be started: hand in .py, .js,",
    "'=1+1,0,,,,0.0,\n",
    "shell,0,,,,0.0,\n",
    "tabs,60,,,,9.0,\n",
    "compiles,100,,,,15.0,udp-server: the same as this project's udp-server/main.rs\n",
    "modules,0,,,,0.0,\n",
    "comments,0,,,,0.0,\n",
    "includes,0,,,,0.0,udp-server: it does not compile: error: couldn't read",
    "endless,0,,,,0.0,udp-server: it does not compile: stopped: it took longer than 20 seconds\n",
    "tries,0,,,,0.0,\n",
    "kills,0,,,,0.0,\n",
    "spawns,0,,,,0.0,udp-server: stopped: it had more than 1000 processes and threads\n",
    "grows,0,,,,0.0,udp-server: stopped: its processes used more than 2000 MB of memory\n",
    "张三,60,,,,9.0,udp-server: the same as this project's udp-server/tutorial.py\n",
    "udp-server.py was not read: it is a link",
    "udp-client.py was not read: it is not a regular file",
    "tcp-client.py was not read: it is larger than 1 MB",
    "dangling,,,,,0.0,it is not a folder\n",
    "😀" * 50 + " (",  # two students, of whose names the first 200 bytes are the same
]


def put(name, text):
    """Writes a file of the class: its path."""
    return write_program(Path("class 班", name), text).absolute()


@test("python3", "sandbox")
def a_class_is_marked_and_no_program_harms_another_one():
    os.chmod(".", 0o711)  # root's sandboxes are another user's
    tutorial = (ROOT / "udp-server/tutorial.py").read_text("utf-8")
    honest = tutorial.replace("while True:", "count = 0\nwhile True:")
    secret = put("甲/udp_server.PY", honest)
    put("乙/udp-server/main.py", honest.replace("text", "words").replace("count", "number  "))
    put("乙/udp_server.sh", "")
    for exercise in EXERCISES:
        put(f"丙/{exercise}.py", f"# cargo run\n{(ROOT / exercise / 'tutorial.py').read_text('utf-8')}")
    put("丁/notes.txt", "")
    put("戊/tcp-server.cpp", "int main() {}")
    put("tabs/udp-server.py", tutorial.replace("server = ", "print('a\\tb', file=sys.stderr)\nserver = "))
    put("=1+1/udp-server.sh", "#!/bin/sh\n")
    put("shell/udp-server.sh", "#!/bin/bash\n")
    put("compiles/udp-server.rs", (ROOT / "udp-server/src/main.rs").read_text("utf-8"))
    put("modules/udp-server/src/main.rs", "mod helper;\nfn main() { helper::help() }")
    put("modules/udp-server/src/helper.rs", "pub fn help() {}")
    put("comments/udp-server.rs", f'const A: &str = "{"/* " * 200_000}";\nfn main() {{}}')
    put("includes/udp-server.rs", f'const A: &str = include_str!("{secret}");\nfn main() {{}}')
    put("endless/udp-server.rs", "#![allow(long_running_const_eval)]\nconst END: u64 = { let mut n = 0u64; "
        'while n != u64::MAX { n += 1 } n };\nfn main() { println!("{END}") }')
    make_odd_folders(tutorial)
    mark = f"31{os.getpid()}.5"  # seconds that nobody else sleeps
    outside = socket.create_server(("127.0.0.1", 0))
    attacks = Path(__file__).with_name("attacks.py").read_text("utf-8")
    known = f"MARK, SECRET, PORT = {mark!r}, {str(secret)!r}, {outside.getsockname()[1]}\n"
    for name in ATTACKS:
        put(f"{name}/udp-server.py", f"{known}{attacks}\n{name}()\n")

    status, out, err = run("grade.sh", "class 班", "marks")
    assert status == 0 and "the marks are in" in out[-1], (out, err)
    table = Path("marks/grades.csv").read_text("utf-8")
    for row in ROWS:
        assert row in table, (row, table, err)
    names = [student["name"] for student in json.loads(Path("marks/results.json").read_text("utf-8"))["students"]]
    assert len({*names}) == len(names), names
    for name in names:
        report = Path(f"marks/{name}.md").read_text("utf-8")
        assert "LEAK" not in report and ("all tried" in report) == (name == "tries"), report
    report = Path("marks/甲.md").read_text("utf-8")
    for line in "- ✓ 3. exit ends the server with status 0", "- ✗ 4. a datagram is shown whole":
        assert line in report, report
    assert not is_running("cmdline", mark), "a program is left"
    for place in "/", "/tmp", "/dev", "/dev/shm", "/usr":
        assert not [*Path(place).glob(f"{mark}*")], f"a file is left in {place}"
    assert secret.read_text("utf-8") == honest


def make_odd_folders(tutorial):
    """Folders that students hand in by mistake, or to stop the grade."""
    put("odd/tcp-server.py/notes.txt", "")
    os.symlink("/nowhere", "class 班/odd/udp-server.py")
    os.mkfifo("class 班/odd/udp-client.py")
    put("odd/tcp-client.py", "#" * 1_000_001)
    for end in "ab":
        put("😀" * 63 + f"{end}/notes.txt", "")
    put("endless link/udp-server/notes.txt", "")
    os.symlink("/dev/zero", "class 班/endless link/udp-server/main.py")
    os.symlink("nowhere", "class 班/dangling")
    put(os.fsdecode("张三".encode("gbk")) + "/UDP server.py", tutorial)  # a folder from Windows


@test("python3")
def without_a_sandbox_nothing_is_marked_or_it_is_said():
    Path("class/a").mkdir(parents=True)
    shutil.copy(program("udp-client"), "class/a")  # which is too large
    write_program(Path("bwrap"), "#!/bin/sh\necho No permissions >&2\nexit 1\n")
    os.chmod(".", 0o711)
    status, out, err = run("grade.sh", "class", "marks", PATH=f"{os.getcwd()}:{os.environ['PATH']}")
    said = "\n".join(err)
    assert status == 1 and out == [] and not Path("marks/grades.csv").exists(), (out, err)
    for part in "no sandbox can be made: No permissions", "Install bubblewrap", "--trust":
        assert part in said, (part, said)

    status, _, err = run("grade.sh", "--trust", "class", "marks")
    if os.geteuid() == 0:
        assert status == 1 and "not as root" in err[0], err
        return
    assert status == 0 and "can be forged" in err[0], err
    assert "these marks can be forged" in Path("marks/grades.csv").read_text("utf-8")
    status, out, _ = run("grade.sh", "--zh", "--trust", "class", "marks")
    assert status == 0 and "沙箱" in "".join(out), out
