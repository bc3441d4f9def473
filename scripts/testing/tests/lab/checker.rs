//! `check.sh`, with right and wrong programs in several languages.

use std::fs;
use std::path::Path;
use std::thread;

use testing::{
    ROOT, Test, has, is_running, run, script, test, wait_until, workspace_program, write_program,
};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("a right program passes all steps", passes_all_steps),
        test("a wrong program is told in one sentence what is wrong", tells_what_is_wrong),
        test("--zh and a Chinese locale make the checker speak Chinese", speaks_chinese),
    ]
}

fn passes_all_steps() {
    let own = workspace_program("udp-server").get_program().to_string_lossy().into_owned();
    let (status, stdout, stderr) = run(script("check.sh", &["udp-server", &own]), "");
    assert_eq!((status, stderr), (Some(0), vec![]), "{stdout:?}");
    assert_eq!(stdout[0], format!("Checking {own} as udp-server"));
    assert_eq!(stdout.last().map(String::as_str), Some("All 7 steps are done."));
    let steps = stdout.iter().filter(|line| line.starts_with("step ")).count();
    let passed = stdout.iter().filter(|line| line.starts_with("  ✓ ")).count();
    assert!(steps == 7 && passed > 15, "{stdout:?}");
}

/// The tutorial's program of that name with `new` in the place of `old`.
fn tutorial(name: &str, old: &str, new: &str) -> String {
    let text = fs::read_to_string(format!("{ROOT}/{name}/tutorial.py")).expect("the tutorial's");
    assert!(text.contains(old), "{name}/tutorial.py has no {old:?}");
    text.replace(old, new)
}

fn tells_what_is_wrong() {
    let folder = crate::scratch_folder();
    let marker = format!("31{}.5", std::process::id()); // seconds that nobody else sleeps
    let daemon = format!("setsid sleep {marker} & setsid sleep {marker} &\nexit 3\n");
    let bash = |text: &str| format!("#!/usr/bin/env bash\n{text}");
    let in_utf8 = tutorial("udp-server", "REPLY.encode(\"gbk\")", "REPLY.encode()");
    let unflushed =
        tutorial("udp-server", "from socket", "sys.stdout = open(1, 'w', 4096)\nfrom socket")
            .replace(", flush=True)\n    data", ")\n    data")
            .replace("{client[1]}\", flush=True)", "{client[1]}\")");
    let prompting = tutorial("udp-client", " if sys.stdin.isatty() else \"\"", "");
    let cases = [
        ("udp-server", "empty", bash(""), "the program has ended: exit status: 0"),
        ("udp-server", "crash", bash("echo it hurts >&2; exit 7"), "it hurts"),
        (
            "udp-server",
            "kill",
            bash("grep -q steps /proc/$PPID/comm && kill -9 $PPID"),
            "it has ended its own check",
        ),
        (
            "udp-server",
            "text",
            "not a program".to_owned(),
            "may not be executed; allow it by: chmod +x",
        ),
        (
            "udp-server",
            "on-stdout",
            bash("echo listening on 127.0.0.1:1; exit 0"),
            "it is on stdout",
        ),
        (
            "udp-server",
            "elsewhere",
            bash("echo listening on 0.0.0.0:7890 >&2; sleep 99"),
            "HOST 127.0.0.1",
        ),
        (
            "udp-server",
            "flood",
            bash("while printf %0999d; do :; done >&2"),
            "the rest is not read",
        ),
        ("udp-server", "daemon", bash(&daemon), "the program has ended: exit status: 3"),
        ("udp-server", "utf8.py", in_utf8, "which is UTF-8 and not GBK"),
        ("udp-server", "unflushed.py", unflushed, "is each line flushed?"),
        ("udp-server", "tcp.py", tutorial("tcp-server", "", ""), "nobody has the UDP port of"),
        ("udp-server", "server.c", "int main() {}".to_owned(), "has to be compiled"),
        ("udp-server", "folder/", String::new(), "is a folder: name the program in it"),
        ("udp-server", "missing.py", String::new(), "there is no file"),
        ("udp-client", "prompting.py", prompting, "the prompt although stdin is no terminal"),
    ];
    let has_python = has("python3");
    thread::scope(|scope| {
        for case in cases.into_iter().filter(|case| has_python || !case.1.ends_with(".py")) {
            let folder = folder.path();
            scope.spawn(move || tells(folder, case));
        }
    });
    wait_until("what the programs started is gone", || !is_running("cmdline", &marker));
}

/// Checks what is told of a program with that name and text.
fn tells(folder: &Path, (exercise, name, text, sentence): (&str, &str, String, &str)) {
    let path = folder.join(name);
    match name {
        "folder/" => fs::create_dir(&path).expect("a folder"),
        "text" => fs::write(&path, text).expect("a file"),
        "missing.py" => {}
        _ => write_program(&path, &text),
    }
    let (status, stdout, stderr) =
        run(script("check.sh", &[exercise, &path.to_string_lossy()]), "");
    let told = stdout.join("\n");
    assert_eq!((status, stderr), (Some(1), vec![]), "{name}: {told}");
    assert!(told.contains(sentence), "{name}: expected {sentence:?} in {told}");
    assert!(!told.contains("panicked"), "{name}: {told}");
    let last = stdout.last().expect("a last line");
    assert!(last.starts_with("Step ") && last.contains(&format!("{exercise}/README.md")), "{told}");
}

fn speaks_chinese() {
    let mut by_locale = script("check.sh", &["tcp-client", "true"]);
    by_locale.env("LC_ALL", "zh_CN.UTF-8");
    for check in [by_locale, script("check.sh", &["--zh", "tcp-client", "true"])] {
        let (status, stdout, _) = run(check, "");
        assert_eq!((status, stdout[0].as_str()), (Some(1), "检查 true（练习 tcp-client）"));
        assert!(stdout.join("\n").contains("但程序已经结束"), "{stdout:?}");
    }
}
