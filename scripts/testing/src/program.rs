//! A program that runs: started, typed at, its end awaited, and always taken down.

use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wait_timeout::ChildExt;

use crate::lines::locked;
use crate::{
    A_WHILE, DEADLINE, Lines, OF_THIS_REPOSITORY, ensure, fail, shortened, speak_plainly,
    try_signal, words,
};

/// How long one of this repository's scripts may take, on a machine that is busy with others.
pub const A_SCRIPT: Duration = Duration::from_secs(120);

/// A started program. Dropping it ends it, and what it has started.
pub struct Program {
    child: Arc<Mutex<Child>>,
    guard: Option<Child>,
    is_script: bool,
    stdin: Option<Sender<Vec<u8>>>,
    /// Its stdout, line by line.
    pub stdout: Lines,
    /// Its stderr, line by line.
    pub stderr: Lines,
}

/// A program, its stderr and its stdout.
type Started = (Arc<Mutex<Child>>, Lines, Lines);

thread_local! {
    /// The programs of the test in this thread, for whoever waits for something from them.
    static STARTED: RefCell<Vec<Started>> = const { RefCell::new(Vec::new()) };
}

/// What to say to somebody who waits for a program of this test, when none is running any more: how
/// the last one that was started has ended.
pub(crate) fn an_end() -> Option<String> {
    STARTED.with_borrow(|started| {
        let mut last = None;
        for (child, ..) in started {
            let status = locked(child).try_wait().ok()??;
            last = Some(words("the program has ended: {}", "程序已经结束（{}）", &[&status]));
        }
        last
    })
}

/// The last lines that this test's programs have written on stderr.
pub(crate) fn last_words() -> String {
    if an_end().is_some() {
        thread::sleep(Duration::from_millis(50)); // they may still be on their way
    }
    STARTED.with_borrow(|started| {
        let lines: Vec<_> = started.iter().flat_map(|(_, stderr, _)| stderr.seen()).collect();
        let last = &lines[lines.len().saturating_sub(10)..];
        last.iter().map(|line| format!("  | {}\n", shortened(line))).collect()
    })
}

/// Whether a program of this test has written such a line on stdout.
pub(crate) fn is_on_stdout(is_it: impl Fn(&str) -> bool) -> bool {
    let by = Instant::now() + A_WHILE; // it may still be on its way
    STARTED.with_borrow(|started| started.iter().any(|(.., stdout)| stdout.clone().has(by, &is_it)))
}

impl Program {
    /// Starts `command` with all three streams in the test's hands.
    pub fn start(command: Command) -> Program {
        let (mut program, stdout) = Program::start_unread(command);
        program.reads(stdout);
        program
    }

    /// The same with its stdout in the caller's hands: to drop, so that its reader has gone, or to
    /// leave unread, so that the program waits once the pipe is full.
    ///
    /// On Unix the program runs in the process group of a guard that kills it when the test is done with
    /// it, or has died.
    pub fn start_unread(mut command: Command) -> (Program, ChildStdout) {
        speak_plainly();
        let is_script = command.get_envs().any(|(name, _)| name == OF_THIS_REPOSITORY);
        // Python in UTF-8, and with each line out at once.
        command.env("PYTHONUTF8", "1").env("PYTHONUNBUFFERED", "1");
        refuse_crlf(&command);
        let guard = guard(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| does_not_start(&command, &error));
        let stdin = child.stdin.take().map(typist);
        let unread = child.stdout.take().expect("stdout is piped");
        let stderr = Lines::of("stderr", child.stderr.take().expect("stderr is piped"));
        let child = Arc::new(Mutex::new(child));
        let stdout = Lines::none("stdout");
        let started = (Arc::clone(&child), stderr.clone(), stdout.clone());
        STARTED.with_borrow_mut(|all| all.push(started));
        (Program { child, guard, is_script, stdin, stdout, stderr }, unread)
    }

    /// Reads its `stdout` line by line from now on.
    pub fn reads(&mut self, stdout: ChildStdout) {
        self.stdout = Lines::of("stdout", stdout);
        let is_this = |(child, ..): &&mut Started| Arc::ptr_eq(child, &self.child);
        STARTED.with_borrow_mut(|started| {
            started.iter_mut().filter(is_this).for_each(|one| one.2 = self.stdout.clone());
        });
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        locked(&self.child).id()
    }

    /// Types `text` on its stdin as it is: line ends are the caller's. Nobody waits for a program that
    /// does not read.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_ref().expect("stdin is still open");
        let _ = stdin.send(text.as_ref().to_vec());
    }

    /// Ends its input.
    pub fn ends_input(&mut self) {
        self.stdin = None;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let mut child = locked(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Kills it with all that it has started, less what has left its process group.
    pub fn kill_all(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
        self.kill();
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        locked(&self.child).try_wait().expect("the program can be waited for").is_none()
    }

    /// Waits for its end: its exit status. A script, which starts many programs, may take longer.
    pub fn status(&mut self) -> ExitStatus {
        self.status_within(if self.is_script { A_SCRIPT } else { DEADLINE })
    }

    fn status_within(&mut self, patience: Duration) -> ExitStatus {
        let status = locked(&self.child).wait_timeout(patience);
        status.expect("the program can be waited for").unwrap_or_else(|| {
            fail(
                "expected the program to end, but it still runs; its stdout so far: {}",
                "程序应当结束，但仍在运行；它在 stdout 上已写出：{}",
                &[&self.stdout.last_seen()],
            )
        })
    }

    /// Waits for its end and checks its exit code.
    pub fn ends_with(&mut self, code: i32) {
        let status = self.status();
        ensure(
            status.code() == Some(code),
            "expected the program to end with status {}, but it ended with {}",
            "程序应以退出状态 {} 结束，实际是 {}",
            &[&code, &status],
        );
    }

    /// Waits for its end, before which it may write nothing more, and checks its exit code.
    pub fn ends_silently_with(&mut self, code: i32) {
        self.ends_with(code);
        self.stdout.expect_end();
        self.stderr.expect_end();
    }
}

/// Types what it is sent, until nothing more can come.
fn typist(mut stdin: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, texts) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || texts.iter().all(|text| stdin.write_all(&text).is_ok()));
    sender
}

/// Puts `command` into a process group that is killed as a whole when the guard's stdin ends. That it
/// does too when the test itself is killed.
#[cfg(unix)]
fn guard(command: &mut Command) -> Option<Child> {
    use std::os::unix::process::CommandExt;
    let mut guard = Command::new("bash");
    guard.args(["-c", "trap '' HUP INT TERM; read -r _; kill -s KILL 0"]).process_group(0);
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let guard = guard.spawn().expect("bash starts");
    command.process_group(guard.id().try_into().expect("a process id"));
    Some(guard)
}

#[cfg(not(unix))]
fn guard(_: &mut Command) -> Option<Child> {
    None
}

fn does_not_start(command: &Command, error: &std::io::Error) -> ! {
    let name = Path::new(command.get_program()).display();
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let english = "{} may not be executed; allow it by: chmod +x {}";
            fail(english, "{} 没有执行权限；请运行：chmod +x {}", &[&name, &name])
        }
        _ => fail("{} does not start: {}", "{} 无法启动：{}", &[&name, error]),
    }
}

/// A script from Windows names an interpreter that is not there, `python3\r`.
fn refuse_crlf(command: &Command) {
    let mut first = [0; 200];
    let read = File::open(command.get_program()).and_then(|mut file| file.read(&mut first));
    let first = first[..read.unwrap_or(0)].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let english =
        "the first line of {} ends in CRLF: save the file with LF, or name its interpreter";
    ensure(
        !(first.starts_with(b"#!") && first.ends_with(b"\r")),
        english,
        "{} 的第一行以 CRLF 结尾：请用 LF 换行保存，或写明解释器",
        &[&Path::new(command.get_program()).display()],
    );
}

impl Drop for Program {
    fn drop(&mut self) {
        // One of this repository's scripts takes down what it has started when it may.
        if self.is_script && self.is_running() && try_signal("TERM", self.id()) {
            let _ = locked(&self.child).wait_timeout(DEADLINE);
        }
        if cfg!(windows) && self.is_running() {
            let id = self.id().to_string();
            let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).output();
        }
        self.kill_all();
        STARTED.with_borrow_mut(|started| {
            started.retain(|(child, ..)| !Arc::ptr_eq(child, &self.child));
        });
    }
}

/// A server that is ready, on a free port of 127.0.0.1.
pub struct Server {
    /// What it is called.
    pub name: String,
    /// The process and what it prints; the line that says where it listens is read already.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts the server called `name` and waits until it listens.
    pub fn start(name: &str, command: Command) -> Server {
        Server::start_at(name, command, "127.0.0.1")
    }

    /// The same at another `host`.
    pub fn start_at(name: &str, mut command: Command, host: &str) -> Server {
        command.args([host, "0"]);
        Server::ready(name, Program::start(command), host)
    }

    /// The same with its stdout unread.
    pub fn start_unread(name: &str, mut command: Command) -> (Server, ChildStdout) {
        command.args(["127.0.0.1", "0"]);
        let (program, stdout) = Program::start_unread(command);
        (Server::ready(name, program, "127.0.0.1"), stdout)
    }

    fn ready(name: &str, mut program: Program, told: &str) -> Server {
        let line = program.stderr.wait_for("listening on");
        let host = if ["", "localhost"].contains(&told) { "127.0.0.1" } else { told };
        // However the address is written: 127.0.0.1:50000, ('127.0.0.1', 50000), ::1 50000.
        let after = line.split("listening on").last().unwrap_or_default();
        let mut numbers = after.split(|character: char| !character.is_ascii_digit());
        let port = numbers.rfind(|number| !number.is_empty());
        let port = port.and_then(|port| port.parse().ok()).filter(|port| ![0, 7890].contains(port));
        match (host.parse::<IpAddr>(), port) {
            (Ok(ip), Some(port)) if after.contains(host) => {
                Server { name: name.to_owned(), program, address: (ip, port).into() }
            }
            _ => fail(
                "told to listen on HOST {} and PORT 0 (any free port), it says: {}",
                "要求它监听 HOST {}、PORT 0（任一空闲端口），它却说：{}",
                &[&host, &line],
            ),
        }
    }
}

/// Runs `command` with `input` on its stdin to its end: status, stdout and stderr.
pub fn run(command: Command, input: impl AsRef<[u8]>) -> (Option<i32>, Vec<String>, Vec<String>) {
    let mut program = Program::start(command);
    program.types(input);
    program.ends_input();
    let status = program.status().code();
    (status, program.stdout.rest(), program.stderr.rest())
}

/// A client's command with the address of its server.
pub fn client(mut command: Command, server: SocketAddr) -> Command {
    command.args([server.ip().to_string(), server.port().to_string()]);
    command
}
