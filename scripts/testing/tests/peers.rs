//! The programs in conversation with others that speak GBK: netcat with iconv, and Python.
#![cfg(unix)]

use std::io::Read;
use std::process::{ChildStdout, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use testing::{
    DEADLINE, Program, Server, TCP_REPLY, TCP_REPLY_TEXT, UDP_REPLY, UDP_REPLY_TEXT, has_tool, run,
    workspace_program,
};

/// Text of all kinds that GBK has.
const TEXTS: [&str; 10] = [
    "你好",
    "plain ASCII: $HOME `ls` %s \\n",
    "ＦＵＬＬ　ｗｉｄｔｈ！“引号”——《书名》……·、。", // with the wide space
    "漢字繁體：臺灣、憂鬱的烏龜",
    "生僻字：镕堃喆囍龘靐齉爨",
    "第二字节是ASCII：乗俓儅凎誠閈", // 5C or 7C or such, as in 81 5C
    "ひらがなカタカナ αβγΩ Привет ā ɡ №℃㎡①㈠Ⅻ─│┌",
    "丂狛隣礼﨩㊣兀", // from the edges of the table
    "半角 and 全角 mixed，一个 English 单词",
    "   空格   在前后   ",
];

/// All of it in one line of some `size` in GBK, with the characters of two bytes at odd places.
fn long(size: usize) -> String {
    let kinds = TEXTS.concat();
    format!("a{}", kinds.repeat(size / gbk(&kinds).len()))
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// The message in a server's line.
fn received(line: &str) -> Option<&str> {
    line.strip_prefix("receive messages:")?.rsplit_once(" from 127.0.0.1:").map(|pair| pair.0)
}

/// Waits for the `server`'s next message, which has to be `expected`.
fn expect_message(server: &mut Server, expected: &str) {
    let line = server.program.stdout.wait_for("receive messages:");
    assert!(
        received(&line) == Some(expected),
        "expected the server to receive {expected:?}, but got the line {line:?}"
    );
}

/// The bytes that a program prints, as they come.
struct Bytes {
    chunks: Receiver<Vec<u8>>,
}

impl Bytes {
    fn of(mut stdout: ChildStdout) -> Bytes {
        let (chunk, chunks) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(size @ 1..) = stdout.read(&mut buffer) {
                let _ = chunk.send(buffer[..size].to_vec()); // the test may have ended
            }
        });
        Bytes { chunks }
    }

    /// What comes next, in one piece; nothing at the end.
    fn next(&self) -> Vec<u8> {
        match self.chunks.recv_timeout(DEADLINE) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("expected bytes on stdout, but for {DEADLINE:?} none came")
            }
            chunk => chunk.unwrap_or_default(),
        }
    }

    fn expect(&self, expected: &[u8]) {
        let mut bytes = self.next();
        while bytes.len() < expected.len() {
            let chunk = self.next();
            assert!(!chunk.is_empty(), "expected {expected:02x?}, but only {bytes:02x?} came");
            bytes.extend(chunk);
        }
        assert!(bytes == expected, "expected {expected:02x?}, but got {bytes:02x?}");
    }

    fn rest(&self) -> Vec<u8> {
        let chunks = std::iter::repeat_with(|| self.next()).take_while(|chunk| !chunk.is_empty());
        chunks.flatten().collect()
    }
}

/// What iconv makes of `bytes`, all of which has to be in `from` and exist in `to`.
fn iconv(from: &str, to: &str, bytes: &[u8]) -> Vec<u8> {
    let mut command = Command::new("iconv");
    command.args(["-f", from, "-t", to]);
    let (mut program, stdout) = Program::start_unread(command);
    program.types(bytes);
    program.ends_input();
    let converted = Bytes::of(stdout).rest();
    program.ends_with(0);
    converted
}

fn gbk(text: &str) -> Vec<u8> {
    iconv("UTF-8", "GBK", text.as_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(iconv("GBK", "UTF-8", bytes)).expect("UTF-8, from iconv")
}

fn has_netcat() -> bool {
    testing::has_netcat() && has_tool("iconv")
}

/// netcat as a client of a server of ours.
fn netcat_client(options: &[&str], server: &Server) -> (Program, Bytes) {
    let mut command = Command::new("nc");
    command.args(options).args(["127.0.0.1", &server.address.port().to_string()]);
    let (netcat, stdout) = Program::start_unread(command);
    (netcat, Bytes::of(stdout))
}

/// netcat as a server on a free port, which it names, and a client of ours.
fn netcat_server(options: &[&str], client: &str) -> (Program, Bytes, Program) {
    let mut command = Command::new("nc");
    command.args(options).args(["-n", "-v", "-l", "127.0.0.1", "0"]);
    let (mut netcat, stdout) = Program::start_unread(command);
    let line = netcat.stderr.expect_parts(&[" on 127.0.0.1 "]);
    let port = line.rsplit(' ').next().unwrap_or_default();
    let mut command = workspace_program(client);
    command.args(["127.0.0.1", port]);
    (netcat, Bytes::of(stdout), Program::start(command))
}

fn server(name: &str) -> Server {
    Server::start(name, workspace_program(name))
}

#[test]
fn netcat_talks_to_the_udp_server() {
    if !has_netcat() {
        return;
    }
    let mut server = server("udp-server");
    let (mut netcat, replies) = netcat_client(&["-u"], &server);
    for message in TEXTS.map(str::to_owned).into_iter().chain([long(10_000)]) {
        netcat.types(gbk(&message));
        expect_message(&mut server, &message);
        replies.expect(UDP_REPLY);
    }
    // Whoever ends a line with Enter sends the line feed too.
    netcat.types(gbk("再见\n"));
    expect_message(&mut server, "再见\\n");
    replies.expect(UDP_REPLY);
    netcat.types("exit\n");
    expect_message(&mut server, "exit\\n");
    replies.expect(UDP_REPLY);
    netcat.types("exit");
    server.program.ends_with(0);
    assert_eq!(text(UDP_REPLY), UDP_REPLY_TEXT);
}

#[test]
fn netcat_talks_to_the_tcp_server() {
    if !has_netcat() {
        return;
    }
    let mut server = server("tcp-server");
    let (mut netcat, replies) = netcat_client(&[], &server);
    for message in TEXTS {
        netcat.types(gbk(message));
        expect_message(&mut server, message);
        replies.expect(TCP_REPLY);
    }
    netcat.types("exit\n");
    expect_message(&mut server, "exit\\n");
    replies.expect(TCP_REPLY);
    netcat.types("exit");
    server.program.stdout.wait_for("disconnect from : ");
    netcat.ends_input(); // netcat stays for what is typed, even at a closed connection
    assert_eq!(replies.rest(), b"", "the exit message gets no reply");
    assert_eq!(text(TCP_REPLY), TCP_REPLY_TEXT);

    // Sent together, cut anywhere: as many replies as receives, and every character whole.
    let (mut netcat, replies) = netcat_client(&["-N"], &server);
    let message = long(20_000);
    netcat.types(gbk(&message));
    netcat.ends_input();
    let replies = text(&replies.rest());
    netcat.ends_with(0);
    let pieces = pieces_of(&message, &mut server);
    let expected = TCP_REPLY_TEXT.repeat(pieces);
    assert!(replies == expected, "expected {pieces} replies, but got {replies:?}");
}

#[test]
fn one_line_of_shell_talks_to_either_server() {
    if !has_netcat() {
        return;
    }
    // netcat ends after one reply (-W 1), at the server's end (-N), or after 10 seconds (-w 10).
    let kinds = [("udp", "-u -W 1", UDP_REPLY_TEXT), ("tcp", "-N", TCP_REPLY_TEXT)];
    for (kind, options, reply) in kinds {
        let mut server = server(&format!("{kind}-server"));
        let port = server.address.port();
        let line = format!(
            "printf %s 今天天气怎么样? | iconv -f UTF-8 -t GBK |
             nc {options} -w 10 127.0.0.1 {port} | iconv -f GBK -t UTF-8"
        );
        let mut shell = Command::new("bash");
        shell.args(["-c", &line]);
        let (status, stdout, stderr) = run(shell, "");
        assert_eq!((status, stderr), (Some(0), vec![]));
        assert_eq!(stdout, [format!("{reply}(no line feed)")]);
        expect_message(&mut server, "今天天气怎么样?");
    }
}

#[test]
fn the_udp_client_talks_to_netcat() {
    if !has_netcat() {
        return;
    }
    let (mut netcat, messages, mut client) = netcat_server(&["-u"], "udp-client");
    for message in TEXTS.map(str::to_owned).into_iter().chain([long(10_000)]) {
        client.types(format!("{message}\n"));
        messages.expect(&gbk(&message));
        netcat.types(gbk(&backwards(&message)));
        client.stdout.expect(&backwards(&message));
    }
    client.types("exit\n");
    messages.expect(b"exit");
    client.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
}

#[test]
fn the_tcp_client_talks_to_netcat() {
    if !has_netcat() {
        return;
    }
    let (mut netcat, messages, mut client) = netcat_server(&["-N"], "tcp-client");
    for message in TEXTS {
        client.types(format!("{message}\n"));
        messages.expect(&gbk(message));
        netcat.types(gbk(&backwards(message)));
        client.stdout.expect(&backwards(message));
    }
    // A long line, a piece at a time, each of which iconv reads alone.
    let message = long(20_000);
    client.types(format!("{message}\n"));
    let mut pieces = String::new();
    while pieces.len() < message.len() {
        let bytes = messages.next();
        assert!(bytes.len() <= 1024, "expected a piece for one receive, but got {}", bytes.len());
        let piece = text(&bytes);
        pieces.push_str(&piece);
        netcat.types(gbk(&backwards(&piece)));
        client.stdout.expect(&backwards(&piece));
    }
    assert!(pieces == message, "expected netcat to receive {message:?}, but it got {pieces:?}");
    client.types("exit\n");
    messages.expect(b"exit");
    netcat.ends_input(); // with -N it closes its side
    client.ends_with(0);
    netcat.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
}

/// In how many pieces the TCP `server` receives one long `message`, after which its client leaves.
fn pieces_of(message: &str, server: &mut Server) -> usize {
    let mut pieces = Vec::new();
    loop {
        let line = server.program.stdout.next_line().expect("the server goes on");
        pieces.extend(received(&line).map(str::to_owned));
        if line.starts_with("disconnect from : ") {
            break;
        }
    }
    let text = pieces.concat();
    assert!(text == message, "expected the server to receive {message:?}, but it got {text:?}");
    let size = gbk(message).len();
    assert!(pieces.len() >= size.div_ceil(1024), "{size} bytes came in {} pieces", pieces.len());
    pieces.len()
}

/// peer.py in one of its roles.
fn python(role: &str, port: &str) -> Program {
    let mut command = Command::new("python3");
    command.args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py"), role]);
    command.args(["127.0.0.1", port]);
    Program::start(command)
}

/// peer.py as a server on a free port, and the command of a client of ours.
fn python_server(kind: &str) -> (Program, Command) {
    let mut server = python(&format!("{kind}-server"), "0");
    let port = server.stdout.next_line().unwrap_or_else(|| {
        panic!("expected Python's port, but it ended: {:?}", server.stderr.rest())
    });
    let mut command = workspace_program(&format!("{kind}-client"));
    command.args(["127.0.0.1", &port]);
    (server, command)
}

fn has_python() -> bool {
    has_tool("python3") && has_tool("iconv") // which measures long()
}

#[test]
fn the_udp_client_talks_to_python() {
    if !has_python() {
        return;
    }
    let (mut server, command) = python_server("udp");
    let mut client = Program::start(command);
    for message in TEXTS.map(str::to_owned).into_iter().chain([long(65_000)]) {
        client.types(format!("{message}\n"));
        server.stdout.expect(&message);
        client.stdout.expect(&backwards(&message));
    }
    client.types("exit\n");
    client.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
    server.ends_with(0);
    server.stdout.expect_end();
    server.stderr.expect_end();
}

#[test]
fn the_tcp_client_talks_to_python() {
    if !has_python() {
        return;
    }
    let (mut server, command) = python_server("tcp");
    let mut client = Program::start(command);
    for message in TEXTS {
        client.types(format!("{message}\n"));
        server.stdout.expect(message);
        client.stdout.expect(&backwards(message));
    }
    // A long line, of which Python decodes each piece alone, and strictly.
    let message = long(65_000);
    client.types(format!("{message}\nexit\n"));
    let mut pieces = Vec::new();
    loop {
        let line = server.stdout.next_line().unwrap_or_else(|| {
            panic!("expected the next piece, but Python ended: {:?}", server.stderr.rest())
        });
        if line == "bye" {
            break;
        }
        client.stdout.expect(&backwards(&line));
        pieces.push(line);
    }
    let text = pieces.concat();
    assert!(text == message, "expected Python to receive {message:?}, but it got {text:?}");
    let size = gbk(&message).len();
    assert!(pieces.len() >= size.div_ceil(1024), "{size} bytes came in {} pieces", pieces.len());
    client.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
    assert!(server.is_running(), "the exit message ends one connection, not the server");
}

#[test]
fn python_talks_to_the_udp_server() {
    if !has_python() {
        return;
    }
    let mut server = server("udp-server");
    let mut client = python("udp-client", &server.address.port().to_string());
    for message in TEXTS.map(str::to_owned).into_iter().chain([long(65_000)]) {
        client.types(format!("{message}\n"));
        client.stdout.expect(UDP_REPLY_TEXT);
        expect_message(&mut server, &message);
    }
    client.types("exit\n");
    server.program.ends_with(0);
    client.ends_input();
    client.ends_with(0);
    client.stdout.expect_end();
}

#[test]
fn python_talks_to_the_tcp_server() {
    if !has_python() {
        return;
    }
    let mut server = server("tcp-server");
    let mut client = python("tcp-client", &server.address.port().to_string());
    for message in TEXTS {
        client.types(format!("{message}\n"));
        client.stdout.expect(TCP_REPLY_TEXT);
        expect_message(&mut server, message);
    }
    // Python sends a long line at once: as many replies as receives, and every character whole.
    let message = long(20_000);
    client.types(format!("{message}\n"));
    client.ends_input();
    let replies = client.stdout.rest().concat();
    client.ends_with(0);
    let pieces = pieces_of(&message, &mut server);
    let expected = TCP_REPLY_TEXT.repeat(pieces);
    assert!(replies == expected, "expected {pieces} replies, but got {replies:?}");

    let mut client = python("tcp-client", &server.address.port().to_string());
    client.types("exit\n");
    expect_message(&mut server, "exit");
    server.program.stdout.wait_for("disconnect from : ");
    client.ends_input();
    client.ends_with(0);
}
