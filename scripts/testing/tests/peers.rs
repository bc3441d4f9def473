//! The programs in conversation with the tutorial's, whose socket calls `peer.py` makes.
#![cfg(unix)]

use std::process::Command;

use testing::{Program, Server, TCP_REPLY_TEXT, UDP_REPLY_TEXT, has_tool, workspace_program};

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

/// All of it again and again in one line of GBK of some `size`.
fn long(size: usize) -> String {
    let kinds = TEXTS.concat();
    let bytes: usize =
        kinds.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum();
    kinds.repeat(size / bytes)
}

/// The tutorial's program in `role`, or `None` where there is no Python.
fn tutorials(role: &str, port: &str) -> Option<Program> {
    if !has_tool("python3") {
        return None;
    }
    let mut command = Command::new("python3");
    command.args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py"), role, port]);
    Some(Program::start(command))
}

/// The tutorial's server in `role`, on a free port, and the port.
fn tutorials_server(role: &str) -> Option<(Program, String)> {
    let mut server = tutorials(role, "0")?;
    let port = next_line(&mut server);
    Some((server, port))
}

/// What the `tutorials` program prints next. It ends at the first byte that is not GBK.
fn next_line(tutorials: &mut Program) -> String {
    let line = tutorials.stdout.next_line();
    line.unwrap_or_else(|| {
        panic!("expected the tutorial's program to go on, but: {:?}", tutorials.stderr.rest())
    })
}

/// Our client called `name`, with the server at `port`.
fn client(name: &str, port: &str) -> Program {
    let mut command = workspace_program(name);
    command.args(["127.0.0.1", port]);
    Program::start(command)
}

/// Our server called `name`, and its port.
fn server(name: &str) -> (Server, String) {
    let server = Server::start(name, workspace_program(name));
    let port = server.address.port().to_string();
    (server, port)
}

/// What our `server` receives next.
fn next_message(server: &mut Server) -> String {
    let line = server.program.stdout.wait_for("receive messages:");
    let parts = line.strip_prefix("receive messages:").and_then(|line| line.rsplit_once(" from "));
    let (message, _) = parts.unwrap_or_else(|| panic!("expected a message, but got {line:?}"));
    message.to_owned()
}

/// Waits for what our `server` receives next, which has to be `expected`.
fn expect_message(server: &mut Server, expected: &str) {
    let message = next_message(server);
    assert!(
        message == expected,
        "expected the server to receive {expected:?}, but it received {message:?}"
    );
}

/// How many times `next_piece` is to be asked until it has given all of a long `message`.
fn pieces(message: &str, mut next_piece: impl FnMut() -> String) -> usize {
    let (mut received, mut pieces) = (String::new(), 0);
    while received.len() < message.len() {
        received += &next_piece();
        pieces += 1;
    }
    assert!(
        received == message,
        "expected the pieces to make {message:?}, but they make {received:?}"
    );
    pieces
}

#[test]
fn the_udp_client_talks_to_the_tutorials_server() {
    let Some((mut server, port)) = tutorials_server("udp-server") else { return };
    let mut client = client("udp-client", &port);
    let most = "满".repeat(512); // 1,024 bytes, all that the server receives at once
    for message in TEXTS.into_iter().chain([most.as_str()]) {
        client.types(format!("{message}\n"));
        server.stdout.expect(message);
        client.stdout.expect(UDP_REPLY_TEXT);
    }
    client.types("exit\n");
    server.stdout.expect("exit");
    for mut program in [client, server] {
        program.ends_with(0);
        program.stdout.expect_end();
        program.stderr.expect_end();
    }
}

#[test]
fn the_tcp_client_talks_to_the_tutorials_server() {
    let Some((mut server, port)) = tutorials_server("tcp-server") else { return };
    let mut first = client("tcp-client", &port);
    for message in TEXTS {
        first.types(format!("{message}\n"));
        server.stdout.expect(message);
        first.stdout.expect(TCP_REPLY_TEXT);
    }
    // A long line, of which the server decodes each receive alone and answers it.
    let message = long(65_000);
    first.types(format!("{message}\n"));
    for _ in 0..pieces(&message, || next_line(&mut server)) {
        first.stdout.expect(TCP_REPLY_TEXT);
    }
    // The server has time for the next client once this one has left. It knows no exit.
    let mut second = client("tcp-client", &port);
    second.types("下一个\n");
    first.types("exit\n");
    second.ends_input();
    for (mut client, message) in [(first, "exit"), (second, "下一个")] {
        server.stdout.expect(message);
        client.stdout.expect(TCP_REPLY_TEXT);
        client.ends_with(0);
        client.stdout.expect_end();
        client.stderr.expect_end();
    }
}

#[test]
fn the_tutorials_udp_client_talks_to_the_server() {
    let (mut server, port) = server("udp-server");
    let Some(mut client) = tutorials("udp-client", &port) else { return };
    let long = long(9_000); // less than macOS sends at the most
    for message in TEXTS.into_iter().chain([long.as_str()]) {
        client.types(format!("{message}\n"));
        expect_message(&mut server, message);
        client.stdout.expect(UDP_REPLY_TEXT);
    }
    client.types("exit\n"); // for whose answer this client waits for ever
    expect_message(&mut server, "exit");
    server.program.ends_with(0);
}

#[test]
fn the_tutorials_tcp_client_talks_to_the_server() {
    let (mut server, port) = server("tcp-server");
    let Some(mut client) = tutorials("tcp-client", &port) else { return };
    for message in TEXTS {
        client.types(format!("{message}\n"));
        expect_message(&mut server, message);
        client.stdout.expect(TCP_REPLY_TEXT);
    }
    // A long line is sent at once, and cut anywhere. The client's one receive takes some of the
    // replies; by the second message after it all of them are there to be taken.
    let message = long(20_000);
    client.types(format!("{message}\n"));
    let least = pieces(&message, || next_message(&mut server));
    let mut replies = next_line(&mut client);
    for message in ["一", "二"] {
        client.types(format!("{message}\n"));
        expect_message(&mut server, message);
        replies += &next_line(&mut client);
    }
    let count = replies.matches(TCP_REPLY_TEXT).count();
    assert!(replies == TCP_REPLY_TEXT.repeat(count), "expected whole replies, but got {replies:?}");
    assert!(
        (least..=least + 2).contains(&count),
        "expected a reply to each of {least} pieces and two messages, but got {count}"
    );

    let mut client = tutorials("tcp-client", &port).expect("Python is there");
    client.types("exit\n");
    expect_message(&mut server, "exit");
    client.ends_with(0); // as the server has closed the connection
    client.stdout.expect_end();
    client.stderr.expect_end();
}
