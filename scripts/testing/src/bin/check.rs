//! `scripts/check.sh` and `cargo check-lab`: checks a program step after step, and says how far it is.
//!
//! It knows the names of tests and their verdicts, which the exercise's tests print as JSON.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio, exit};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

use serde_json::Value;
use testing::process::{kill_orphans, take_orphans};
use testing::subject::variable;
use testing::{ROOT, cargo, in_chinese, say, speak_chinese};

const EXERCISES: [&str; 4] = ["udp-server", "udp-client", "tcp-server", "tcp-client"];

const HELP: &str = "usage: scripts/check.sh [--zh] [--watch] CRATE [PROGRAM [ARGUMENT...]]

Checks the program of the exercise CRATE (udp-server, udp-client, tcp-server or tcp-client), or any
PROGRAM in its place, such as: scripts/check.sh udp-server python3 server.py
It stops after the first step that fails. --watch checks again whenever a file of the program changes;
--zh speaks Chinese. `cargo check-lab` does the same. The status is 0 when all steps passed.";

/// How long the tests of a step may take: more than they wait for, side by side.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What is checked.
struct Check {
    name: String,
    program: Vec<String>,
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    let mut watches = false;
    while let Some(option) = arguments.next_if(|argument| argument.starts_with('-')) {
        match option.as_str() {
            "--watch" => watches = true,
            "--zh" => speak_chinese(),
            "-h" | "--help" => {
                show(HELP);
                return ExitCode::SUCCESS;
            }
            _ => return refuse(&say("unknown option {}", &[&option])),
        }
    }
    let name = arguments.next().unwrap_or_default();
    if !EXERCISES.contains(&name.as_str()) {
        let english = "CRATE is udp-server, udp-client, tcp-server or tcp-client, not '{}'";
        return refuse(&say(english, &[&name]));
    }
    take_orphans();
    let check = Check { name, program: arguments.collect() };
    loop {
        let seen = check.last_change();
        let passed = check.run();
        if !watches {
            return ExitCode::from(u8::from(!passed));
        }
        show(&say("(waiting for a change)", &[]));
        while check.last_change() == seen {
            thread::sleep(Duration::from_millis(300));
        }
        show("");
    }
}

/// Prints a line, as long as somebody reads them.
fn show(line: &str) {
    if writeln!(stdout(), "{line}").and_then(|()| stdout().flush()).is_err() {
        exit(1);
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("check.sh: {why}\n{}", HELP.lines().next().unwrap_or_default());
    ExitCode::from(2)
}

impl Check {
    /// When a file that is checked was last changed: one that the command line names, or the crate's.
    fn last_change(&self) -> Option<SystemTime> {
        let folders = [format!("{ROOT}/{}/src", self.name), format!("{ROOT}/common/src")];
        let mut files: Vec<_> = self.program.iter().map(PathBuf::from).collect();
        if files.is_empty() {
            let entries = folders.iter().flat_map(fs::read_dir).flatten().flatten();
            files = entries.map(|file| file.path()).collect();
        }
        let changed = |file: &PathBuf| fs::metadata(file).and_then(|file| file.modified()).ok();
        files.iter().filter_map(changed).max()
    }

    /// Runs step after step until one fails: whether all passed.
    fn run(&self) -> bool {
        let built = cargo(&["test", "--no-run", "--test", "steps", "-p", &self.name]);
        let tests = built.and_then(|files| files.into_iter().find(|file| file.contains("steps-")));
        let Some(tests) = tests else {
            show(&format!("✗ {}", say("it does not compile: see above", &[])));
            return false;
        };
        let program = match &self.program[..] {
            [] => format!("{}/src/main.rs", self.name),
            words => words.join(" "),
        };
        show(&say("Checking {} as {}", &[&program, &self.name]));
        let mut steps = BTreeMap::<u64, Vec<Value>>::new();
        for verdict in self.verdicts(&tests, &["--plan"]).0 {
            steps.entry(verdict["step"].as_u64().unwrap_or_default()).or_default().push(verdict);
        }
        let last = steps.len();
        for (number, mut verdicts) in steps {
            let title = text(&verdicts[0], "title");
            show(&say("\nstep {} of {}: {}", &[&number, &last, &title]));
            let (given, is_late) = self.verdicts(&tests, &["--verdicts", &number.to_string()]);
            kill_orphans();
            for planned in &mut verdicts {
                if let Some(given) = given.iter().find(|given| given["test"] == planned["test"]) {
                    *planned = given.clone();
                } else if is_late {
                    planned["why"] =
                        say("no verdict after {} seconds", &[&TIME_LIMIT.as_secs()]).into();
                }
            }
            if !show_verdicts(&verdicts) {
                let sheet = if in_chinese() { "README.zh-CN.md" } else { "README.md" };
                let sheet = format!("{}/{sheet}", self.name);
                let english = "\nStep {} of {}. See \"Write it yourself\" in {}.";
                show(&say(english, &[&number, &last, &sheet]));
                return false;
            }
        }
        show(&say("\nAll {} steps are done.", &[&last]));
        true
    }

    /// Runs the tests' program: what it prints, and whether it has taken too long.
    fn verdicts(&self, tests: &str, arguments: &[&str]) -> (Vec<Value>, bool) {
        let empty = tempfile::tempdir().expect("a folder for the program");
        let mut command = Command::new(tests);
        command.args(arguments).args(in_chinese().then_some("--zh"));
        for variable in ["CI", "UDP_SERVER", "UDP_CLIENT", "TCP_SERVER", "TCP_CLIENT"] {
            command.env_remove(variable);
        }
        command.env("TMPDIR", empty.path()).env("TMP", empty.path()).current_dir(empty.path());
        command.env("PWD", env::current_dir().unwrap_or_default());
        if !self.program.is_empty() {
            command.env(variable(&self.name), self.program.join("\n") + "\n");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the tests start");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let reader = thread::spawn(|| {
            lines.map_while(Result::ok).flat_map(|line| serde_json::from_str(&line)).collect()
        });
        let started = Instant::now();
        while child.try_wait().expect("the tests can be waited for").is_none() {
            if started.elapsed() > TIME_LIMIT {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
        (reader.join().unwrap_or_default(), started.elapsed() > TIME_LIMIT)
    }
}

/// What a verdict says of `key`.
fn text<'a>(verdict: &'a Value, key: &str) -> &'a str {
    verdict[key].as_str().unwrap_or_default()
}

/// Shows the verdicts of a step, nothing twice: whether none is a failure.
fn show_verdicts(verdicts: &[Value]) -> bool {
    let mut told = vec![""];
    let mut all_passed = true;
    for verdict in verdicts {
        let [test, why, output] = ["test", "why", "output"].map(|key| text(verdict, key));
        match text(verdict, "verdict") {
            "passed" => show(&format!("  ✓ {test}")),
            "skipped" => show(&format!("  – {test} ({why})")),
            _ => {
                all_passed = false;
                show(&format!("  ✗ {test}"));
                match told.contains(&why) {
                    true => show(&format!("      {}", say("(as above)", &[]))),
                    false => show(&format!("      {why}")),
                }
                if !told.contains(&output) {
                    output.lines().for_each(|line| show(&format!("      | {line}")));
                }
                told.extend([why, output]);
            }
        }
    }
    all_passed
}
