//! What both servers are checked for.

use std::fs;
use std::net::UdpSocket;

use crate::both::{ends_for_stdout, expect_escaped, fails_and_names, without_reader};
use crate::constants::NI_HAO;
use crate::failure::ensure;
use crate::machine::{signal, strace};
use crate::program::Program;
use crate::server::{serve, serve_at};
use crate::subject;

/// It says on stderr where it listens, and is there.
pub fn says_where_it_listens() {
    let server = serve();
    let is_free = subject::is_udp() && UdpSocket::bind(server.address).is_ok();
    ensure(!is_free, "no program uses the UDP port of {}", &[&server.address]);
}

/// A message is answered in GBK, and shown with the port of its sender.
pub fn answers_a_message() {
    let mut server = serve();
    let mut client = server.client();
    let port = client.address().port().to_string();
    server.answers(&mut client, NI_HAO, &["你好", &port]);
}

/// Other messages that look like it are no exit message.
pub fn goes_on_after_what_is_not_exit() {
    let mut server = serve();
    let mut client = server.client();
    for text in ["EXIT", "exits", " exit", "exi", "exit\n"] {
        server.answers(&mut client, text.as_bytes(), &[text.trim_end()]);
    }
}

/// Bytes that are not GBK stop nothing, however they are shown.
pub fn survives_what_is_not_gbk() {
    let mut server = serve();
    let mut client = server.client();
    for message in [b"before \xff after", b"before \x80 after", b"before \xc4 after"] {
        server.answers(&mut client, message, &["before ", "after"]);
    }
    server.answers(&mut client, NI_HAO, &["你好"]);
}

/// A message is shown in one line, with its control characters escaped.
pub fn escapes_control_characters() {
    let mut server = serve();
    let mut client = server.client();
    client.sends(b"\x1b[2Jone\r\ntwo\x7f");
    expect_escaped(&server.program.stdout.wait_for(&["one"]));
    client.expects(server.reply());
}

/// Every byte is shown as common/promises.md says, in its lines and no others.
pub fn exact_output() {
    let mut server = serve();
    let mut client = server.client();
    server.program.stdout.expect(&match subject::is_udp() {
        true => "waiting for messages......".to_owned(),
        false => format!("connect from : {}", client.address()),
    });
    let cases: [(&[u8], &str); 6] = [
        (NI_HAO, "你好"),
        (b"exit\0", r"exit\u{0}"),
        // A byte-order mark is GBK like any other bytes.
        (b"\xef\xbb\xbfa\xff", "锘縜\u{fffd}"),
        (b"\x1b[2Jhi\r\nreceive messages:no\t\x7f", r"\u{1b}[2Jhi\r\nreceive messages:no\t\u{7f}"),
        // Four bytes of GB 18030 decode to the rest of Unicode: an emoji, and the characters that
        // turn a line around or end it.
        (b"\x94\x39\xfc\x36", "😀"),
        (b"morf \x81\x36\xa7\x31\x81\x36\xa6\x35", r"morf \u{202e}\u{2028}"),
    ];
    for (message, text) in cases {
        server.shows(&mut client, message, text);
    }
    let expected = format!("{}: listening on {}", subject::name(), server.address);
    let stderr = server.program.stderr.seen().join("\n");
    let english = "expected {} as the next line on {}, but it is {}";
    ensure(stderr == expected, english, &[&expected, &"stderr", &stderr]);
}

/// It serves at each of these hosts.
pub fn serves_at(hosts: &[&str]) {
    for host in hosts {
        let mut server = serve_at(host, subject::command());
        let mut client = server.client();
        server.answers(&mut client, NI_HAO, &["你好"]);
    }
}

/// A port in use, and an address that is not this machine's, are errors that name the address.
pub fn names_its_address() {
    let server = serve();
    let port = server.address.port().to_string();
    fails_and_names(subject::with(&["127.0.0.1", &port]), &server.address.to_string());
    fails_and_names(subject::with(&["192.0.2.1", "0"]), "192.0.2.1:0"); // RFC 5737: nobody's
}

/// A stdout that nobody reads any more ends a server with status 1 and the reason.
pub fn ends_without_stdout() {
    let mut server = serve_at("127.0.0.1", without_reader(&subject::command()));
    if !subject::is_udp() {
        server.client(); // so that it has to print
    }
    ends_for_stdout(&mut server.program);
}

/// A signal ends a server immediately, and its port is free again.
pub fn ends_at_a_signal() {
    let mut server = serve();
    let mut client = server.client();
    server.answers(&mut client, NI_HAO, &["你好"]);
    signal("TERM", server.program.id());
    server.program.status();
    let port = server.address.port().to_string();
    let mut again = Program::start(subject::with(&["127.0.0.1", &port]));
    again.stderr.wait_for(&["listening on", &port]);
}

/// A server that gets three messages makes these calls for each. So it writes each line in one call, and
/// shows a message before it answers.
pub fn costs_calls(a_message: &[&str]) {
    let report = tempfile::NamedTempFile::new().expect("a file for the report");
    let to = report.path().to_str().expect("a path in UTF-8");
    let (calls, long) = match subject::is_udp() {
        true => ("trace=all", 30_000),
        false => ("trace=network,read,write", 1_000), // its threads come and go
    };
    let trace = strace(&["-f", "-e", calls, "-o", to], &subject::command());
    let mut server = serve_at("127.0.0.1", trace);
    let mut client = server.client();
    for size in [1, long, 4] {
        server.answers(&mut client, &vec![b'a'; size], &["a from"]);
    }
    client.sends(b"exit");
    server.program.stdout.wait_for(&["exit from"]);
    signal("KILL", server.program.id());
    server.program.stderr.expect_end(); // strace is done

    let text = fs::read_to_string(&report).expect("strace's report");
    let mut names = Vec::new();
    // What comes before may be of another program that starts this one.
    for call in text.lines().skip_while(|call| !call.contains("bind(")) {
        // `-f` puts a thread's number first. A call that waited for another one has two lines.
        let call = call.trim_start_matches(|one: char| one.is_ascii_digit() || one == ' ');
        let name = call.split('(').next().unwrap_or_default();
        if !name.starts_with('<') && !["bind", "listen", "getsockname", "accept4"].contains(&name) {
            names.push(name);
        }
    }
    let expected = [&["write", "write"][..], &a_message.repeat(3), &["recvfrom", "write"]].concat();
    names.truncate(expected.len());
    let [wanted, got] = [&expected, &names].map(|names| names.join(" "));
    ensure(names == expected, "expected the system calls {}, but they are {}", &[&wanted, &got]);
}
