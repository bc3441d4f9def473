//! What both servers are checked for.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::check::{is_escaped, those_here};
use crate::{
    NI_HAO, Peer, Program, Server, Subject, TCP_REPLY, UDP_REPLY, ensure, fail, fails_and_names,
    limited, shortened, udp_socket, wait_until, words,
};

impl Server {
    /// A client of this server.
    pub fn client(&self) -> Peer {
        Peer::of(&self.name, self.address)
    }

    fn reply(&self) -> &'static [u8] {
        if self.name.starts_with("udp") { UDP_REPLY } else { TCP_REPLY }
    }

    /// Sends `message`, which the server has to answer, and to show in a line with these `parts`.
    pub fn answers(&mut self, client: &mut Peer, message: &[u8], parts: &[&str]) {
        client.sends(message);
        client.expects(self.reply());
        self.program.stdout.find(parts, false);
    }

    /// The same, letter by letter as the contract has it.
    pub fn shows(&mut self, client: &mut Peer, message: &[u8], text: &str) {
        client.sends(message);
        self.program.stdout.expect(&format!("receive messages:{text} from {}", client.address()));
        client.expects(self.reply());
        if self.name.starts_with("udp") {
            self.program.stdout.expect("waiting for messages......");
        }
    }
}

/// It says where it listens, on stderr, and is there.
pub fn says_where_it_listens(subject: &Subject) {
    let server = subject.serve();
    server.client().sends(NI_HAO);
}

/// A message is answered in GBK, and shown with what tells its sender apart, the port.
pub fn answers_a_message(subject: &Subject) {
    let mut server = subject.serve();
    let mut client = server.client();
    let port = client.address().port().to_string();
    server.answers(&mut client, NI_HAO, &["你好"]);
    let shown = server.program.stdout.seen().concat();
    let english = "expected the client's port {} on stdout, but got {}";
    let chinese = "stdout 上应有客户端的端口 {}，实际是 {}";
    ensure(shown.contains(&port), english, chinese, &[&port, &shortened(&shown)]);
}

/// Only exactly these four letters are the exit message.
pub fn goes_on_after_what_is_not_exit(subject: &Subject) {
    let mut server = subject.serve();
    let mut client = server.client();
    for text in ["EXIT", "exits", " exit", "exi"] {
        server.answers(&mut client, text.as_bytes(), &[text]);
    }
    server.answers(&mut client, b"exit\n", &["exit"]);
}

/// Bytes that are not GBK stop nothing, however they are shown.
pub fn survives_what_is_not_gbk(subject: &Subject) {
    let mut server = subject.serve();
    let mut client = server.client();
    for byte in [0xff, 0x80, 0xc4] {
        let message = [b"before ", &[byte][..], b" after"].concat();
        server.answers(&mut client, &message, &["before ", "after"]);
    }
    server.answers(&mut client, NI_HAO, &["你好"]);
}

/// A message is one line, and drives no terminal.
pub fn escapes_what_a_screen_obeys(subject: &Subject) {
    let mut server = subject.serve();
    let mut client = server.client();
    client.sends(b"\x1b[2Jone\r\ntwo\x7f");
    is_escaped(&server.program.stdout.wait_for("one"));
    client.expects(server.reply());
}

/// Every byte is shown as the contract says, in its lines and no others.
pub fn shows_what_the_contract_says(subject: &Subject) {
    let mut server = subject.serve();
    let mut client = server.client();
    server.program.stdout.expect(&match client {
        Peer::Udp(..) => "waiting for messages......".to_owned(),
        Peer::Tcp(_) => format!("connect from : {}", client.address()),
    });
    let cases: [(&[u8], &str); 11] = [
        (NI_HAO, "你好"),
        (b"hello", "hello"),
        (b"exit\0", r"exit\u{0}"),
        (b"a\xffb", "a\u{fffd}b"),
        (b"\x80", "€"),
        // Byte-order marks are GBK like any other bytes.
        (b"\xef\xbb\xbfa", "锘縜"),
        (b"\xff\xfe,hello", "\u{fffd}\u{fffd},hello"),
        (b"\x1b[2Jhi\r\nreceive messages:no\t\x7f", r"\u{1b}[2Jhi\r\nreceive messages:no\t\u{7f}"),
        // Four bytes of GB 18030 decode to the rest of Unicode: an emoji, a control character, and
        // those that turn a line around or end it.
        (b"\x94\x39\xfc\x36", "😀"),
        (b"\x81\x30\x81\x30", r"\u{80}"),
        (b"morf \x81\x36\xa7\x31\x81\x36\xa6\x35", r"morf \u{202e}\u{2028}"),
    ];
    for (message, text) in cases {
        server.shows(&mut client, message, text);
    }
    server.program.kill();
    server.program.stderr.expect_end();
    let said = vec![format!("{}: listening on {}", subject.name, server.address)];
    assert_eq!(server.program.stderr.seen(), said);
}

/// `localhost` and an empty HOST mean 127.0.0.1, and IPv6 is served too.
pub fn serves_at_any_host(subject: &Subject) {
    for host in those_here(&["localhost", "", "::1"]) {
        let mut server = Server::start_at(subject.name, subject.command(), host);
        let mut client = server.client();
        server.answers(&mut client, NI_HAO, &["你好"]);
        // What is in use is named by its address, not by the word that was given for it.
        let second = subject.with(&[host, &server.address.port().to_string()]);
        fails_and_names(second, &server.address.to_string());
    }
}

/// A port in use, and an address that is not this machine's, are errors that name the address.
pub fn names_an_address_that_it_cannot_have(subject: &Subject) {
    let server = subject.serve();
    let port = server.address.port().to_string();
    fails_and_names(subject.with(&["127.0.0.1", &port]), &server.address.to_string());
    fails_and_names(subject.with(&["192.0.2.1", "0"]), "192.0.2.1:0"); // RFC 5737: nobody's
}

/// Messages to a server whose stdout nobody reads, until it waits for its reader: how many of them
/// were answered.
fn fill_stdout(client: &mut Peer) -> usize {
    let patience = Duration::from_millis(500);
    for answered in 0..2_000 {
        client.sends(&[b'a'; 1_000]);
        if client.receives_within(patience, &mut [0; 100]).is_err() {
            return answered;
        }
    }
    let english = "2,000 messages were answered that nobody could see";
    fail(english, "回复了 2,000 条谁也看不到的消息", &[])
}

/// A message is shown before it is answered.
pub fn shows_before_it_answers(subject: &Subject) {
    let (mut server, stdout) = Server::start_unread(subject.name, subject.command());
    let answered = fill_stdout(&mut server.client());
    server.program.kill();
    server.program.reads(stdout);
    let is_message = |line: &&String| line.starts_with("receive messages:");
    let shown = server.program.stdout.rest().iter().filter(is_message).count();
    let english = "expected each message to be shown before it is answered, but {} of {} were";
    ensure(
        answered <= shown,
        english,
        "每条消息应先显示再回复，只显示了 {} 条，却回复了 {} 条",
        &[&shown, &answered],
    );
}

/// A stdout that nobody reads holds a server up until somebody does, and costs no memory.
pub fn waits_for_its_reader(subject: &Subject) {
    let (server, mut stdout) = Server::start_unread(subject.name, subject.command());
    let mut client = server.client();
    #[cfg(target_os = "linux")]
    let before = crate::peak_memory(server.program.id());
    fill_stdout(&mut client);
    #[cfg(target_os = "linux")]
    crate::uses_little_memory(&server.program, before);
    thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    client.expects(server.reply());
}

/// A stdout that cannot be written ends a server with status 1 and the reason: its reader has gone,
/// or the disk is full.
pub fn ends_without_stdout(subject: &Subject) {
    let (mut server, stdout) = Server::start_unread(subject.name, subject.command());
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    wait_until(&words("the server has ended", "服务器结束", &[]), || {
        knock(&server);
        !server.program.is_running()
    });
    ends_for_stdout(&mut server, "stdout");
    if cfg!(target_os = "linux") {
        let full = limited("exec >/dev/full", &subject.command());
        let mut server = Server::start(subject.name, full);
        knock(&server);
        ends_for_stdout(&mut server, "No space left");
    }
}

/// Gives a server something to print, where it has not ended already.
fn knock(server: &Server) {
    let _ = match server.name.as_str() {
        "udp-server" => udp_socket().send_to(NI_HAO, server.address).map(drop),
        _ => TcpStream::connect(server.address).map(drop),
    };
}

fn ends_for_stdout(server: &mut Server, why: &str) {
    server.program.ends_with(1);
    server.program.stderr.expect_parts(&[why]);
    server.program.stderr.expect_end();
}

/// Ctrl-C and SIGTERM end a server at once, and its port is free again.
#[cfg(target_os = "linux")]
pub fn ends_at_a_signal(subject: &Subject) {
    for (signal, _) in crate::signals() {
        let mut server = subject.serve();
        let mut client = server.client();
        server.answers(&mut client, NI_HAO, &["你好"]);
        crate::signal(signal, server.program.id());
        server.program.status();
        let port = server.address.port().to_string();
        let mut again = Program::start(subject.with(&["127.0.0.1", &port]));
        again.stderr.expect_parts(&["listening on", &port]);
    }
}

/// Three messages cost these calls each, with each line in one `write`, as strace reports them.
#[cfg(target_os = "linux")]
pub fn costs(subject: &Subject, a_message: &[&str]) {
    if !crate::has_tool("strace") {
        return;
    }
    // Several graded programs may have the same process id, each in its own namespace.
    let report = crate::scratch_in(&std::env::temp_dir(), "calls");
    let to = report.to_str().expect("a path in UTF-8");
    let (calls, long) = match subject.name {
        "udp-server" => ("trace=all", 30_000),
        _ => ("trace=network,read,write", 1_000), // its threads come and go
    };
    let trace = ["-f", "-e", calls, "-o", to, "-xx", "-s", "99999"];
    let mut server = Server::start(subject.name, crate::strace(&trace, &subject.command()));
    let mut client = server.client();
    for size in [1, long, 4] {
        server.answers(&mut client, &vec![b'a'; size], &["a from"]);
    }
    client.sends(b"exit");
    server.program.stdout.wait_for("exit from");
    server.program.kill();
    server.program.stderr.expect_end(); // strace is done

    let text = std::fs::read_to_string(&report).expect("strace's report");
    let _ = std::fs::remove_file(&report);
    let mut names = Vec::new();
    for call in text.lines() {
        // `-f` puts a thread's number first.
        let call = call.trim_start_matches(|one: char| one.is_ascii_digit() || one == ' ');
        let Some((name, arguments)) = call.split_once('(') else { continue };
        if name == "write" && (arguments.starts_with("1,") || arguments.starts_with("2,")) {
            let ends = arguments.matches(r"\x0a").count();
            assert!(ends == 1 && arguments.contains(r#"\x0a""#), "not one whole line: {call}");
        }
        names.push(name);
    }
    names.retain(|name| *name != "accept4"); // of the accepting thread, at any time
    let first = names.iter().position(|name| *name == "recvfrom").expect("the first receive");
    let expected = [&a_message.repeat(3)[..], &["recvfrom", "write"]].concat();
    assert_eq!(names[first..][..expected.len()], expected);
}
