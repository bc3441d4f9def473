//! What the UDP server asks of the kernel, and what it does when the kernel refuses: under strace,
//! which shows the calls and can make them fail.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use testing::{
    NI_HAO, Server, UDP_REPLY, datagram, has_tool, program, scratch, strace, udp_socket,
};

fn server_under_strace(options: &[&str]) -> Server {
    let command = program("udp-server", env!("CARGO_BIN_EXE_udp-server"));
    Server::start("udp-server", strace(options, &command))
}

#[test]
fn a_message_costs_four_calls_with_each_line_written_whole() {
    if !has_tool("strace") {
        return;
    }
    let report = scratch("udp-server.calls");
    let to = report.to_str().expect("a path in UTF-8");
    let mut server = server_under_strace(&["-o", to, "-xx", "-s", "99999"]);
    let client = udp_socket();
    for size in [1, 30_000, 4] {
        client.send_to(&vec![b'a'; size], server.address).expect("the message is sent");
        datagram(&client);
    }
    client.send_to(b"exit", server.address).expect("the message is sent");
    server.program.ends_with(0);
    server.program.stderr.expect_end(); // strace is done

    let calls = testing::calls_with_whole_lines(&report);
    let ready = calls.iter().position(|call| call == "recvfrom").expect("the first receive");
    let a_message = ["recvfrom", "write", "sendto", "write"];
    let expected = [&a_message.repeat(3)[..], &["recvfrom", "write"]].concat();
    assert_eq!(calls[ready..][..expected.len()], expected);
}

#[test]
fn a_receive_that_fails_is_reported_and_the_server_goes_on() {
    if !has_tool("strace") {
        return;
    }
    // As Windows reports that an earlier reply found nobody.
    let fail = "inject=recvfrom:error=ECONNRESET:when=1";
    let mut server = server_under_strace(&["-o", "/dev/null", "-e", fail]);
    server.program.stderr.expect_parts(&["udp-server: ", "reset"]);
    let client = udp_socket();
    client.send_to(NI_HAO, server.address).expect("the message is sent");
    assert_eq!(datagram(&client).0, UDP_REPLY);
}

#[test]
fn a_receive_that_fails_again_and_again_is_told_once_and_costs_next_to_nothing() {
    if !has_tool("strace") {
        return;
    }
    let fail = "inject=recvfrom:error=ENOMEM:when=1..100";
    let mut server = server_under_strace(&["-o", "/dev/null", "-e", fail]);
    server.program.stderr.expect_parts(&["udp-server: ", "Cannot allocate memory"]);
    let client = udp_socket();
    let started = Instant::now();
    client.send_to(b"exit", server.address).expect("the message is sent");
    server.program.ends_with(0);
    let time = started.elapsed();
    assert!(time > Duration::from_millis(500), "expected it to wait, but it took {time:?}");
    server.program.stderr.expect_end();
    server.program.stdout.expect("waiting for messages......");
    server.program.stdout.expect_parts(&["receive messages:exit from "]);
}

#[test]
fn a_reply_that_cannot_be_sent_is_reported_and_the_server_goes_on() {
    if !has_tool("strace") {
        return;
    }
    let fail = "inject=sendto:error=ENETUNREACH:when=1";
    let mut server = server_under_strace(&["-o", "/dev/null", "-e", fail]);
    let client = udp_socket();
    let peer = client.local_addr().expect("the client's address").to_string();
    client.send_to(b"lost", server.address).expect("the message is sent");
    server.program.stderr.expect_parts(&["udp-server: ", &peer, "unreachable"]);
    client.send_to(NI_HAO, server.address).expect("the message is sent");
    assert_eq!(datagram(&client).0, UDP_REPLY);
}
