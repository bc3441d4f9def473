//! What the client shows to somebody at a terminal, which util-linux's script(1) plays.
#![cfg(target_os = "linux")]

use std::io::Write;

use testing::{Program, has_tool, program};

const PROMPT: &str = "请输入要发送的数据:";

#[test]
fn the_prompt_asks_for_each_line() {
    if !has_tool("script") {
        return;
    }
    let (listener, address) = testing::tcp_listener();
    let client = program("tcp-client", env!("CARGO_BIN_EXE_tcp-client"));
    let mut client = Program::start(testing::at_terminal(&testing::client(client, address)));
    let mut server = testing::accept(&listener);
    client.types("你好\n");
    testing::expect_bytes(&mut server, testing::NI_HAO);
    server.write_all(b"hi").expect("the reply is sent");
    client.stdout.wait_for("hi");
    client.types("\n");
    drop(server);
    client.ends_with(0);
    client.stdout.rest();
    let shown = client.stdout.seen().join("\n");
    assert_eq!(shown.matches(PROMPT).count(), 2, "expected a prompt for each line in {shown:?}");
}

#[test]
fn the_end_of_the_input_leaves_the_prompts_line() {
    if !has_tool("script") {
        return;
    }
    let (listener, address) = testing::tcp_listener();
    let client = program("tcp-client", env!("CARGO_BIN_EXE_tcp-client"));
    let mut client = Program::start(testing::at_terminal(&testing::client(client, address)));
    drop(testing::accept(&listener));
    client.types([4]); // Ctrl-D
    client.ends_with(0);
    let shown = client.stdout.rest();
    let last = shown.last().expect("the prompt's line");
    assert!(!last.contains("no line feed"), "expected the cursor on a new line after {shown:?}");
}
