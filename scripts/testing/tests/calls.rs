//! `scripts/calls.sh`: the socket calls of both sides, in the order in which they happened.
#![cfg(target_os = "linux")]

use testing::{has_tool, run, script};

/// The lines of one side, in their order: the client's begin in the middle.
fn side(lines: &[String], client: bool) -> String {
    let of_side = lines.iter().filter(|line| line.starts_with("     ") == client);
    of_side.map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// All of `parts` stand in `text`, one after the other.
fn expect_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("expected {part:?} after the calls before it, but got:\n{text}")
        };
        rest = after;
    }
}

#[test]
fn the_udp_calls_are_shown_with_their_text() {
    if !has_tool("strace", "-V") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["udp"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let reply = "我是UDP服务器,已接收到你发来的消息!";
    let server =
        ["socket(AF_INET, SOCK_DGRAM", "bind(", "recvfrom(3", "\"你好\"", "sendto(3", reply];
    expect_in_order(&side(&stdout, false), &[&server[..], &["\"exit\"", "close("]].concat());
    let client =
        ["socket(", "connect(", "SO_RCVTIMEO", "sendto(3, \"你好\") = 4", reply, "\"exit\""];
    expect_in_order(&side(&stdout, true), &client);
    // Across the sides: sent before it is received.
    expect_in_order(
        &stdout.join("\n"),
        &["sendto(3, \"你好\")", "recvfrom(3, \"你好\"", reply, reply],
    );
}

#[test]
fn the_tcp_calls_are_shown_with_their_text() {
    if !has_tool("strace", "-V") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["tcp", "你好", "再见"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let reply = "我是一个TCP服务器!!";
    let server =
        ["socket(AF_INET, SOCK_STREAM", "SO_REUSEADDR", "bind(", "listen(3, 128)", "accept4(3"];
    let serves =
        ["recvfrom(4, \"你好\")", reply, "recvfrom(4, \"再见\")", reply, ", \"\") = 0", "close(4)"];
    expect_in_order(&side(&stdout, false), &[&server[..], &serves].concat());
    let client =
        ["socket(", "connect(", "\"你好\"", reply, "\"再见\"", reply, "shutdown(", "close("];
    expect_in_order(&side(&stdout, true), &client);
    expect_in_order(
        &stdout.join("\n"),
        &["listen(3, 128)", "connect(3", "sendto(3, \"你好\")", reply],
    );
}

#[test]
fn a_message_that_fails_is_told_and_is_the_status() {
    if !has_tool("strace", "-V") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["tcp", "😀"]), "");
    assert_eq!(status, Some(1), "{stdout:?}");
    assert!(stderr.join("\n").contains("U+1F600"), "{stderr:?}");
}

#[test]
fn a_wrong_word_is_an_error_and_so_is_a_missing_tool() {
    let (status, _, stderr) = run(script("calls.sh", &["ucp"]), "");
    assert_eq!(status, Some(2));
    assert!(stderr.join("\n").contains("usage: scripts/calls.sh"), "{stderr:?}");

    for (name, tool) in [("calls.sh", "strace"), ("packets.sh", "tcpdump")] {
        let scratch = env!("CARGO_TARGET_TMPDIR");
        let without = testing::without_tool(script(name, &["udp"]), tool, scratch);
        let (status, _, stderr) = run(without, "");
        assert_eq!(status, Some(1), "{stderr:?}");
        let said = stderr.join("\n");
        assert!(said.contains(tool) && said.contains("apt-get install"), "{stderr:?}");
    }
}
