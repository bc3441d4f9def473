//! What the tests share: the real programs, started and awaited and always taken down, and plain
//! sockets that play the other side.
//!
//! Every wait has a deadline, [`DEADLINE`] for each thing that is awaited, and every surprise is a
//! panic that says in one sentence what the program did and what was expected: the reader is a
//! student whose program it is.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, Once, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wait_timeout::ChildExt;

/// How long anything may take. Far more than it does take on a busy machine, and short enough to
/// wait for when a program hangs.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long a program that should do nothing is watched.
pub const A_WHILE: Duration = Duration::from_millis(200);

/// Lines that are read from one stream: more than any program has to say, and few enough for the
/// memory when one prints without end.
const MOST_LINES: usize = 100_000;

/// The UDP server's reply as a client shows it.
pub const UDP_REPLY_TEXT: &str = "我是UDP服务器,已接收到你发来的消息!";

/// The same in GBK.
pub const UDP_REPLY: &[u8] =
    b"\xce\xd2\xca\xc7UDP\xb7\xfe\xce\xf1\xc6\xf7,\xd2\xd1\xbd\xd3\xca\xd5\
    \xb5\xbd\xc4\xe3\xb7\xa2\xc0\xb4\xb5\xc4\xcf\xfb\xcf\xa2!";

/// The TCP server's reply as a client shows it.
pub const TCP_REPLY_TEXT: &str = "我是一个TCP服务器!!";

/// The same in GBK.
pub const TCP_REPLY: &[u8] = b"\xce\xd2\xca\xc7\xd2\xbb\xb8\xf6TCP\xb7\xfe\xce\xf1\xc6\xf7!!";

/// `你好` in GBK.
pub const NI_HAO: &[u8] = b"\xc4\xe3\xba\xc3";

/// The program to test: the one that an environment variable names (`UDP_SERVER` for
/// `udp-server`), or the crate's own.
///
/// Cargo runs a test in its crate's folder; a relative path is meant from where cargo was called.
pub fn program(name: &str, own: &str) -> Command {
    let variable = name.to_uppercase().replace('-', "_");
    let Some(path) = env::var_os(variable) else { return Command::new(own) };
    Command::new(PathBuf::from(env::var_os("PWD").unwrap_or_default()).join(path))
}

/// A started program. Dropping it ends it, and when it is a script also what that has started.
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Its stdout, line by line.
    pub stdout: Lines,
    /// Its stderr, line by line.
    pub stderr: Lines,
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
        Program {
            stdin: child.stdin.take(),
            stdout: Lines::of("stdout", child.stdout.take()),
            stderr: Lines::of("stderr", child.stderr.take()),
            child,
        }
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
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
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the program can be waited for").is_none()
    }

    /// Waits for its end: its exit status.
    pub fn status(&mut self) -> ExitStatus {
        let status = self.child.wait_timeout(DEADLINE).expect("the program can be waited for");
        status.unwrap_or_else(|| {
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
        // A script takes down what it has started when it may.
        if cfg!(unix) && self.is_running() && try_signal("TERM", &self.id().to_string()) {
            let _ = self.child.wait_timeout(DEADLINE);
        }
        self.kill();
    }
}

/// The lines that a program writes on one stream, as they come.
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
            line.map_or("its end".to_owned(), |line| format!("{line:?}"))
        );
    }

    /// Waits for the next line, which has to contain each of `parts`: that line.
    pub fn expect_parts(&mut self, parts: &[&str]) -> String {
        let line = self.awaited(&format!("a line with {parts:?}")).unwrap_or_else(|| {
            panic!("expected a line with {parts:?} on {}, but got its end", self.stream)
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
                panic!("expected a line with {part:?} on {}, but it ended", self.stream)
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
        let text = String::from_utf8_lossy(&line);
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

/// Checks that `command` ends with status 1, nothing on stdout, and the word `named` on stderr.
pub fn expect_error(command: Command, named: &str) {
    let (status, stdout, stderr) = run(command, "");
    assert!(status == Some(1), "expected an error with status 1, but the status is {status:?}");
    assert!(stdout.is_empty(), "expected nothing on stdout before the error, but got {stdout:?}");
    let stderr = stderr.join("\n");
    assert!(stderr.contains(named), "expected the error to name {named:?}, but got {stderr:?}");
}

/// A client's command with the address of its server.
pub fn client(mut command: Command, server: SocketAddr) -> Command {
    command.args([server.ip().to_string(), server.port().to_string()]);
    command
}

/// A UDP socket on a free port of 127.0.0.1 that waits no longer than [`DEADLINE`].
pub fn udp_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    socket
}

/// The next datagram at `socket`, and its sender.
pub fn datagram(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 65_535];
    match socket.recv_from(&mut buffer) {
        Ok((size, peer)) => (buffer[..size].to_vec(), peer),
        Err(error) => panic!("expected a datagram, but {}", reason(&error)),
    }
}

/// Closes `socket` and waits until nobody listens at its port: a program that another test is just
/// starting has a copy of it for a moment, between fork(2) and execve(2).
pub fn close_udp(socket: UdpSocket) {
    let address = socket.local_addr().expect("the socket's address");
    drop(socket);
    let probe = udp_socket();
    probe.connect(address).expect("a UDP socket can always be connected");
    probe.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    wait_until("the port is closed", || {
        let _ = probe.send(b"anybody?");
        let refused = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset]; // Windows says reset
        probe.recv(&mut [0; 1]).is_err_and(|error| refused.contains(&error.kind()))
    });
}

/// The same for a listening TCP socket.
pub fn close_tcp(listener: TcpListener) {
    let address = listener.local_addr().expect("the listener's address");
    drop(listener);
    wait_until("the port is closed", || TcpStream::connect_timeout(&address, DEADLINE).is_err());
}

/// Asks until `what` has `happened`, for what no system call can be waited for. A panic says `what`
/// was waited for in vain.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A listening TCP socket on a free port of 127.0.0.1, and its address.
pub fn tcp_listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free TCP port");
    let address = listener.local_addr().expect("the listener's address");
    (listener, address)
}

/// The next connection at `listener`, waiting no longer than [`DEADLINE`] for it and at it.
pub fn accept(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().expect("a second handle of the listener");
    let (accepted, connections) = mpsc::channel();
    thread::spawn(move || {
        let connection = listener.accept();
        drop(listener); // before the test goes on: it may close its own handle and expect it closed
        accepted.send(connection)
    });
    match connections.recv_timeout(DEADLINE) {
        Ok(Ok((connection, _))) => with_deadline(connection),
        other => panic!("expected a client to connect, but none came: {other:?}"),
    }
}

/// A connection to `server`.
pub fn connect(server: SocketAddr) -> TcpStream {
    match TcpStream::connect_timeout(&server, DEADLINE) {
        Ok(connection) => with_deadline(connection),
        Err(error) => panic!("expected {server} to accept a connection, but: {error}"),
    }
}

fn with_deadline(connection: TcpStream) -> TcpStream {
    connection.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    connection.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    connection
}

/// Sends a message to a server at `connection` and waits for its reply.
pub fn expect_served(connection: &mut TcpStream) {
    connection.write_all(NI_HAO).expect("the message is sent");
    expect_bytes(connection, TCP_REPLY);
}

/// Receives from `connection` until `expected` has come, in however many pieces.
pub fn expect_bytes(connection: &mut TcpStream, expected: &[u8]) {
    let mut received = vec![0; expected.len()];
    let expected_text = readable(expected);
    if let Err(error) = connection.read_exact(&mut received) {
        panic!("expected {expected_text} on the connection, but {}", reason(&error));
    }
    let text = readable(&received);
    assert!(
        received == expected,
        "expected {expected_text} on the connection, but received {text}"
    );
}

/// Waits until the other side has closed `connection`, with nothing more sent.
pub fn expect_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    match connection.read_to_end(&mut rest) {
        Ok(0) => {}
        Ok(_) => panic!("expected the connection to be closed, but received {}", readable(&rest)),
        Err(error) => panic!("expected the connection to be closed, but {}", reason(&error)),
    }
}

/// Bytes for a message to a student: the replies by their name, all else as Rust writes them.
pub fn readable(bytes: &[u8]) -> String {
    match bytes {
        UDP_REPLY => "the UDP server's reply".to_owned(),
        TCP_REPLY => "the TCP server's reply".to_owned(),
        _ => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

/// Why nothing could be received; what a deadline is called differs between systems.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("for {DEADLINE:?} nothing came"),
        ErrorKind::UnexpectedEof => "the other side closed it".to_owned(),
        _ => error.to_string(),
    }
}

/// Sends `signal` (TERM, INT, STOP, …) to the process `id`.
pub fn signal(signal: &str, id: u32) {
    assert!(try_signal(signal, &id.to_string()), "the process {id} takes no signal");
}

/// The same, where the process may have ended: whether there was one. A minus sign before the `id`
/// makes it a whole process group's.
pub fn try_signal(signal: &str, id: &str) -> bool {
    // The shell's own, as kill(1) is not on every machine.
    let mut kill = Command::new("bash");
    kill.args(["-c", "kill -s \"$0\" -- \"$1\"", signal]).arg(id);
    kill.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Checks what every one of the programs does with its command line. `command` makes the command
/// of the program called `name`, without arguments.
pub fn check_command_line(name: &str, command: impl Fn() -> Command) {
    let run_with = |arguments: &[&str]| {
        let mut command = command();
        command.args(arguments);
        run(command, "")
    };

    for help in ["-h", "--help"] {
        let (status, stdout, stderr) = run_with(&[help]);
        let text = stdout.join("\n");
        assert_eq!((status, stderr), (Some(0), vec![]), "{help}");
        for part in [&format!("usage: {name} [HOST [PORT]]"), "127.0.0.1", "7890"] {
            assert!(text.contains(part), "expected {part:?} in the help, but got {text:?}");
        }
    }
    for version in ["-V", "--version"] {
        assert_eq!(run_with(&[version]), (Some(0), vec![format!("{name} 0.1.0")], vec![]));
    }

    // What is wrong, and the word that the error has to name.
    let wrong: [(&[&str], &str); 10] = [
        (&["7890"], "7890"),
        (&["--unknown"], "--unknown"),
        (&["-x", "7890"], "-x"),
        (&["127.0.0.1", "0", "third"], "third"),
        (&["127.0.0.1", "65536"], "65536"),
        (&["127.0.0.1", "-1"], "-1"),
        (&["127.0.0.1", "+1"], "+1"),
        (&["127.0.0.1", ""], "port"),
        (&["127.0.0.1", "seven\n\u{1b}"], "seven\\n\\u{1b}"),
        (&["127.0.0.1", "７８９０"], "７８９０"),
    ];
    for (arguments, named) in wrong {
        let (status, stdout, stderr) = run_with(arguments);
        assert_eq!((status, stdout), (Some(2), vec![]), "{arguments:?}");
        let [what, usage] = &stderr[..] else {
            panic!("expected two lines on stderr with {arguments:?}, but got {stderr:?}")
        };
        assert!(what.starts_with(&format!("{name}: ")) && what.contains(named), "{what:?}");
        assert!(usage.ends_with(&format!("usage: {name} [HOST [PORT]]")), "{usage:?}");
    }

    let (status, stdout, stderr) = run_with(&["no-such-host.invalid", "0"]);
    assert_eq!((status, stdout), (Some(1), vec![]));
    assert!(stderr.join("\n").contains("no-such-host.invalid"), "{stderr:?}");

    // A stdout on a full disk, where there is such a thing.
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let mut command = command();
        let output = command.arg("--help").stdout(full).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with(&format!("{name}: cannot write to stdout: ")), "{stderr}");
    }
}

/// Whether `tool`, which a test needs, runs on this machine; see [`is_there_or_skipped`].
pub fn has_tool(tool: &str, argument: &str) -> bool {
    let output = Command::new(tool).arg(argument).output();
    let found = output.is_ok_and(|output| output.status.success());
    is_there_or_skipped(found, &format!("{tool} does not run here"))
}

/// The same for OpenBSD's netcat. Other programs are called `nc` too, and have other options.
pub fn has_netcat() -> bool {
    let help = Command::new("nc").arg("-h").output();
    let is_openbsd = |help: Output| String::from_utf8_lossy(&help.stderr).contains("OpenBSD");
    is_there_or_skipped(help.is_ok_and(is_openbsd), "netcat-openbsd does not run here")
}

/// Whether what a test needs is there. Where it is not the test is skipped, with a line that says
/// `why`, except in CI, where nothing may be skipped.
pub fn is_there_or_skipped(is_there: bool, why: &str) -> bool {
    assert!(is_there || env::var_os("CI").is_none(), "CI skips nothing: {why}");
    if !is_there {
        eprintln!("skipped: {why}");
    }
    is_there
}

/// `command` under strace, with `options` that say what it shows or does to the system calls. The
/// program stays the test's own child (`-D`), so that killing it leaves no strace behind.
pub fn strace(options: &[&str], command: &Command) -> Command {
    under("strace", &[&["-D"], options].concat(), command)
}

/// `command` in a shell that runs `limits` first, such as `ulimit -n 20`.
pub fn limited(limits: &str, command: &Command) -> Command {
    under("bash", &["-c", &format!("{limits}\nexec \"$0\" \"$@\"")], command)
}

/// `command` on a network of its own, Linux's network namespace, in a shell that runs `first`.
fn on_own_network(first: &str, command: &Command) -> Command {
    under("unshare", &["-rn"], &limited(&format!("ip link set lo up\n{first}"), command))
}

/// Checks that a client does not take itself for the server where nobody listens, on a network where
/// the kernel has that one port to give out. `command` makes the client's command.
pub fn check_is_not_its_own_server(command: impl Fn() -> Command) {
    if !has_tool("unshare", "-rn") || !has_tool("ip", "-V") {
        return;
    }
    for host in ["127.0.0.1", "0.0.0.0"] {
        let mut command = command();
        command.args([host, "40000"]);
        let one_port = "echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range";
        expect_error(on_own_network(one_port, &command), "Connection refused");
    }
}

/// Checks the `body` of the test called `test` in another run of the test's program, which has a
/// network to itself, in a shell that runs `first`.
pub fn with_own_network(test: &str, first: &str, body: impl Fn()) {
    if env::var_os("ON_OWN_NETWORK").is_some() {
        return body();
    }
    if !has_tool("unshare", "-rn") || !has_tool("ip", "-V") {
        return;
    }
    let mut this = Command::new(env::current_exe().expect("this test's program"));
    let mut again = on_own_network(first, this.args(["--exact", test]));
    let output = again.env("ON_OWN_NETWORK", "1").output().expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{why}");
}

/// The script of that name, in bash, with the programs built that it starts.
pub fn script(name: &str, arguments: &[&str]) -> Command {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| build(&[]));
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/..").to_owned() + "/" + name).args(arguments);
    command
}

/// `command` where `tool` is not installed: links to all others stand in a folder within `scratch`.
#[cfg(unix)]
pub fn without_tool(mut command: Command, tool: &str, scratch: &str) -> Command {
    let folder = PathBuf::from(scratch).join(format!("without-{tool}"));
    std::fs::create_dir_all(&folder).expect("a folder for the links");
    for place in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let _ = std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name()));
        }
    }
    std::fs::remove_file(folder.join(tool)).expect("the tool itself was there");
    command.env("PATH", folder);
    command
}

/// `command` at a terminal that script(1) makes; what it shows comes out on stdout.
pub fn at_terminal(command: &Command) -> Command {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let mut outer = Command::new("script");
    outer.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]);
    outer
}

fn under(tool: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(tool);
    outer.args(options).arg(command.get_program()).args(command.get_args());
    outer
}

/// The most memory that the process `id` has had, in KiB (VmHWM in proc(5)).
pub fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its figures");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim_end_matches("kB").trim().parse().expect("a figure in kB")
}

/// Checks that strace's `report` (made with `-xx` and a large `-s`) has nothing on stdout or stderr
/// but whole lines, each in one `write`; the names of all calls, in their order.
pub fn calls_with_whole_lines(report: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for call in report.lines() {
        // `-f` puts a thread's number first.
        let call = call
            .trim_start_matches(|character: char| character.is_ascii_digit() || character == ' ');
        let Some((name, arguments)) = call.split_once('(') else { continue };
        names.push(name);
        if name == "write" && (arguments.starts_with("1,") || arguments.starts_with("2,")) {
            let ends = arguments.matches(r"\x0a").count();
            assert!(ends == 1 && arguments.contains(r#"\x0a""#), "not one whole line: {call}");
        }
    }
    names
}

/// The workspace's program called `name`, built if need be, for tests outside its own crate: cargo
/// tells them no path, but puts it next to the folder of the test itself.
pub fn workspace_program(name: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = env::current_exe().expect("the test's own file"); // target/debug/deps/test-…
        let target = test.ancestors().nth(3).expect("the folder that cargo builds in");
        build(&["--target-dir".as_ref(), target.as_os_str()]);
        target.join("debug")
    });
    program(name, &folder.join(name).to_string_lossy())
}

/// Builds all programs, with more `options` of cargo's. What a test waits for has no time for it.
pub fn build(options: &[&OsStr]) {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--workspace"]).args(options);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).stdin(Stdio::null());
    let mut build = cargo.spawn().expect("cargo starts");
    let built = build.wait_timeout(30 * DEADLINE).expect("cargo can be waited for");
    let _ = build.kill();
    assert!(built.is_some_and(|status| status.success()), "the programs cannot be built");
}
