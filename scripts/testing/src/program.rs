//! The program under test: started, typed at, read line by line, and always taken down.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wait_timeout::ChildExt;

use crate::{DEADLINE, try_signal};

/// Lines that are read from one stream: more than any program has to say, and few enough for the
/// memory when one prints without end.
const MOST_LINES: usize = 100_000;

/// The program to test: the one that an environment variable names (`UDP_SERVER` for
/// `udp-server`), or the crate's own.
///
/// The variable holds a file, or a command with its arguments. A `.py` is started with Python and a
/// `.jar` with Java, as Windows starts neither by itself. A file is looked for where cargo was
/// called (cargo runs a test in its crate's folder, and on Windows does not say where it was
/// called), in the repository, and in the crate.
pub fn program(name: &str, own: &str) -> Command {
    let variable = name.to_uppercase().replace('-', "_");
    env::var(variable).map_or_else(|_| Command::new(own), |value| named(&value))
}

fn named(value: &str) -> Command {
    let words = match file(value) {
        Some(file) => vec![file],
        None => value
            .split_whitespace()
            .map(|word| file(word).unwrap_or_else(|| PathBuf::from(word)))
            .collect(),
    };
    let (first, rest) = words.split_first().expect("the variable names a program");
    let starter: &[&str] = match first.extension().and_then(|extension| extension.to_str()) {
        Some("py") if cfg!(windows) => &["python"],
        Some("py") => &["python3"],
        Some("jar") => &["java", "-jar"],
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

/// A started program. Dropping it ends it, and when it is a script also what that has started.
pub struct Program {
    child: Arc<Mutex<Child>>,
    id: u32,
    stdin: Option<ChildStdin>,
    /// Its stdout, line by line.
    pub stdout: Lines,
    /// Its stderr, line by line.
    pub stderr: Lines,
}

thread_local! {
    /// The programs of the test in this thread, for whoever waits for something from them.
    static STARTED: RefCell<Vec<(Arc<Mutex<Child>>, Lines)>> = const { RefCell::new(Vec::new()) };
}

/// What to say to somebody who waits for a program of this test, when none is running any more: how
/// the last one that was started has ended.
pub(crate) fn an_end() -> Option<String> {
    STARTED.with_borrow(|started| {
        let mut last = None;
        for (child, stderr) in started {
            let status = locked(child).try_wait().ok()??;
            last = Some(format!("the program has ended with {status}, stderr {:?}", stderr.seen()));
        }
        last
    })
}

/// The end of a stream, which as a rule is the end of a program.
fn its_end() -> String {
    let ended = (0..20).find_map(|_| {
        an_end().or_else(|| {
            thread::sleep(Duration::from_millis(5));
            None
        })
    });
    ended.map_or("its end".to_owned(), |end| format!("its end: {end}"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts `command` with all three streams in the test's hands.
    pub fn start(command: Command) -> Program {
        Program::watch(spawn(command))
    }

    /// The same with its stdout in the caller's hands: to drop, so that its reader has gone, or to
    /// leave unread, so that the program waits once the pipe is full.
    pub fn start_unread(command: Command) -> (Program, ChildStdout) {
        let mut child = spawn(command);
        let stdout = child.stdout.take().expect("stdout is piped");
        (Program::watch(child), stdout)
    }

    fn watch(mut child: Child) -> Program {
        let stdin = child.stdin.take();
        let stdout = Lines::of("stdout", child.stdout.take());
        let stderr = Lines::of("stderr", child.stderr.take());
        let (id, child) = (child.id(), Arc::new(Mutex::new(child)));
        STARTED.with_borrow_mut(|started| started.push((Arc::clone(&child), stderr.clone())));
        Program { child, id, stdin, stdout, stderr }
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Types `text` on its stdin as it is: line ends are the caller's. A program that no longer
    /// reads is none of the typist's business.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        let _ = stdin.write_all(text.as_ref());
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

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        locked(&self.child).try_wait().expect("the program can be waited for").is_none()
    }

    /// Waits for its end: its exit status.
    pub fn status(&mut self) -> ExitStatus {
        let status = locked(&self.child).wait_timeout(DEADLINE);
        status.expect("the program can be waited for").unwrap_or_else(|| {
            panic!(
                "expected the program to end, but it is still running; stdout {:?}, stderr {:?}",
                self.stdout.seen(),
                self.stderr.seen()
            )
        })
    }

    /// Waits for its end and checks its exit code.
    pub fn ends_with(&mut self, code: i32) {
        let status = self.status();
        assert!(
            status.code() == Some(code),
            "expected the program to end with status {code}, but it ended with {status}; \
             stderr {:?}",
            self.stderr.rest()
        );
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

impl Drop for Program {
    fn drop(&mut self) {
        STARTED.with_borrow_mut(|started| {
            started.retain(|(child, _)| !Arc::ptr_eq(child, &self.child));
        });
        // A script takes down what it has started when it may.
        if cfg!(unix) && self.is_running() && try_signal("TERM", &self.id().to_string()) {
            let _ = locked(&self.child).wait_timeout(DEADLINE);
        }
        self.kill();
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
                collect(BufReader::new(source), &seen);
            }
            seen.0.lock().expect("the test does not panic here").ended = true;
            seen.1.notify_all();
        });
        Lines { stream, next: 0, shared }
    }

    /// The next line, or `None` at the end of the stream.
    pub fn next_line(&mut self) -> Option<String> {
        self.awaited("another line")
    }

    /// The same; `what` is expected.
    fn awaited(&mut self, what: &str) -> Option<String> {
        let (seen, arrived) = &*self.shared;
        let seen = seen.lock().expect("the collector does not panic");
        let waiting = |seen: &mut Seen| seen.lines.len() <= self.next && !seen.ended;
        let (seen, timeout) = arrived
            .wait_timeout_while(seen, DEADLINE, waiting)
            .expect("the collector does not panic");
        let line = seen.lines.get(self.next).cloned();
        drop(seen); // a panic with the lock held would be the collector's too
        assert!(
            !timeout.timed_out(),
            "expected {what} on {}, but for {DEADLINE:?} nothing came after {:?}",
            self.stream,
            self.seen()
        );
        self.next += 1;
        line
    }

    /// Waits for the next line, which has to be `expected`.
    pub fn expect(&mut self, expected: &str) {
        let line = self.awaited(&format!("the line {expected:?}"));
        assert!(
            line.as_deref() == Some(expected),
            "expected the line {expected:?} on {}, but got {}",
            self.stream,
            line.map_or_else(its_end, |line| format!("{line:?}"))
        );
    }

    /// Waits for the next line, which has to contain each of `parts`: that line.
    pub fn expect_parts(&mut self, parts: &[&str]) -> String {
        let line = self.awaited(&format!("a line with {parts:?}")).unwrap_or_else(|| {
            panic!("expected a line with {parts:?} on {}, but got {}", self.stream, its_end())
        });
        for part in parts {
            assert!(
                line.contains(part),
                "expected {part:?} in the line on {}, but got {line:?}",
                self.stream
            );
        }
        line
    }

    /// Waits until a line contains `part`, whatever comes before it: that line.
    pub fn wait_for(&mut self, part: &str) -> String {
        let started = Instant::now();
        loop {
            self.check_patience(started);
            let line = self.awaited(&format!("a line with {part:?}")).unwrap_or_else(|| {
                panic!("expected a line with {part:?} on {}, but got {}", self.stream, its_end())
            });
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All lines that are still to come until the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        let started = Instant::now();
        std::iter::from_fn(|| {
            self.check_patience(started);
            self.next_line()
        })
        .collect()
    }

    fn check_patience(&self, started: Instant) {
        let stream = self.stream;
        assert!(started.elapsed() < 6 * DEADLINE, "expected an end of the lines on {stream}");
    }

    /// Waits for the end of the stream, before which nothing more may come.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "expected nothing more on {}, but got {rest:?}", self.stream);
    }

    /// All lines so far, without waiting.
    pub fn seen(&self) -> Vec<String> {
        self.shared.0.lock().expect("the collector does not panic").lines.clone()
    }
}

fn collect(mut source: impl BufRead, (seen, arrived): &(Mutex<Seen>, Condvar)) {
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).is_ok_and(|size| size > 0) {
        let mut text = String::from_utf8_lossy(&line);
        if std::str::from_utf8(&line).is_err() {
            text += "(not UTF-8: in the machine's code page?)";
        }
        // A line that lacks its line feed shows that it does.
        let text = text.strip_suffix('\n').map_or(format!("{text}(no line feed)"), str::to_owned);
        let mut seen = seen.lock().expect("the test does not panic here");
        seen.lines.push(text);
        arrived.notify_all();
        if seen.lines.len() == MOST_LINES {
            return seen.lines.push("(and so on: nobody reads any further)".to_owned());
        }
        line.clear();
    }
}

/// A server that is ready, on a free port of 127.0.0.1.
pub struct Server {
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
        Server::ready(name, Program::start(command))
    }

    /// The same with its stdout unread.
    pub fn start_unread(name: &str, mut command: Command) -> (Server, ChildStdout) {
        command.args(["127.0.0.1", "0"]);
        let (program, stdout) = Program::start_unread(command);
        (Server::ready(name, program), stdout)
    }

    fn ready(name: &str, mut program: Program) -> Server {
        let line = program.stderr.expect_parts(&[&format!("{name}: listening on ")]);
        let address = line.rsplit(' ').next().unwrap_or_default();
        let address = address.parse().unwrap_or_else(|_| {
            panic!("expected an address and its port after \"listening on\", but got {line:?}")
        });
        Server { program, address }
    }
}

/// Runs `command` with `input` on its stdin to its end: status, stdout and stderr.
pub fn run(command: Command, input: impl AsRef<[u8]>) -> (Option<i32>, Vec<String>, Vec<String>) {
    let mut program = Program::start(command);
    let (mut stdin, input) = (program.stdin.take(), input.as_ref().to_vec());
    thread::spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(&input))); // with no deadline
    let status = program.status().code();
    (status, program.stdout.rest(), program.stderr.rest())
}

/// A client's command with the address of its server.
pub fn client(mut command: Command, server: SocketAddr) -> Command {
    command.args([server.ip().to_string(), server.port().to_string()]);
    command
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    /// The words of the command that `value` names.
    fn words(value: &str) -> Vec<String> {
        let command = named(value);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word: &OsStr| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_program_is_named_by_a_file_or_by_a_command_with_arguments() {
        // Files of the repository, which are found from every crate's folder.
        let [py, readme] = ["common/tests/gbk.py", "README.md"].map(|name| {
            let path = file(name).expect("a file of the repository");
            path.to_string_lossy().into_owned()
        });
        let python = if cfg!(windows) { "python" } else { "python3" };
        assert_eq!(words("common/tests/gbk.py"), [python, &py]);
        assert_eq!(words("node common/tests/gbk.py  -x"), ["node", &py, "-x"]);
        assert_eq!(words("README.md"), [readme]);
        assert_eq!(words("no-such-file -x"), ["no-such-file", "-x"]);

        let spaced = crate::scratch("my server").with_extension("jar");
        std::fs::write(&spaced, "").expect("a file");
        let jar = spaced.to_string_lossy().into_owned();
        assert_eq!(words(&jar), ["java", "-jar", &jar]);
        std::fs::remove_file(&jar).expect("the file is there");
    }
}
