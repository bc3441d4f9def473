//! What both servers are checked for.

use std::io::ErrorKind;
use std::net::TcpStream;

use crate::both::{ends_for_stdout, expect_escaped, fails_and_names, without_reader};
use crate::constants::{A_WHILE, NI_HAO};
use crate::failure::ensure;
use crate::machine::signal;
use crate::program::Program;
use crate::server::{Server, serve};
use crate::socket::udp_socket;
use crate::subject;

/// It says on stderr where it listens, and is there.
pub fn says_where_it_listens() {
    let server = serve();
    if subject::is_udp() {
        // A connected socket is told that nobody has the port.
        let socket = udp_socket();
        socket.connect(server.address).expect("a connected UDP socket");
        socket.set_read_timeout(Some(A_WHILE)).expect("a timeout");
        let received = socket.send(NI_HAO).and_then(|_| socket.recv(&mut [0; 100]));
        let refused = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset];
        let is_there = !received.is_err_and(|error| refused.contains(&error.kind()));
        ensure(is_there, "nobody has the UDP port of {}", &[&server.address]);
    } else {
        server.client();
    }
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
    for text in ["EXIT", "exits", " exit", "exi"] {
        server.answers(&mut client, text.as_bytes(), &[text]);
    }
    server.answers(&mut client, b"exit\n", &["exit"]);
}

/// Bytes that are not GBK stop nothing, however they are shown.
pub fn survives_what_is_not_gbk() {
    let mut server = serve();
    let mut client = server.client();
    for byte in [0xff, 0x80, 0xc4] {
        let message = [b"before ", &[byte][..], b" after"].concat();
        server.answers(&mut client, &message, &["before ", "after"]);
    }
    server.answers(&mut client, NI_HAO, &["你好"]);
}

/// A message is shown in one line, with its control characters escaped.
pub fn escapes_control_characters() {
    let mut server = serve();
    let mut client = server.client();
    client.sends(b"\x1b[2Jone\r\ntwo\x7f");
    expect_escaped(&server.program.stdout.wait_for("one"));
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

/// An empty HOST and `localhost` are 127.0.0.1.
pub fn has_a_default_host() {
    serves_at("");
    serves_at("localhost");
}

/// It serves at that `host`.
pub fn serves_at(host: &str) {
    let mut server = Server::start_at(subject::name(), subject::command(), host);
    let mut client = server.client();
    server.answers(&mut client, NI_HAO, &["你好"]);
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
    let mut server = Server::start(subject::name(), without_reader(&subject::command()));
    if !subject::is_udp() {
        let _ = TcpStream::connect(server.address); // so that it has to print
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
    again.stderr.expect_parts(&["listening on", &port]);
}
