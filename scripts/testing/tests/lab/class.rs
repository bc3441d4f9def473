//! `check.sh`, `grade.sh` and `handout.sh`, with right and wrong programs in several languages.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use testing::{
    executables, has_tool, is_running, run, scratch_folder, script, wait_until, workspace_program,
    write_program,
};

const FOLDER: &str = "class 班";

/// A program in that folder: its path.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the program's folder");
    match name {
        "not-allowed" => fs::write(&path, text).expect("the program"),
        _ => write_program(&path, text),
    }
    path.to_string_lossy().into_owned()
}

/// A UDP server in Python as the tutorial's lesson has it, but for what `wrong` puts in the place of
/// something.
fn python(wrong: [&str; 2]) -> String {
    let right = "import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], int(sys.argv[2])))
print('listening on', sock.getsockname(), file=sys.stderr, flush=True)
while True:
    data, peer = sock.recvfrom(1024)
    print('receive messages:%s from %s' % (data.decode('gbk'), peer), flush=True)
    if data == b'exit':
        break
    sock.sendto('我是UDP服务器,已接收到你发来的消息!'.encode('gbk'), peer)
";
    assert!(right.contains(wrong[0]));
    right.replace(wrong[0], wrong[1])
}

#[test]
fn a_right_program_passes_all_steps_and_is_named_as_it_is_called() {
    let own = workspace_program("udp-server").get_program().to_string_lossy().into_owned();
    let (status, stdout, stderr) = run(script("check.sh", &["udp-server", &own]), "");
    assert_eq!((status, stderr), (Some(0), vec![]), "{stdout:?}");
    assert_eq!(stdout[0], format!("Checking {own} as udp-server"));
    assert_eq!(stdout.last().map(String::as_str), Some("All 7 steps are done."));
    let steps = stdout.iter().filter(|line| line.starts_with("step ")).count();
    let passed = stdout.iter().filter(|line| line.starts_with("  ✓ ")).count();
    assert!(steps == 7 && passed > 15, "{stdout:?}");
}

#[test]
fn a_wrong_program_is_told_in_one_sentence_what_is_wrong_with_it() {
    let folder = scratch_folder(FOLDER);
    let marker = format!("31{}.5", std::process::id()); // seconds that nobody else sleeps
    let daemon = format!("setsid sleep {marker} & setsid sleep {marker} &\nexit 3\n");
    let bash = |text: &str| format!("#!/usr/bin/env bash\n{text}");
    let unflushed = "import socket, sys
sys.stdout = open(1, 'w', 4096, closefd=False)
print = lambda text, *more, say=print, file=None, flush=False: say(text, *more, file=file)";
    let cases = [
        ("empty", bash(""), "the program has ended: exit status: 0"),
        ("crash", bash("echo it hurts >&2; exit 7"), "it hurts"),
        ("killer", bash("kill -9 $PPID"), "it has ended its own check"),
        ("not-allowed", bash(""), "may not be executed; allow it by: chmod +x"),
        ("crlf", bash("").replace('\n', "\r\n"), "ends in CRLF"),
        ("on-stdout", bash("echo listening on 127.0.0.1:1; exit 0"), "it is on stdout"),
        ("elsewhere", bash("echo listening on 0.0.0.0:7890 >&2; sleep 99"), "HOST 127.0.0.1"),
        ("flood", bash("while printf %0999d; do :; done >&2"), "nobody reads any further"),
        ("daemon", bash(&daemon), "the program has ended: exit status: 3"),
        ("utf8.py", python(["'gbk'), peer)\n", "'utf-8'), peer)\n"]), "which is UTF-8 and not GBK"),
        ("unflushed.py", python(["import socket, sys", unflushed]), "is each line flushed?"),
    ];
    let check = &|(name, text, said): (&str, String, &str)| {
        let program = write(&folder, name, &text);
        let (status, stdout, stderr) = run(script("check.sh", &["udp-server", &program]), "");
        let told = stdout.join("\n");
        assert_eq!((status, stderr), (Some(1), vec![]), "{name}: {told}");
        assert!(told.contains(said), "{name}: expected {said:?} in {told}");
        assert!(!told.contains("panicked"), "{name}: {told}");
        let last = stdout.last().expect("a last line");
        assert!(
            last.starts_with("Step ") && last.contains("udp-server/README.md"),
            "{name}: {told}"
        );
    };
    let has_python = has_tool("python3");
    std::thread::scope(|scope| {
        for case in cases.into_iter().filter(|case| has_python || !case.0.ends_with(".py")) {
            scope.spawn(move || check(case));
        }
    });
    wait_until("what the programs started is gone", || !is_running("cmdline", &marker));
    fs::remove_dir_all(&folder).expect("the programs are there");
}

#[test]
fn a_mistyped_variable_is_an_error_and_chinese_is_spoken_where_it_is_asked_for() {
    let mut check = script("check.sh", &["tcp-client", "true"]);
    check.env("LC_ALL", "zh_CN.UTF-8");
    let (status, stdout, _) = run(check, "");
    assert_eq!((status, stdout[0].as_str()), (Some(1), "检查 true（练习 tcp-client）"));
    assert!(stdout.join("\n").contains("结果：程序已经结束"), "{stdout:?}");

    let mut check = script("check.sh", &["tcp-client"]);
    check.env("TCP_CLEINT", "true");
    let (status, stdout, _) = run(check, "");
    let told = stdout.join("\n");
    assert!(status == Some(1) && told.contains("TCP_CLEINT is set"), "{told}");
}

#[test]
fn a_class_is_marked() {
    if !has_tool("python3") {
        return;
    }
    let folder = scratch_folder(FOLDER);
    let lesson = python(["", ""]);
    let class = folder.join("class");
    write(&class, "甲 student/udp_server.py", &lesson);
    write(&class, "甲 student/tcp-client/run", "#!/usr/bin/env bash\nexit 1\n");
    write(&class, "乙/udp-server/main.py", &lesson.replace("    data,", "    data , "));
    write(&class, "乙/tcp-server.cpp", "int main() {}\n");
    let own = workspace_program("udp-client").get_program().to_owned();
    fs::create_dir_all(class.join("丙")).expect("a folder");
    fs::copy(own, class.join("丙/udp-client")).expect("a copy of this project's own");
    let results = folder.join("grades");
    let class_and_results =
        [class, results.clone()].map(|path| path.to_string_lossy().into_owned());
    let grade = script("grade.sh", &class_and_results.each_ref().map(String::as_str));
    let (status, stdout, stderr) = run(grade, "");
    let said = stdout.join("\n");
    assert!(status == Some(0), "{said}{stderr:?}");
    for line in [
        "乙                60           –            0 *          –          ",
        "丙                –            100 *        –            –          ",
        "* 丙 udp-client: the same as this project's own",
        "* 甲 student udp-server: the same as 乙/main.py",
        "* 乙 tcp-server: tcp-server.cpp cannot be started",
    ] {
        assert!(said.contains(line), "expected {line:?} in {said}");
    }
    let read = |name: &str| fs::read_to_string(results.join(name)).expect("a file of results");
    let table = read("grades.csv");
    let row = "甲 student,udp-server,25,20,15,0,0,0,0,60,\"expected all 1025 bytes";
    assert!(table.contains(row), "expected {row:?} in {table}");
    assert!(
        table.contains("tcp-client,0,0,0,0,0,0,0,0,\"expected a client at HOST and PORT"),
        "{table}"
    );
    assert!(read("甲 student.md").contains("- ✓ 3. exit ends the server with status 0"));
    assert!(
        read("junit.xml")
            .contains("<testsuite name=\"丙\"><testcase classname=\"udp-client.step_1\"")
    );
    fs::remove_dir_all(&folder).expect("the class is there");
}

#[test]
fn the_students_copy_has_skeletons_and_no_answers() {
    if !has_tool("python3") {
        return;
    }
    let copy = scratch_folder(FOLDER).join("lab");
    let path = copy.to_string_lossy().into_owned();
    let (status, stdout, stderr) = run(script("handout.sh", &[&path]), "");
    assert_eq!((status, stderr), (Some(0), vec![]), "{stdout:?}");
    let answers = format!("{path}-answers.md");
    assert_eq!(stdout, [path.clone(), answers.clone()]);
    let answers = fs::read_to_string(answers).expect("the answers");
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let program = fs::read_to_string(copy.join(exercise).join("src/main.rs"));
        assert!(program.is_ok_and(|text| text.contains("// Step 1:")), "{exercise}");
        for sheet in ["README.md", "README.zh-CN.md"] {
            let text = fs::read_to_string(copy.join(exercise).join(sheet)).expect("the sheet");
            let is_clean = !text.contains("<details>") && !text.contains("handout.sh");
            assert!(is_clean, "{exercise}/{sheet} has answers, or says where it comes from");
            assert!(
                answers.contains(&format!("## {exercise}/{sheet}\n\n1. ")),
                "{exercise}/{sheet}"
            );
        }
        assert!(!copy.join(exercise).join("examples").exists());
    }
    for gone in ["scripts/grade.sh", "scripts/points.txt", "scripts/handout.sh"] {
        assert!(!copy.join(gone).exists(), "{gone}");
    }
    // Nor what else is there, as the history and perhaps a class's marks.
    let parts =
        fs::read_dir(&copy).expect("the copy").flatten().filter(|part| part.path().is_dir());
    let mut parts: Vec<_> =
        parts.map(|part| part.file_name().into_string().expect("UTF-8")).collect();
    parts.sort();
    let kept = "claims common docs scripts tcp-client tcp-server udp-client udp-server";
    assert_eq!(parts.join(" "), kept);
    let (status, _, stderr) = run(script("handout.sh", &[&path]), "");
    assert_eq!((status, stderr), (Some(1), vec![format!("handout.sh: {path} exists already")]));
    fs::remove_dir_all(copy.parent().expect("its folder")).expect("the copy is there");

    // What it says of a skeleton is what the first step lacks.
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--locked", "-p", "udp-server", "--examples"]);
    let built = build.arg("--message-format=json-render-diagnostics").output().expect("cargo runs");
    let skeleton = executables(&String::from_utf8_lossy(&built.stdout)).next();
    let check = script("check.sh", &["udp-server", &skeleton.expect("the skeleton")]);
    let (status, stdout, _) = run(check, "");
    let told = stdout.join("\n");
    assert!(status == Some(1) && told.contains("nothing is here yet that serves"), "{told}");
}
