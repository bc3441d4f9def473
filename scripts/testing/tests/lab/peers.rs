//! The programs in conversation with the tutorial's, whose socket calls `peer.py` makes.
#![cfg(unix)]

use std::process::Command;

use testing::{Program, Server, TCP_REPLY_TEXT, UDP_REPLY_TEXT, has_tool, workspace_program};

/// Text of all kinds that GBK has: 5C and 7C as second bytes, the edges of its table, wide spaces.
const TEXTS: [&str; 4] = [
    "你好",
    "   plain ASCII: $HOME `ls` %s \\n   ",
    "生僻字：镕堃喆囍龘靐齉爨 乗俓儅凎誠閈 丂狛隣礼﨩㊣兀 漢字繁體：臺灣、憂鬱的烏龜",
    "ＦＵＬＬ　ｗｉｄｔｈ！“引号”——《书名》……ひらがなカタカナ αβγΩ Привет ā ɡ №℃㎡①㈠Ⅻ─│┌",
];

/// The tutorial's program in `role`.
fn tutorials(role: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-u", "-X", "utf8", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py"), role]);
    command
}

/// Talks through such a server and client: every text, then all of them `times` over in one line,
/// each message with its `reply`, and then exit. `None` where there is no Python.
fn talk(
    [server, client]: [fn(&str) -> Command; 2],
    (kind, reply): (&str, &str),
    times: usize,
) -> Option<[Program; 2]> {
    if !has_tool("python3") {
        return None;
    }
    let name = format!("{kind}-server");
    let Server { program: mut server, address, .. } = Server::start(&name, server(&name));
    let mut client = Program::start(testing::client(client(&format!("{kind}-client")), address));
    for message in TEXTS.map(str::to_owned).into_iter().chain([TEXTS.concat().repeat(times)]) {
        client.types(format!("{message}\n"));
        // Over TCP a long line comes in pieces, each of which is decoded alone and answered.
        let mut received = String::new();
        while received.len() < message.len() {
            received += &next_message(&mut server);
            client.stdout.expect(reply);
        }
        assert_eq!(received, message, "what the server received (left) and what was sent");
    }
    client.types("exit\n");
    assert_eq!(next_message(&mut server), "exit");
    Some([server, client])
}

/// What the `server` receives next. The tutorial's ends at the first byte that is not GBK.
fn next_message(server: &mut Program) -> String {
    let line = server.stdout.wait_for("receive messages:");
    let parts = line.strip_prefix("receive messages:").and_then(|line| line.rsplit_once(" from "));
    parts.unwrap_or_else(|| panic!("expected a message, but got {line:?}")).0.to_owned()
}

#[test]
fn the_udp_client_talks_to_the_tutorials_server() {
    let programs = talk([tutorials, workspace_program], ("udp", UDP_REPLY_TEXT), 3);
    programs.into_iter().flatten().for_each(|mut program| program.ends_silently_with(0));
}

#[test]
fn the_tcp_client_talks_to_the_tutorials_server() {
    let programs = talk([tutorials, workspace_program], ("tcp", TCP_REPLY_TEXT), 200);
    let Some([_server, mut client]) = programs else { return };
    client.stdout.expect(TCP_REPLY_TEXT); // that server knows no exit
    client.ends_silently_with(0);
}

#[test]
fn the_tutorials_udp_client_talks_to_the_server() {
    // A long line, less than macOS sends at the most.
    let programs = talk([workspace_program, tutorials], ("udp", UDP_REPLY_TEXT), 30);
    let Some([mut server, _client]) = programs else { return };
    server.ends_with(0); // and its client waits for ever
}

#[test]
fn the_tutorials_tcp_client_talks_to_the_server() {
    // Of a longer line this client would take some replies for the next message's.
    let programs = talk([workspace_program, tutorials], ("tcp", TCP_REPLY_TEXT), 3);
    let Some([_server, mut client]) = programs else { return };
    client.ends_silently_with(0);
}
