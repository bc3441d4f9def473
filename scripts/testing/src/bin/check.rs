//! `scripts/check.sh` and `cargo check-lab`: checks a program step after step, and says how far it is.
//!
//! The exercise's tests do that, see `testing::harness`. This builds them, and kills what a student's
//! program leaves running.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio, exit};
use std::time::{Duration, SystemTime};
use std::{env, fs, io, thread};

use serde_json::{Deserializer, Value};
use testing::subject::variable;
use testing::{in_chinese, say, show};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

const HELP: &str = "usage: scripts/check.sh [--zh] [--watch] CRATE [PROGRAM [ARGUMENT...]]

Checks the program of the exercise CRATE (udp-server, udp-client, tcp-server or tcp-client), or any
PROGRAM in its place, such as: scripts/check.sh udp-server python3 server.py
It stops after the first step that fails. --watch checks again whenever main.rs, or a file that the
command line names, changes; --zh speaks Chinese. `cargo check-lab` does the same. The status is 0 when all steps passed.";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    let mut watches = false;
    while let Some(option) = arguments.next_if(|argument| argument.starts_with('-')) {
        match option.as_str() {
            "--watch" => watches = true,
            "--zh" => {} // see `in_chinese`
            "-h" | "--help" => {
                show(HELP);
                return ExitCode::SUCCESS;
            }
            _ => return refuse(&say("unknown option {}", &[&option])),
        }
    }
    let name = arguments.next().unwrap_or_default().trim_end_matches('/').to_owned();
    if !Path::new(&format!("{ROOT}/{name}/tests/steps.rs")).is_file() {
        let english = "CRATE is udp-server, udp-client, tcp-server or tcp-client, not '{}'";
        return refuse(&say(english, &[&name]));
    }
    let program: Vec<_> = arguments.collect();
    let folder = tempfile::tempdir().expect("a folder for the program");
    clean_up_on_interrupt(folder.path().to_owned());
    loop {
        let seen = last_change(&name, &program);
        let passed = check(&name, &program, folder.path());
        if !watches {
            return ExitCode::from(u8::from(!passed));
        }
        show(&say("(waiting for a change)", &[]));
        while last_change(&name, &program) == seen {
            thread::sleep(Duration::from_millis(300));
        }
        show("");
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("check.sh: {why}\n{}", HELP.lines().next().unwrap_or_default());
    ExitCode::from(2)
}

/// When a file that is checked was last changed: one that the command line names, or the exercise's.
fn last_change(name: &str, program: &[String]) -> Option<SystemTime> {
    let own = [format!("{ROOT}/{name}/src/main.rs")];
    let files = if program.is_empty() { &own } else { program };
    let changed = |file: &String| fs::metadata(file).and_then(|file| file.modified()).ok();
    files.iter().filter_map(changed).max()
}

/// Runs the tests of the exercise `name` on its own program, or on the one given: whether all passed.
/// What the program writes is in a folder in `folder`, and removed.
fn check(name: &str, program: &[String], folder: &Path) -> bool {
    let Some(tests) = build(name) else {
        show(&format!("✗ {}", say("it does not compile: see above", &[])));
        return false;
    };
    let own = [format!("{name}/src/main.rs")];
    let shown = if program.is_empty() { &own } else { program }.join(" ");
    show(&say("Checking {} as {}", &[&shown, &name]));
    let empty = tempfile::tempdir_in(folder).expect("a folder for the program");
    let mut command = Command::new(tests);
    command.arg("--check").args(in_chinese().then_some("--zh"));
    command.env_remove("CI").env_remove(variable(name));
    if !program.is_empty() {
        command.env(variable(name), program.join("\n"));
    }
    command.env("TMPDIR", empty.path()).env("TMP", empty.path()).current_dir(empty.path());
    command.env("PWD", env::current_dir().unwrap_or_default());
    let ended = command.stdin(Stdio::null()).stderr(Stdio::null()).status().map(|end| end.code());
    kill_orphans();
    if !matches!(ended, Ok(Some(0 | 1))) {
        show(&format!("  ✗ {}", say("it has ended its own check", &[])));
    }
    matches!(ended, Ok(Some(0)))
}

/// Builds the tests of that exercise: their program, or `None` if cargo has said on stderr why not.
fn build(name: &str) -> Option<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-run", "--test", "steps", "-p", name, "--quiet", "--locked"]);
    cargo.arg("--message-format=json-render-diagnostics").current_dir(ROOT);
    let built = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().ok()?;
    let mut made = Deserializer::from_slice(&built.stdout).into_iter::<Value>().flatten();
    let tests = made.find(|made| made["target"]["name"] == "steps" && built.status.success())?;
    tests["executable"].as_str().map(str::to_owned)
}

/// At Ctrl-C nothing is left. On Linux, what a program has left running comes to this process, their
/// subreaper (prctl(2)).
fn clean_up_on_interrupt(folder: PathBuf) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = ctrlc::set_handler(move || {
        let _nothing_more_is_said = io::stdout().lock();
        kill_orphans();
        let _ = fs::remove_dir_all(&folder);
        exit(130);
    });
}

/// Kills the processes that a program has left behind, and theirs.
fn kill_orphans() {
    #[cfg(target_os = "linux")]
    for _ in 0..200 {
        use nix::sys::signal::{Signal, kill};
        use nix::sys::wait::{WaitPidFlag, waitpid};
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")));
        let children = lists.flatten().collect::<Vec<_>>().join(" ");
        if children.trim().is_empty() {
            return;
        }
        for id in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
        }
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|one| one.pid().is_some()) {}
        thread::sleep(Duration::from_millis(10));
    }
}
