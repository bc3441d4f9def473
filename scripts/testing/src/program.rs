//! The program under test: started, typed at, read line by line, and always taken down.

use std::cell::RefCell;
use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use wait_timeout::ChildExt;

use crate::{
    A_WHILE, DEADLINE, OF_THIS_REPOSITORY, ensure, fail, scratch_in, speak_plainly, try_signal,
    words,
};

/// Bytes that are read of one line and of one stream: more than any program has to say, and few
/// enough for the memory when one prints without end.
const MOST_OF_LINE: u64 = 1 << 20;
const MOST_OF_STREAM: u64 = 1 << 24;

/// How those names in the environment begin that are nothing to a program that is tested.
const HIDDEN: [&str; 8] = [
    "CARGO_",
    "RUST",
    "LD_LIBRARY_PATH",
    "PWD",
    "OLDPWD",
    "VERDICTS",
    "SKIPPED_TESTS",
    "TESTS_OF_STEPS",
];

/// How the name of a folder begins in which nothing is but the program that runs there.
const EMPTY_FOLDER: &str = "socket-lab-empty";

/// A program as its crate's tests know it.
#[derive(Clone, Copy)]
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// The file of the crate's own program.
    pub own: &'static str,
}

impl Subject {
    /// The command of the crate's own program, or of the one that the environment variable of its
    /// name says (`UDP_SERVER` for `udp-server`). Any other such variable is an error.
    ///
    /// It runs in an empty folder, which [`Program::start`] makes, and without cargo's environment.
    pub fn command(&self) -> Command {
        speak_plainly();
        let variable = variable(self.name);
        let names = |other: &String| other.starts_with("UDP_") || other.starts_with("TCP_");
        let mut others = env::vars().map(|(name, _)| name).filter(names);
        if let Some(other) = others.find(|other| *other != variable) {
            let english = "{} is set, and these tests look for {} alone";
            fail(english, "设置了 {}，而这些测试只看 {}", &[&other, &variable]);
        }
        let mut command = program(self.name, self.own);
        let is_hidden = |name: &str| HIDDEN.iter().any(|hidden| name.starts_with(hidden));
        for (name, _) in env::vars_os().filter(|(name, _)| is_hidden(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.current_dir(scratch_in(&env::temp_dir(), EMPTY_FOLDER));
        command
    }

    /// The same with `arguments`.
    pub fn with(&self, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.args(arguments);
        command
    }

    /// Starts it, which is a server, and waits until it listens.
    pub fn serve(&self) -> Server {
        Server::start(self.name, self.command())
    }
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The command of the program called `name`: the one that its variable says, a file or a command with
/// arguments, or its `own` file.
///
/// A `.py` is started with Python, a `.jar` with Java and a `.js` with Node.js, as they do not start
/// by themselves everywhere. A file
/// is looked for where cargo was called (cargo runs a test in its crate's folder, and on Windows does
/// not say where it was called), in the repository, and in the crate.
pub fn program(name: &str, own: &str) -> Command {
    env::var(variable(name)).map_or_else(|_| Command::new(own), |value| named(&value))
}

fn named(value: &str) -> Command {
    let words = match file(value) {
        Some(file) => vec![file],
        None => {
            // check.sh puts each word on a line of its own.
            let separator = if value.contains('\n') { '\n' } else { ' ' };
            let words = value.split(separator).filter(|word| !word.is_empty());
            words.map(|word| file(word).unwrap_or_else(|| PathBuf::from(word))).collect()
        }
    };
    let (first, rest) = words.split_first().expect("the variable names a program");
    let starter: &[&str] = match first.extension().and_then(|extension| extension.to_str()) {
        Some("py") if cfg!(windows) => &["python"],
        Some("py") => &["python3"],
        Some("jar") => &["java", "-jar"],
        Some("js") => &["node"],
        _ => &[],
    };
    let words: Vec<_> = starter.iter().map(Path::new).chain([first.as_path()]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(rest);
    command
}

/// The file of that name, if there is one.
fn file(name: &str) -> Option<PathBuf> {
    let called_from = env::var_os("PWD").unwrap_or_default();
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folders = [Path::new(&called_from), Path::new(repository), Path::new("")];
    let file = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())?;
    std::path::absolute(file).ok()
}

/// A started program. Dropping it ends it, and what it has started.
pub struct Program {
    child: Arc<Mutex<Child>>,
    guard: Option<Child>,
    is_script: bool,
    folder: Option<PathBuf>,
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

/// What this test's programs have written on stdout.
fn other_streams() -> Vec<String> {
    STARTED.with_borrow(|started| started.iter().flat_map(|(.., stdout)| stdout.seen()).collect())
}

/// Text of any length in a sentence.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}… ({})", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts `command` with all three streams in the test's hands.
    pub fn start(command: Command) -> Program {
        let (mut program, stdout) = Program::start_unread(command);
        program.reads(stdout);
        program
    }

    /// Reads its `stdout` line by line from now on.
    pub fn reads(&mut self, stdout: ChildStdout) {
        self.stdout = Lines::of("stdout", Some(stdout));
        let is_this = |(child, ..): &&mut Started| Arc::ptr_eq(child, &self.child);
        STARTED.with_borrow_mut(|started| {
            started.iter_mut().filter(is_this).for_each(|one| one.2 = self.stdout.clone());
        });
    }

    /// The same with its stdout in the caller's hands: to drop, so that its reader has gone, or to
    /// leave unread, so that the program waits once the pipe is full.
    ///
    /// On Unix the program runs in the process group of a guard that kills it when the test is done with
    /// it, or has died.
    pub fn start_unread(mut command: Command) -> (Program, ChildStdout) {
        speak_plainly();
        let is_script = command.get_envs().any(|(name, _)| name == OF_THIS_REPOSITORY);
        let folder = command.get_current_dir().filter(|folder| {
            let name = folder.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with(EMPTY_FOLDER)
        });
        let folder = folder.map(Path::to_owned);
        if let Some(folder) = &folder {
            fs::create_dir(folder).expect("an empty folder");
        }
        // Python in UTF-8, and with each line out at once.
        command.env("PYTHONUTF8", "1").env("PYTHONUNBUFFERED", "1");
        refuse_crlf(&command);
        let guard = guard(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            let _ = folder.as_ref().map(fs::remove_dir);
            does_not_start(&command, &error)
        });
        let (stdin, stdout) = (child.stdin.take().map(typist), child.stdout.take());
        let stderr = Lines::of("stderr", child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        let nothing = Lines::of("stdout", None::<ChildStdout>);
        let started = (Arc::clone(&child), stderr.clone(), nothing.clone());
        STARTED.with_borrow_mut(|all| all.push(started));
        let program = Program { child, guard, is_script, folder, stdin, stdout: nothing, stderr };
        (program, stdout.expect("stdout is piped"))
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

    /// Waits for its end: its exit status.
    pub fn status(&mut self) -> ExitStatus {
        self.status_within(DEADLINE)
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
        if self.is_script && self.is_running() && try_signal("TERM", &self.id().to_string()) {
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
        let _ = self.folder.as_ref().map(fs::remove_dir_all);
    }
}

/// The lines that a program writes on one stream, as they come.
#[derive(Clone)]
pub struct Lines {
    stream: &'static str,
    next: usize,
    shared: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn of(stream: &'static str, source: Option<impl Read + Send + 'static>) -> Lines {
        let shared = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            if let Some(source) = source {
                collect(source, &seen);
            }
            locked(&seen.0).ended = true;
            seen.1.notify_all();
        });
        Lines { stream, next: 0, shared }
    }

    /// The next line, or `None` at the end of the stream; or why nothing has come `until` then.
    fn awaited(&mut self, until: Instant) -> Result<Option<String>, String> {
        let (seen, arrived) = &*self.shared;
        let waiting = |seen: &mut Seen| seen.lines.len() <= self.next && !seen.ended;
        let patience = until.saturating_duration_since(Instant::now());
        let (seen, timeout) = arrived
            .wait_timeout_while(locked(seen), patience, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let line = seen.lines.get(self.next).cloned();
        let is_first = seen.lines.is_empty();
        drop(seen);
        if timeout.timed_out() {
            let hint = match self.stream {
                "stdout" if is_first => {
                    words(" (is each line flushed?)", "（每行都刷新输出了吗？）", &[])
                }
                _ => String::new(),
            };
            let seconds = DEADLINE.as_secs();
            let parts: [&dyn std::fmt::Display; 2] = [&seconds, &hint];
            return Err(words("nothing came for {} seconds{}", "在 {} 秒内没有出现{}", &parts));
        }
        self.next += 1;
        Ok(line)
    }

    /// Fails the test: `what` was expected, in both languages, `but` something else happened.
    fn is_missing(&self, what: [&str; 2], but: &str) -> ! {
        fail(
            "expected {} on {}, but {}; it had: {}",
            "应出现{}（在 {} 上），但{}；此前有：{}",
            &[&words(what[0], what[1], &[]), &self.stream, &but, &self.last_seen()],
        )
    }

    /// Says that the stream has ended, which as a rule is the end of the program.
    fn its_end(&self) -> String {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(100) {
            if let Some(end) = an_end() {
                return end;
            }
            thread::sleep(Duration::from_millis(5));
        }
        words("it was closed", "它被关闭了", &[])
    }

    /// The next line, or `None` at the end of the stream.
    pub fn next_line(&mut self) -> Option<String> {
        self.line_or_end(Instant::now() + DEADLINE)
    }

    fn line_or_end(&mut self, until: Instant) -> Option<String> {
        let line = self.awaited(until);
        line.unwrap_or_else(|why| self.is_missing(["its end", "结尾"], &why))
    }

    /// Waits for the next line, which has to be `expected`.
    pub fn expect(&mut self, expected: &str) {
        let quoted = shortened(&format!("{expected:?}"));
        let what = [&format!("the line {quoted}"), &format!("这一行 {quoted}")];
        self.find_line(what.map(String::as_str), true, |line| line == expected);
    }

    /// Waits for the next line, which has to contain each of `parts`: that line.
    pub fn expect_parts(&mut self, parts: &[&str]) -> String {
        self.find(parts, true)
    }

    /// Waits until a line contains `part`, whatever comes before it: that line.
    pub fn wait_for(&mut self, part: &str) -> String {
        self.find(&[part], false)
    }

    /// Waits until a line contains each of `parts`, which may have to be the `next` one: that line.
    pub fn find(&mut self, parts: &[&str], next: bool) -> String {
        let quoted = shortened(&format!("{parts:?}"));
        let what = [&format!("a line with {quoted}"), &format!("含有 {quoted} 的一行")];
        self.find_line(what.map(String::as_str), next, |line| {
            parts.iter().all(|part| line.contains(part))
        })
    }

    fn find_line(&mut self, what: [&str; 2], next: bool, is_it: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        let mut end = None;
        loop {
            // Who has ended says no more, though what it has started may still hold the stream.
            let line = self.awaited(until.min(Instant::now() + A_WHILE));
            if line.is_err() && end.is_none() && Instant::now() < until {
                end = an_end();
                continue;
            }
            match line {
                Ok(Some(line)) if is_it(&line) => return line,
                Ok(Some(line)) if next || Instant::now() > until => {
                    let line = shortened(&format!("{line:?}"));
                    self.is_missing(what, &words("got {}", "得到 {}", &[&line]))
                }
                Ok(Some(_)) => {}
                _ if self.stream == "stderr" && other_streams().iter().any(|line| is_it(line)) => {
                    self.is_missing(what, &words("it is on stdout", "它写在了 stdout 上", &[]))
                }
                Ok(None) => self.is_missing(what, &self.its_end()),
                Err(why) => self.is_missing(what, &end.unwrap_or(why)),
            }
        }
    }

    /// All lines that are still to come until the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        let until = Instant::now() + 6 * DEADLINE;
        std::iter::from_fn(|| self.line_or_end(until.min(Instant::now() + DEADLINE))).collect()
    }

    /// Waits for the end of the stream, before which nothing more may come.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        ensure(
            rest.is_empty(),
            "expected nothing more on {}, but got {}",
            "{} 上不应再有内容，但得到 {}",
            &[&self.stream, &shortened(&format!("{rest:?}"))],
        );
    }

    /// All lines so far, without waiting.
    pub fn seen(&self) -> Vec<String> {
        locked(&self.shared.0).lines.clone()
    }

    fn last_seen(&self) -> String {
        let seen = self.seen();
        shortened(&format!("{:?}", &seen[seen.len().saturating_sub(3)..]))
    }
}

fn collect(source: impl Read, (seen, arrived): &(Mutex<Seen>, Condvar)) {
    let mut source = BufReader::new(source.take(MOST_OF_STREAM));
    let mut line = Vec::new();
    let mut one = |line: &mut Vec<u8>| source.by_ref().take(MOST_OF_LINE).read_until(b'\n', line);
    let mut size = 0;
    while one(&mut line).is_ok_and(|size| size > 0) {
        size += line.len() as u64;
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if std::str::from_utf8(&line).is_err() {
            let hint =
                ["(not UTF-8: in the machine's code page?)", "（不是 UTF-8，是本机代码页？）"];
            text += &words(hint[0], hint[1], &[]);
        }
        // A line that lacks its line feed shows that it does.
        let text = text.strip_suffix('\n').map_or(format!("{text}(no line feed)"), str::to_owned);
        let mut seen = locked(seen);
        seen.lines.push(text);
        if size == MOST_OF_STREAM {
            seen.lines.push(format!("({size} bytes, and nobody reads any further)"));
        }
        arrived.notify_all();
        line.clear();
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
    run_within(DEADLINE, command, input)
}

/// The same for a program that takes longer than others.
pub fn run_within(
    patience: Duration,
    command: Command,
    input: impl AsRef<[u8]>,
) -> (Option<i32>, Vec<String>, Vec<String>) {
    let mut program = Program::start(command);
    program.types(input);
    program.ends_input();
    let status = program.status_within(patience).code();
    (status, program.stdout.rest(), program.stderr.rest())
}

/// A client's command with the address of its server.
pub fn client(mut command: Command, server: SocketAddr) -> Command {
    command.args([server.ip().to_string(), server.port().to_string()]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_by_a_file_or_by_a_command_with_arguments() {
        // Files of the repository, which are found from every crate's folder.
        let [py, readme] = ["common/tests/gbk.py", "README.md"]
            .map(|name| file(name).expect("a file of the repository").display().to_string());
        let spaced = crate::scratch("my server").with_extension("jar");
        fs::write(&spaced, "").expect("a file");
        let jar = spaced.display().to_string();
        let python = if cfg!(windows) { "python" } else { "python3" };
        let cases: [(&str, &[&str]); 5] = [
            ("common/tests/gbk.py", &[python, &py]),
            ("node common/tests/gbk.py  -x", &["node", &py, "-x"]),
            ("README.md", &[&readme]),
            ("no-such-file -x", &["no-such-file", "-x"]),
            (&jar, &["java", "-jar", &jar]),
        ];
        for (value, expected) in cases {
            let command = named(value);
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            assert!(words.eq(expected.iter().map(std::ffi::OsStr::new)), "{value}: {command:?}");
        }
        fs::remove_file(&spaced).expect("the file is there");
    }
}
