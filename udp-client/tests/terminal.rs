//! What the client shows to somebody at a terminal, which util-linux's script(1) plays.
#![cfg(target_os = "linux")]

use testing::{Program, has_tool, program};

const PROMPT: &str = "请输入要发送的数据:";

#[test]
fn the_prompt_asks_for_each_line() {
    if !has_tool("script") {
        return;
    }
    let server = testing::udp_socket();
    let address = server.local_addr().expect("the server's address");
    let client = program("udp-client", env!("CARGO_BIN_EXE_udp-client"));
    let mut client = Program::start(testing::at_terminal(&testing::client(client, address)));
    client.types("你好\n");
    let (_, peer) = testing::datagram(&server);
    server.send_to(b"hi", peer).expect("the reply is sent");
    client.stdout.wait_for("hi");
    client.types("\n");
    client.ends_with(0);
    client.stdout.rest();
    let shown = client.stdout.seen().join("\n");
    assert_eq!(shown.matches(PROMPT).count(), 2, "expected a prompt for each line in {shown:?}");
}

#[test]
fn there_is_no_prompt_without_a_terminal() {
    let client = program("udp-client", env!("CARGO_BIN_EXE_udp-client"));
    let server = testing::udp_socket().local_addr().expect("the server's address");
    let (status, stdout, _) = testing::run(testing::client(client, server), "\n");
    assert_eq!((status, stdout), (Some(0), vec![]), "expected {PROMPT:?} at a terminal alone");
}
