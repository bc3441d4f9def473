//! What both clients are checked for.

use std::io::{Read, Write};
use std::process::Command;

use crate::check::{is_escaped, those_here};
use crate::{
    A_WHILE, NI_HAO, Peer, Program, Subject, TCP_REPLY, UDP_REPLY, ensure, shortened, wait_until,
    words,
};

/// A client, and the server's end of its conversation.
pub fn with_client(subject: &Subject) -> (Peer, Program) {
    with_client_at(subject, "127.0.0.1", |command| command)
}

/// The same at that `host`, with the client started by what `under` makes of its command.
fn with_client_at(subject: &Subject, host: &str, under: fn(Command) -> Command) -> (Peer, Program) {
    let (server, mut client, stdout) = Peer::with_client(subject, host, under);
    client.reads(stdout);
    (server, client)
}

/// A line is sent in GBK and its reply shown.
pub fn sends_a_line(subject: &Subject) {
    let (mut server, mut client) = with_client(subject);
    client.types("你好\n");
    server.answers(NI_HAO, b"\xd4\xd9\xbc\xfb");
    client.stdout.wait_for("再见");
}

/// Each line waits for the reply to the one before.
pub fn waits_for_each_reply(subject: &Subject) {
    let (mut server, mut client) = with_client(subject);
    client.types("one\n你好\nthree\n");
    server.expects(b"one");
    server.expects_nothing_yet();
    server.sends(b"first");
    client.stdout.wait_for("first");
    server.answers(NI_HAO, b"\xba\xc3");
    client.stdout.wait_for("好");
    server.answers(b"three", b"third");
    client.stdout.wait_for("third");
}

/// An empty line leaves, and so does each `input` of these, before it is read any further.
pub fn leaves_after(subject: &Subject, inputs: &[&str]) {
    for input in inputs {
        let (mut server, mut client) = with_client(subject);
        client.types(input);
        client.ends_input();
        if let Peer::Tcp(connection) = &mut server {
            crate::expect_closed(connection);
        } else {
            client.ends_with(0);
            server.expects_nothing_yet();
        }
        drop(server);
        client.ends_with(0);
    }
}

/// A character outside GBK is named; nothing of its line is sent, and the next line is.
pub fn refuses_what_is_not_in_gbk(subject: &Subject) {
    refuses(subject, "😀".as_bytes(), &["1F600"]);
}

/// The same for each kind of what GBK has not, letter by letter as the contract has it.
pub fn refuses_as_the_contract_says(subject: &Subject) {
    for (character, number) in
        [("€", "20AC"), ("㐀", "3400"), ("\u{e000}", "E000"), ("\u{85}", "0085"), ("😀", "1F600")]
    {
        let named = format!("(U+{number}) is not in GBK");
        refuses(subject, character.as_bytes(), &[&format!("{}: ", subject.name), "ab", &named]);
    }
    refuses(subject, b"\xc4\xe3", &["byte 3", "0xC4", "UTF-8"]);
}

fn refuses(subject: &Subject, typed: &[u8], named: &[&str]) {
    let (mut server, mut client) = with_client(subject);
    client.types([b"ab", typed, b"\nhello\n"].concat());
    client.ends_input();
    server.answers(b"hello", b"hi");
    drop(server);
    client.stdout.wait_for("hi");
    client.stderr.find(named, false);
    client.ends_with(1);
}

/// A reply is one line, and drives no terminal.
pub fn escapes_what_a_screen_obeys(subject: &Subject) {
    let (mut server, mut client) = with_client(subject);
    client.types("你好\n");
    server.answers(NI_HAO, b"\x1b[2Jone\r\ntwo\x7f");
    is_escaped(&client.stdout.wait_for("one"));
}

/// Every line is sent, and every reply shown, as the contract says.
pub fn talks_as_the_contract_says(subject: &Subject) {
    let (mut server, mut client) = with_client(subject);
    let cases: [(&str, &[u8], &[u8], &str); 4] = [
        ("你好\n", NI_HAO, b"\xba\xc3", "好"),
        ("hello, 世界\r\n", b"hello, \xca\xc0\xbd\xe7", b"\xef\xbb\xbfa", "锘縜"),
        (
            "two\n",
            b"two",
            b"\x1b[2J\r\nforged\x81\x36\xa7\x31 \xff!",
            r"\u{1b}[2J\r\nforged\u{202e} �!",
        ),
        ("no line feed", b"no line feed", b"ok", "ok"),
    ];
    for (typed, sent, reply, shown) in cases {
        client.types(typed);
        if !typed.ends_with('\n') {
            client.ends_input();
        }
        server.answers(sent, reply);
        client.stdout.expect(shown);
    }
    drop(server);
    client.ends_silently_with(0);
}

/// It finds its server by `localhost` and over IPv6.
pub fn talks_to_any_host(subject: &Subject) {
    for host in those_here(&["localhost", "::1"]) {
        let (mut server, mut client) = with_client_at(subject, host, |command| command);
        client.types("你好\n");
        server.answers(NI_HAO, b"hi");
        client.stdout.expect("hi");
    }
}

/// A stdout that nobody reads any more ends it with status 1 and the reason.
pub fn ends_without_stdout(subject: &Subject) {
    let (mut server, mut client, stdout) =
        Peer::with_client(subject, "127.0.0.1", |command| command);
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    client.types("你好\n".repeat(1_000));
    let mut buffer = [0; 100];
    wait_until(&words("the client has ended", "客户端结束", &[]), || {
        let _ = match &mut server {
            Peer::Udp(socket, _) => {
                let _ = socket.set_read_timeout(Some(A_WHILE));
                let message = socket.recv_from(&mut buffer);
                message.and_then(|(_, peer)| socket.send_to(UDP_REPLY, peer))
            }
            Peer::Tcp(socket) => socket.read(&mut buffer).and_then(|_| socket.write(TCP_REPLY)),
        };
        !client.is_running()
    });
    client.ends_with(1);
    client.stderr.expect_parts(&[&format!("{}: ", subject.name), "stdout"]);
    client.stderr.expect_end();
}

/// At a terminal the prompt asks for each line and the end of the input leaves its line; without one
/// there is no prompt.
#[cfg(target_os = "linux")]
pub fn asks_at_a_terminal(subject: &Subject) {
    const PROMPT: &str = "请输入要发送的数据:";
    let (mut server, mut client) = with_client(subject);
    client.types("你好\n");
    server.answers(NI_HAO, b"hi");
    client.stdout.expect("hi"); // no prompt before it

    if !crate::has_tool("script") {
        return;
    }
    let at_terminal = |command| crate::at_terminal(&command);
    let (mut server, mut client) = with_client_at(subject, "127.0.0.1", at_terminal);
    client.types("你好\n");
    server.answers(NI_HAO, b"hi");
    client.stdout.wait_for("hi");
    client.types([4]); // Ctrl-D
    drop(server);
    client.ends_with(0);
    client.stdout.rest();
    let shown = client.stdout.seen();
    assert_eq!(shown.concat().matches(PROMPT).count(), 2, "{shown:?}");
    let is_new = !shown.concat().contains("no line feed");
    let english = "expected the cursor on a new line in the end, but got {}";
    let chinese = "最后光标应在新的一行，实际是 {}";
    ensure(is_new, english, chinese, &[&shortened(&format!("{shown:?}"))]);
}
