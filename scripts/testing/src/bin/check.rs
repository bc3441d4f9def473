//! `scripts/check.sh`: checks a program step after step, and says where it stands.
//!
//! A step is a module of the crate's tests. They run under a process that kills whatever the program
//! has left behind then: on Linux orphans come to it, as their subreaper (prctl(2)). Who kills that
//! one, or the tests, has not killed the verdict.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio, exit};
use std::time::{Duration, SystemTime};
use std::{env, fs, thread};

use testing::{executables, in_chinese, variable, words};
use wait_timeout::ChildExt;

const EXERCISES: [&str; 4] = ["udp-server", "udp-client", "tcp-server", "tcp-client"];

/// How long a step may take: more than its tests wait for, side by side.
const MOST: Duration = Duration::from_secs(60);

/// The status that says that it has taken longer.
const TOO_LATE: u8 = 124; // as timeout(1)

/// Tests side by side: all of a step, as they mostly wait.
const THREADS: &str = "--test-threads=32";

/// What is checked, and how.
struct Check {
    name: String,
    program: Vec<String>,
    /// The sheet, in the reader's language.
    sheet: String,
}

/// How a test came out: nothing is said of one that passed.
enum Verdict {
    Passed,
    Idle(String),
    Failed(String),
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if_eq("--reap").is_some() {
        return reap(arguments);
    }
    let [mut watches, mut all] = [false; 2];
    while let Some(option) = arguments.next_if(|argument| argument.starts_with("--")) {
        match option.as_str() {
            "--watch" => watches = true,
            "--all" => all = true,
            _ => return refuse(&words("unknown option {}", "不认识的选项 {}", &[&option])),
        }
    }
    let name = arguments.next().unwrap_or_default();
    if !EXERCISES.contains(&name.as_str()) {
        let english =
            "the first argument is udp-server, udp-client, tcp-server or tcp-client, not '{}'";
        let chinese = "第一个参数应是 udp-server、udp-client、tcp-server 或 tcp-client，不是“{}”";
        return refuse(&words(english, chinese, &[&name]));
    }
    let program: Vec<_> = arguments.collect();

    let sheet = fs::read_to_string(root().join(&name).join(sheet_name())).unwrap_or_default();
    let check = Check { name, program, sheet };
    loop {
        let seen = check.newest();
        let passed = build(&check.name).is_some_and(|tests| check.run(&tests, all));
        if !watches {
            return ExitCode::from(u8::from(!passed));
        }
        say(&words("(waiting for a change)", "（等待文件改动）", &[]));
        while check.newest() == seen {
            thread::sleep(Duration::from_millis(300));
        }
        say("");
    }
}

/// Runs a command to its end, or not longer than a step may take, and kills what is left of it.
fn reap(mut command: impl Iterator<Item = String>) -> ExitCode {
    ctrlc::set_handler(|| {
        kill_what_is_left();
        exit(130);
    })
    .expect("the only handler");
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let program = command.next().unwrap_or_default();
    let mut child = Command::new(program).args(command).spawn().expect("the tests start");
    let ended = child.wait_timeout(MOST).expect("the tests can be waited for");
    let _ = child.kill();
    let _ = child.wait();
    kill_what_is_left();
    ExitCode::from(if ended.is_some() { 0 } else { TOO_LATE })
}

/// Prints a line, as long as somebody reads them.
fn say(line: &str) {
    if writeln!(stdout(), "{line}").and_then(|()| stdout().flush()).is_err() {
        exit(1);
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("check.sh: {why}");
    eprintln!("usage: scripts/check.sh [--watch] CRATE [PROGRAM [ARGUMENT...]]");
    ExitCode::from(2)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sheet_name() -> &'static str {
    if in_chinese() { "README.zh-CN.md" } else { "README.md" }
}

/// Builds the crate and its tests: the tests' program.
fn build(name: &str) -> Option<PathBuf> {
    let tests = env::var_os("TESTS_OF_STEPS").map(|folder| PathBuf::from(folder).join(name));
    if tests.is_some() {
        return tests; // built before
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--locked", "--no-run", "--test", "steps", "-p", name]);
    cargo.arg("--message-format=json-render-diagnostics").current_dir(root());
    let built = cargo.stderr(Stdio::inherit()).output().ok()?;
    let said = String::from_utf8_lossy(&built.stdout);
    let tests = executables(&said).find(|file| file.contains("steps-"));
    if !built.status.success() || tests.is_none() {
        say(&format!("✗ {}", words("it does not compile: see above", "编译没有通过：见上面", &[])));
        return None;
    }
    tests.map(PathBuf::from)
}

/// The tests of each step, by its number.
fn tests_by_number(steps: &Path) -> BTreeMap<u32, Vec<String>> {
    let list = Command::new(steps).arg("--list").output().expect("the tests' names");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut tests = BTreeMap::<u32, Vec<String>>::new();
    for test in list.lines().filter_map(|line| line.strip_suffix(": test")) {
        let number = test.split('_').nth(1).and_then(|number| number.parse().ok());
        tests.entry(number.unwrap_or_default()).or_default().push(test.to_owned());
    }
    tests
}

impl Check {
    /// When a file that is checked was last changed: one that the command line names, or the crate's.
    fn newest(&self) -> Option<SystemTime> {
        let sources = [root().join(&self.name).join("src"), root().join("common/src")];
        let entries = sources.iter().flat_map(fs::read_dir).flatten().flatten();
        let files: Vec<_> = match &self.program[..] {
            [] => entries.map(|file| file.path()).collect(),
            words => words.iter().map(PathBuf::from).collect(),
        };
        let changed = |file: &PathBuf| fs::metadata(file).and_then(|file| file.modified()).ok();
        files.iter().filter_map(changed).max()
    }

    /// Runs step after step until one fails, or `all`, and then prints a line a test for other
    /// programs: whether every step passed.
    fn run(&self, steps: &Path, all: bool) -> bool {
        let by_number = tests_by_number(steps);
        let program = match &self.program[..] {
            [] => format!("{}/src/main.rs", self.name),
            words => words.join(" "),
        };
        if all {
            let tests: Vec<_> = by_number.into_values().flatten().collect();
            let verdicts = self.verdicts(steps, "step_", &tests);
            for (test, verdict) in tests.iter().zip(&verdicts) {
                let (sign, why) = match verdict {
                    Verdict::Passed => ("passed", ""),
                    Verdict::Idle(why) => ("idle", why.as_str()),
                    Verdict::Failed(why) => ("failed", why.as_str()),
                };
                say(&format!("{sign}\t{test}\t{}", why.trim_end().replace('\n', "\u{2028}")));
            }
            return verdicts.iter().all(|verdict| !matches!(verdict, Verdict::Failed(_)));
        }
        say(&words("Checking {} as {}", "检查 {}（练习 {}）", &[&program, &self.name]));
        let last = by_number.keys().max().copied().unwrap_or_default();
        for (number, tests) in by_number {
            let title = tests[0].split("::").next().unwrap_or_default();
            let shown = self.title(title);
            say("");
            let parts: [&dyn std::fmt::Display; 3] = [&number, &last, &shown];
            say(&words("step {} of {}: {}", "第 {} 步，共 {} 步：{}", &parts));
            let mut told = None; // of the failures, what the last one was
            let verdicts = self.verdicts(steps, &format!("step_{number}_"), &tests);
            for (test, verdict) in tests.iter().zip(verdicts) {
                let name = self.sentence(test);
                match verdict {
                    Verdict::Passed => say(&format!("  ✓ {name}")),
                    Verdict::Idle(why) => say(&format!("  – {name} ({why})")),
                    Verdict::Failed(why) => {
                        say(&format!("  ✗ {name}"));
                        // The first failure is the one to look at; nothing is said twice.
                        let sentence = why.lines().next().unwrap_or_default().to_owned();
                        let shown = match &told {
                            None => why.trim_end().replace('\n', "\n      "),
                            Some(last) if *last == sentence => words("(as above)", "（同上）", &[]),
                            _ => sentence.clone(),
                        };
                        say(&format!("      {shown}"));
                        told = Some(sentence);
                    }
                }
            }
            if told.is_some() {
                say("");
                self.show_the_way(title, number, last);
                return false;
            }
        }
        say("");
        say(&words("All {} steps are done.", "{} 步全部通过。", &[&last]));
        true
    }

    /// A test's name as a sentence; in Chinese from the sheet, which has a row for each.
    fn sentence(&self, test: &str) -> String {
        let name = test.rsplit("::").next().unwrap_or(test);
        let row = format!("| `{name}` | ");
        let row = self.sheet.lines().find_map(|line| line.strip_prefix(&row));
        let english = || name.replace('_', " ").replace("gbk", "GBK").replace("ipv6", "IPv6");
        row.map_or_else(english, |row| row.trim_end_matches([' ', '|']).to_owned())
    }

    /// The columns of a step's row on the sheet: its name, what it asks, and where that stands.
    fn row(&self, step: &str) -> Vec<&str> {
        let mut lines = self.sheet.lines();
        let row = lines.find(|line| line.starts_with(&format!("| `{step}` |")));
        row.map(|row| row.split('|').skip(1).map(str::trim).collect()).unwrap_or_default()
    }

    /// A step's name in words, or in Chinese what it asks.
    fn title(&self, step: &str) -> String {
        match self.row(step).get(1) {
            Some(asks) if in_chinese() => (*asks).to_owned(),
            _ => step.splitn(3, '_').last().unwrap_or_default().replace('_', " "),
        }
    }

    fn show_the_way(&self, title: &str, number: u32, last: u32) {
        let row = self.row(title);
        let place = row.get(2).copied().unwrap_or_default();
        let sheet = format!("{}/{}", self.name, sheet_name());
        let parts: [&dyn std::fmt::Display; 4] = [&number, &last, &sheet, &place];
        say(&words("Step {} of {}. See {}: {}", "第 {} 步，共 {} 步。参见 {}：{}", &parts));
    }

    /// Runs the `tests` of the program `steps`, whose names begin with `start`: how each came out.
    fn verdicts(&self, steps: &Path, start: &str, tests: &[String]) -> Vec<Verdict> {
        let folder = testing::scratch_in(&env::temp_dir(), "verdicts");
        fs::create_dir_all(folder.join("empty")).expect("a folder for the verdicts");
        let idle = folder.join("idle");
        fs::write(&idle, "").expect("a file for what is skipped");
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.arg("--reap").arg(steps).args([start, THREADS]);
        command.env("VERDICTS", &folder).env("SKIPPED_TESTS", &idle);
        command.env("TMPDIR", folder.join("empty")); // in which the program runs
        command.env_remove("CI").current_dir(env::temp_dir());
        if let Ok(here) = env::current_dir() {
            command.env("PWD", here);
        }
        for exercise in EXERCISES {
            command.env_remove(variable(exercise));
        }
        if !self.program.is_empty() {
            command.env(variable(&self.name), self.program.join("\n"));
        }
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().expect("the tests start");
        let is_late = output.status.code() == Some(TOO_LATE.into());
        let output = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<_> = output.lines().collect();
        let skipped = fs::read_to_string(&idle).unwrap_or_default();
        let verdict = |test: &String| {
            if lines.contains(&format!("test {test} ... ok").as_str()) {
                let idle = skipped.lines().find_map(|line| line.strip_prefix(test.as_str()));
                let why = idle.and_then(|line| line.split("for want of ").nth(1));
                let why =
                    why.map(|why| words("not checked: {} is missing", "未检查：缺少 {}", &[&why]));
                return why.map_or(Verdict::Passed, Verdict::Idle);
            }
            let why = fs::read_to_string(folder.join(test.replace("::", ".")));
            Verdict::Failed(why.unwrap_or_else(|_| match is_late {
                true => words("no verdict after {} seconds", "{} 秒内没有结论", &[&MOST.as_secs()]),
                false => words("it has ended its own check", "它结束了检查它的程序", &[]),
            }))
        };
        let verdicts = tests.iter().map(verdict).collect();
        let _ = fs::remove_dir_all(&folder);
        verdicts
    }
}

/// Kills the processes that the tests have left behind, and theirs.
fn kill_what_is_left() {
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
