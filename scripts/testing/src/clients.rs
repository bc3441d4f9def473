//! What both clients are checked for.

use std::process::Command;

use crate::both::{ends_for_stdout, expect_escaped, without_reader};
use crate::client::{with_client, with_client_at};
use crate::constants::NI_HAO;
use crate::failure::{ensure, shortened};
use crate::machine::at_terminal;
use crate::peer::Peer;
use crate::program::Program;
use crate::subject;

/// What a client prints at a terminal before it reads a line.
const PROMPT: &str = "请输入要发送的数据:";

/// A client whose first line has been answered, and its server.
fn answered(host: &str, command: Command) -> (Peer, Program) {
    let (mut server, mut client) = with_client_at(host, command);
    client.types("你好\n");
    server.answers(NI_HAO, b"\xd4\xd9\xbc\xfb");
    client.stdout.wait_for(&["再见"]);
    (server, client)
}

/// It talks to a server at that `host`: a line is sent in GBK, and its reply shown.
pub fn talks_to(host: &str) {
    answered(host, subject::command());
}

/// The prompt is for a terminal alone.
pub fn prints_no_prompt() {
    let (_server, client) = answered("127.0.0.1", subject::command());
    let shown = client.stdout.seen().concat();
    let english =
        "it printed the prompt although stdin is no terminal: print it only at a terminal (isatty)";
    ensure(!shown.contains(PROMPT.trim_end_matches(':')), english, &[]);
}

/// Each line waits for the reply to the one before.
pub fn waits_for_each_reply() {
    let (mut server, mut client) = with_client();
    client.types("one\n你好\nthree\n");
    server.expects(b"one");
    server.expects_nothing_yet();
    server.sends(b"first");
    client.stdout.wait_for(&["first"]);
    server.answers(NI_HAO, b"\xba\xc3");
    client.stdout.wait_for(&["好"]);
    server.answers(b"three", b"third");
    client.stdout.wait_for(&["third"]);
}

/// After this `input` the client leaves; it has sent no more than that.
pub fn leaves_after(input: &str, sent: &[u8]) {
    let (mut server, mut client) = with_client();
    client.types(input);
    if input.is_empty() {
        client.ends_input();
    }
    if !sent.is_empty() {
        server.expects(sent);
    }
    match server {
        Peer::Tcp(_) => {
            server.expects_close();
            drop(server); // for this it waits
            client.ends_with(0);
        }
        Peer::Udp(..) => {
            client.ends_with(0);
            server.expects_nothing_yet();
        }
    }
}

/// What of a line cannot be sent is named; nothing of the line is sent, and the next line is.
pub fn refuses(typed: &[u8], named: &[&str]) {
    let (mut server, mut client) = with_client();
    client.types([b"ab", typed, b"\nhello\n"].concat());
    client.ends_input();
    server.answers(b"hello", b"hi");
    drop(server);
    client.stdout.wait_for(&["hi"]);
    client.stderr.wait_for(named);
    client.ends_with(1);
}

/// A reply is shown in one line, with its control characters escaped.
pub fn escapes_control_characters() {
    let (mut server, mut client) = with_client();
    client.types("你好\n");
    server.answers(NI_HAO, b"\x1b[2Jone\r\ntwo\x7f");
    expect_escaped(&client.stdout.wait_for(&["one"]));
}

/// Every line is sent, and every reply shown, as common/promises.md says.
pub fn exact_output() {
    let (mut server, mut client) = with_client();
    // The last line has no line feed.
    client.types("你好\nhello, 世界\r\nlast");
    client.ends_input();
    server.answers(NI_HAO, b"\xef\xbb\xbfa");
    client.stdout.expect("锘縜");
    server.answers(b"hello, \xca\xc0\xbd\xe7", b"\x1b[2J\r\nforged\x81\x36\xa7\x31 \xff!");
    client.stdout.expect(r"\u{1b}[2J\r\nforged\u{202e} �!");
    server.answers(b"last", b"ok");
    client.stdout.expect("ok");
    drop(server);
    client.ends_silently_with(0);

    leaves_after("\r\nmore\n", b"");
    let prefix = format!("{}: ", subject::name());
    refuses("€".as_bytes(), &[&prefix, "ab", "'€' (U+20AC) is not in GBK"]);
    refuses(b"\xc4\xe3", &["byte 3", "0xC4", "UTF-8"]);
}

/// A stdout that nobody reads any more ends it with status 1 and the reason.
pub fn ends_without_stdout() {
    let (mut server, mut client) = with_client_at("127.0.0.1", without_reader(&subject::command()));
    client.types("你好\n");
    server.answers(NI_HAO, b"hi");
    ends_for_stdout(&mut client);
}

/// At a terminal the prompt asks for each line. Ctrl-D leaves, and twice it ends a line without a line
/// feed; then too what follows is on a new line.
pub fn asks_at_a_terminal() {
    for last in ["\u{4}", "exit\u{4}\u{4}"] {
        let (mut server, mut client) = answered("127.0.0.1", at_terminal(&subject::command()));
        client.types(last);
        if last.starts_with("exit") {
            server.expects(b"exit");
        }
        drop(server);
        client.ends_with(0);
        client.stdout.rest();
        let shown = client.stdout.seen().concat();
        let prompts = shown.matches(PROMPT).count();
        let english =
            "expected the prompt {} at a terminal before each of 2 lines, but it is there {} times";
        ensure(prompts == 2, english, &[&PROMPT, &prompts]);
        let english = "expected the cursor on a new line in the end, but got {}";
        ensure(!shown.contains("no line feed"), english, &[&shortened(&shown)]);
    }
}
