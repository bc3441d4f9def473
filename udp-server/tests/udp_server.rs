//! The UDP server's side of the contract; plain sockets play its clients.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use testing::{
    NI_HAO, Server, UDP_REPLY, UDP_REPLY_TEXT, datagram, expect_error, has_localhost, program,
    readable, udp_socket, wait_until,
};

const WAITING: &str = "waiting for messages......";

fn command() -> Command {
    program("udp-server", env!("CARGO_BIN_EXE_udp-server"))
}

/// A server that is waiting for its first message, and a client's socket that sends to it.
fn server_and_client() -> (Server, UdpSocket) {
    let mut server = Server::start("udp-server", command());
    server.program.stdout.expect(WAITING);
    let client = udp_socket();
    client.connect(server.address).expect("a UDP socket can always be connected");
    (server, client)
}

/// Sends `message`, which the server has to show as `text` and to answer.
fn expect_answered(server: &mut Server, client: &UdpSocket, message: &[u8], text: &str) {
    client.send(message).expect("the message is sent");
    let peer = client.local_addr().expect("the client's address");
    server.program.stdout.expect(&format!("receive messages:{text} from {peer}"));
    let (reply, from) = datagram(client);
    let text = readable(&reply);
    assert!(reply == UDP_REPLY, "expected the UDP server's reply in GBK, but received {text}");
    assert_eq!(from, server.address, "expected the reply to come from the server's address");
    server.program.stdout.expect(WAITING);
}

#[test]
fn a_message_is_shown_with_its_sender_and_answered_before_the_next_wait() {
    let (mut server, client) = server_and_client();
    expect_answered(&mut server, &client, NI_HAO, "你好");
    expect_answered(&mut server, &client, b"hello", "hello");
    server.program.kill();
    server.program.stderr.expect_end(); // it has said where it listens, and that is all
}

#[test]
fn a_message_is_shown_before_it_is_answered() {
    // A line longer than a pipe holds: the server cannot have shown it while nobody reads.
    let (server, stdout) = Server::start_unread("udp-server", command());
    let client = udp_socket();
    client.send_to(&[b'a'; 65_507], server.address).expect("the message is sent");
    client.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let reply = client.recv(&mut [0; 100]);
    assert!(reply.is_err(), "expected the line first and then the reply, but the reply came first");
    drop(stdout);
}

#[test]
fn each_client_gets_its_own_replies() {
    let (mut server, one) = server_and_client();
    let other = udp_socket();
    other.connect(server.address).expect("a UDP socket can always be connected");
    for _ in 0..3 {
        expect_answered(&mut server, &one, b"one", "one");
        expect_answered(&mut server, &other, b"other", "other");
    }
}

#[test]
fn exit_ends_the_server_with_status_0_and_gets_no_reply() {
    let (mut server, client) = server_and_client();
    client.send(b"exit").expect("the message is sent");
    server.program.stdout.expect_parts(&["receive messages:exit from "]);
    server.program.stdout.expect_end();
    server.program.ends_with(0);
    client.set_nonblocking(true).expect("a socket that does not block");
    let reply = client.recv(&mut [0; 100]);
    assert!(reply.is_err(), "expected no reply to exit, but the server replied");
}

#[test]
fn only_the_four_letters_exactly_are_the_exit_message() {
    let (mut server, client) = server_and_client();
    for text in ["EXIT", "exits", " exit", "exi"] {
        expect_answered(&mut server, &client, text.as_bytes(), text);
    }
    expect_answered(&mut server, &client, b"exit\n", r"exit\n");
    expect_answered(&mut server, &client, b"exit\0", r"exit\u{0}");
}

#[test]
fn an_empty_datagram_is_a_message_like_any_other() {
    let (mut server, client) = server_and_client();
    expect_answered(&mut server, &client, b"", "");
}

#[test]
fn bytes_that_are_not_gbk_show_as_u_fffd_and_stop_nothing() {
    let (mut server, client) = server_and_client();
    expect_answered(&mut server, &client, b"a\xffb", "a\u{fffd}b");
    expect_answered(&mut server, &client, b"\xc4", "\u{fffd}");
    expect_answered(&mut server, &client, NI_HAO, "你好"); // the half one is not kept
    // Python's gbk knows no 0x80, WHATWG's means the euro sign by it: either may be shown.
    client.send(b"\x80").expect("the message is sent");
    server.program.stdout.expect_parts(&["receive messages:", " from "]);
    assert_eq!(datagram(&client).0, UDP_REPLY);
}

#[test]
fn a_byte_order_mark_is_gbk_like_any_other_bytes() {
    let (mut server, client) = server_and_client();
    expect_answered(&mut server, &client, b"\xef\xbb\xbfa", "锘縜");
    expect_answered(&mut server, &client, b"\xff\xfe,hello", "\u{fffd}\u{fffd},hello");
}

#[test]
fn control_characters_are_escaped_so_that_one_message_is_one_line() {
    let (mut server, client) = server_and_client();
    let forged = b"\x1b[2Jhi from 10.0.0.1:1\r\nreceive messages:no\t\x7f";
    let shown = r"\u{1b}[2Jhi from 10.0.0.1:1\r\nreceive messages:no\t\u{7f}";
    expect_answered(&mut server, &client, forged, shown);
    // Four bytes of GB 18030 decode to the control characters above ASCII too.
    expect_answered(&mut server, &client, b"\x81\x30\x81\x30", r"\u{80}");
    // And to those that turn a line around, or end it: U+202E, U+2028.
    let turned = b"1.0.0.721 morf \x81\x36\xa7\x31\x81\x36\xa6\x35";
    expect_answered(&mut server, &client, turned, r"1.0.0.721 morf \u{202e}\u{2028}");
}

#[test]
fn its_own_reply_is_shown_and_not_answered() {
    // As from another server, or from itself where somebody forges the sender's address.
    let (mut server, client) = server_and_client();
    let peer = client.local_addr().expect("the client's address");
    client.send(UDP_REPLY).expect("the message is sent");
    server.program.stdout.expect(&format!("receive messages:{UDP_REPLY_TEXT} from {peer}"));
    server.program.stdout.expect(WAITING);
    client.send(NI_HAO).expect("the message is sent");
    assert_eq!(datagram(&client).0, UDP_REPLY);
    client.set_nonblocking(true).expect("a socket that does not block");
    let more = client.recv(&mut [0; 100]);
    assert!(more.is_err(), "expected one reply to two messages, but got two");
}

#[test]
fn a_datagram_of_any_size_comes_whole() {
    let (mut server, client) = server_and_client();
    for size in [1_024, 1_025, 1_200, 65_507] {
        expect_answered(&mut server, &client, &vec![b'a'; size], &"a".repeat(size));
    }
}

#[test]
fn localhost_and_an_empty_host_mean_127_0_0_1() {
    for host in ["localhost", ""] {
        if host == "localhost" && !has_localhost() {
            continue;
        }
        let server = Server::start_at("udp-server", command(), host);
        let address = server.address.ip().to_string();
        assert!(address == "127.0.0.1", "expected {host:?} to mean 127.0.0.1, but got {address}");
    }
}

#[test]
fn it_serves_on_ipv6() {
    if !testing::has_ipv6() {
        return;
    }
    let mut server = Server::start_at("udp-server", command(), "::1");
    server.program.stdout.expect(WAITING);
    let client = UdpSocket::bind("[::1]:0").expect("a free port");
    client.set_read_timeout(Some(testing::DEADLINE)).expect("a timeout");
    client.connect(server.address).expect("a UDP socket can always be connected");
    expect_answered(&mut server, &client, NI_HAO, "你好");
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address() {
    let (server, _client) = server_and_client();
    let mut second = command();
    second.args(["127.0.0.1", &server.address.port().to_string()]);
    expect_error(second, &server.address.to_string());
}

#[test]
fn an_address_of_another_machine_is_an_error_that_names_it() {
    let mut elsewhere = command();
    elsewhere.args(["192.0.2.1", "0"]); // RFC 5737: nobody's
    expect_error(elsewhere, "192.0.2.1:0");
}

#[test]
fn a_stdout_that_nobody_reads_ends_it_with_status_1_and_the_reason() {
    let (mut server, stdout) = Server::start_unread("udp-server", command());
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    wait_until("the server has ended", || {
        let _ = udp_socket().send_to(NI_HAO, server.address); // or it has ended already
        !server.program.is_running()
    });
    server.program.stderr.expect_parts(&["udp-server: ", "stdout"]);
    server.program.stderr.expect_end();
    server.program.ends_with(1);
}
