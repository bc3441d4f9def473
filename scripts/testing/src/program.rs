//! A program that runs: started, typed at, its end awaited, and always taken down.

use std::cell::RefCell;
use std::env;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::constants::DEADLINE;
use crate::failure::{ensure, fail, shortened};
use crate::output::Lines;
use crate::process::Process;

/// The beginnings of names in the environment that are hidden from a program: cargo's, and the test's.
const HIDDEN: [&str; 5] = ["CARGO_", "RUST", "LD_LIBRARY_PATH", "PWD", "OLDPWD"];

/// A started program. Dropping it ends it, and what it has started.
pub struct Program {
    process: Arc<Process>,
    stdin: Option<Sender<Vec<u8>>>,
    /// Its stdout, line by line.
    pub stdout: Lines,
    /// Its stderr, line by line.
    pub stderr: Lines,
}

thread_local! {
    /// The stderr of each program of this test.
    static STDERR: RefCell<Vec<Lines>> = const { RefCell::new(Vec::new()) };
}

/// The last lines that this test's programs have written on stderr, which is then forgotten.
pub(crate) fn last_words() -> String {
    thread::sleep(Duration::from_millis(50)); // they may still be on their way
    let lines: Vec<_> = STDERR.take().iter().flat_map(Lines::seen).collect();
    let last = &lines[lines.len().saturating_sub(10)..];
    last.iter().map(|line| shortened(line)).collect::<Vec<_>>().join("\n")
}

impl Program {
    /// Starts `command` in the folder for temporary files, with all three streams in the test's hands.
    pub fn start(mut command: Command) -> Program {
        for (name, _) in env::vars_os() {
            if HIDDEN.iter().any(|hidden| name.to_string_lossy().starts_with(hidden)) {
                command.env_remove(name);
            }
        }
        // Python in UTF-8, and with each line flushed.
        command.env("PYTHONUTF8", "1").env("PYTHONUNBUFFERED", "1").current_dir(env::temp_dir());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = Path::new(command.get_program()).to_path_buf();
        let process = Process::start(command).unwrap_or_else(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                let english = "{} may not be executed; allow it by: chmod +x {}";
                fail(english, &[&name.display(), &name.display()])
            }
            ErrorKind::NotFound => fail("there is no program {}", &[&name.display()]),
            _ => fail("{} does not start: {}", &[&name.display(), &error]),
        });
        let mut child = process.child();
        let stdin = child.stdin().take().map(typist);
        let stdout = Lines::of("stdout", child.stdout().take().expect("stdout is piped"));
        let stderr = Lines::of("stderr", child.stderr().take().expect("stderr is piped"));
        drop(child);
        STDERR.with_borrow_mut(|all| all.push(stderr.clone()));
        Program { process, stdin, stdout, stderr }
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.process.child().id()
    }

    /// Types `text` on its stdin as it is: line ends are the caller's. This does not wait for a program
    /// that does not read.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_ref().expect("stdin is still open");
        let _ = stdin.send(text.as_ref().to_vec());
    }

    /// Ends its input.
    pub fn ends_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end: its exit status.
    pub fn status(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.status() {
                return status;
            }
            if Instant::now() > until {
                let english = "expected the program to end, but it still runs; its last lines: {}";
                fail(english, &[&self.stdout.last_seen()]);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for its end and checks its exit code.
    pub fn ends_with(&mut self, code: i32) {
        let status = self.status();
        let english = "expected the program to end with status {}, but it ended with {}";
        ensure(status.code() == Some(code), english, &[&code, &status]);
    }

    /// Waits for its end, before which it may write nothing more, and checks its exit code.
    pub fn ends_silently_with(&mut self, code: i32) {
        self.ends_with(code);
        self.stdout.expect_end();
        self.stderr.expect_end();
    }
}

/// Types the texts that are sent to it, until no more can come.
fn typist(mut stdin: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, texts) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for text in texts {
            if stdin.write_all(&text).is_err() {
                return;
            }
        }
    });
    sender
}

/// Runs `command` with `input` on its stdin to its end: status, stdout and stderr.
pub fn run(command: Command, input: impl AsRef<[u8]>) -> (Option<i32>, Vec<String>, Vec<String>) {
    let mut program = Program::start(command);
    program.types(input);
    program.ends_input();
    let status = program.status().code();
    (status, program.stdout.rest(), program.stderr.rest())
}
