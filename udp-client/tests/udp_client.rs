//! The UDP client's side of the contract; a plain socket plays the server.

use std::net::UdpSocket;
use std::process::Command;

use testing::{
    A_WHILE, DEADLINE, NI_HAO, Program, UDP_REPLY, UDP_REPLY_TEXT, check_is_not_its_own_server,
    close_udp, datagram, has_udp_refusals, program, readable, udp_socket, wait_until,
    with_own_network,
};

fn command() -> Command {
    program("udp-client", env!("CARGO_BIN_EXE_udp-client"))
}

/// A socket that plays the server, and a client that sends to it.
fn server_and_client() -> (UdpSocket, Program) {
    let server = udp_socket();
    let address = server.local_addr().expect("the server's address");
    (server, Program::start(testing::client(command(), address)))
}

/// Receives one message, which has to be `expected`, and answers it with `reply`.
fn answer(server: &UdpSocket, expected: &[u8], reply: &[u8]) {
    let (message, client) = datagram(server);
    let (text, expected_text) = (readable(&message), readable(expected));
    assert!(message == expected, "expected the message {expected_text}, but received {text}");
    server.send_to(reply, client).expect("the reply is sent");
}

/// For a while there is no further datagram at `server`.
fn expect_nothing_more(server: &UdpSocket) {
    server.set_read_timeout(Some(A_WHILE)).expect("a timeout");
    let more = server.recv(&mut [0; 100]);
    assert!(more.is_err(), "expected no further message, but received one of {more:?} bytes");
    server.set_read_timeout(Some(DEADLINE)).expect("a timeout");
}

#[test]
fn each_line_is_sent_in_gbk_and_its_reply_shown() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&server, NI_HAO, UDP_REPLY);
    client.stdout.expect(UDP_REPLY_TEXT);
    client.types("hello, 世界\r\n");
    answer(&server, b"hello, \xca\xc0\xbd\xe7", b"\xba\xc3");
    client.stdout.expect("好");
    client.types("no line feed at the end");
    client.ends_input();
    answer(&server, b"no line feed at the end", b"ok");
    client.stdout.expect("ok");
    client.stdout.expect_end();
    client.stderr.expect_end();
    client.ends_with(0);
}

#[test]
fn all_messages_come_from_one_port_each_after_the_reply_to_the_one_before() {
    let (server, mut client) = server_and_client();
    client.types("one\ntwo\n");
    let (message, first) = datagram(&server);
    assert_eq!(message, b"one");
    expect_nothing_more(&server);
    server.send_to(b"1", first).expect("the reply is sent");
    let (message, second) = datagram(&server);
    assert_eq!((message, second), (b"two".to_vec(), first));
}

#[test]
fn exit_is_sent_and_the_client_leaves_without_waiting() {
    let (server, mut client) = server_and_client();
    client.types("exit\nmore\n");
    client.ends_with(0);
    assert_eq!(datagram(&server).0, b"exit");
    expect_nothing_more(&server);
    client.stdout.expect_end();
}

#[test]
fn an_empty_line_or_the_end_of_the_input_leaves() {
    for input in ["\nmore\n", "\r\nmore\n", ""] {
        let (server, mut client) = server_and_client();
        client.types(input);
        client.ends_input();
        client.ends_with(0);
        client.stdout.expect_end();
        client.stderr.expect_end();
        expect_nothing_more(&server);
    }
}

#[test]
fn a_character_outside_gbk_is_named_and_nothing_of_its_line_is_sent() {
    // An emoji, the euro sign, one that GB 18030 added, private use, a control character.
    let refused = ["😀 (U+1F600", "€ (U+20AC", "㐀 (U+3400", "\u{e000} (U+E000", "\u{85} (U+0085"];
    for case in refused {
        let (character, number) = case.split_once(' ').expect("a character and its number");
        let (server, mut client) = server_and_client();
        client.types(format!("你好{character}\nhello\n"));
        client.ends_input();
        answer(&server, b"hello", b"hi");
        client.stdout.expect("hi");
        client.stderr.expect_parts(&["udp-client: ", "你好", number, "is not in GBK"]);
        client.ends_with(1);
    }
}

#[test]
fn a_line_that_is_not_utf_8_is_refused_and_the_rest_is_sent() {
    let (server, mut client) = server_and_client();
    client.types(b"ab\xc4\xe3\nhello\n");
    client.ends_input();
    answer(&server, b"hello", b"hi");
    client.stderr.expect_parts(&["udp-client: ", "byte 3", "0xC4", "UTF-8"]);
    client.ends_with(1);
}

#[test]
fn only_the_server_itself_can_answer() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    let (_, peer) = datagram(&server);
    udp_socket().send_to(b"forged", peer).expect("the forged reply is sent");
    server.send_to(b"real", peer).expect("the reply is sent");
    client.stdout.expect("real");
}

#[test]
fn a_server_that_is_not_there_is_reported_at_once_for_each_message() {
    if !has_udp_refusals() {
        return;
    }
    let (server, mut client) = server_and_client();
    close_udp(server);
    client.types("one\ntwo\n");
    client.stderr.expect_parts(&["udp-client: ", "one", "Connection refused"]);
    client.stderr.expect_parts(&["udp-client: ", "two", "Connection refused"]);
    client.ends_input();
    client.ends_with(1);
    client.stdout.expect_end();
}

#[test]
fn a_client_does_not_take_itself_for_the_server() {
    check_is_not_its_own_server(command);
}

#[test]
fn a_server_that_comes_back_is_heard_again() {
    if !has_udp_refusals() {
        return;
    }
    let (server, mut client) = server_and_client();
    let address = server.local_addr().expect("the server's address");
    close_udp(server);
    client.types("one\n");
    client.stderr.expect_parts(&["Connection refused"]);
    let server = UdpSocket::bind(address).expect("the port is still free");
    server.set_read_timeout(Some(testing::DEADLINE)).expect("a timeout");
    client.types("two\n");
    answer(&server, b"two", b"2");
    client.stdout.expect("2");
}

#[test]
fn a_silent_server_is_reported_and_its_late_reply_answers_no_other_message() {
    let (server, mut client) = server_and_client();
    client.types("one\ntwo\n");
    let (message, first) = datagram(&server);
    assert_eq!(message, b"one");
    client.stderr.expect_parts(&["udp-client: ", "one", "5 seconds"]);
    // The reply to the first message comes while the second one waits for its own.
    let (message, second) = datagram(&server);
    assert_eq!(message, b"two");
    server.send_to(b"late", first).expect("the late reply is sent");
    server.send_to(b"2", second).expect("the reply is sent");
    client.stdout.expect("2");
    client.ends_input();
    client.ends_with(1);
}

/// A server that answers late, where the kernel has no more than `ports` to give out: the replies to
/// the messages 1 to 3 come while the one after each is asked.
fn check_late_replies(test: &str, ports: &str, failures: [&str; 4], answered: usize) {
    let few = format!("echo {ports} >/proc/sys/net/ipv4/ip_local_port_range");
    with_own_network(test, &few, || {
        let server = UdpSocket::bind("127.0.0.1:50000").expect("a port of a new network");
        server.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let address = server.local_addr().expect("the server's address");
        let mut client = Program::start(testing::client(command(), address));
        client.types("1\n2\n3\n4\n");
        client.ends_input();
        let mut before = None;
        for _ in 0..answered {
            let (message, peer) = datagram(&server);
            if let Some((message, peer)) = before.replace((message, peer)) {
                server.send_to(&message, peer).expect("the late reply is sent");
            }
        }
        for failure in failures {
            client.stderr.expect_parts(&["udp-client: ", failure]);
        }
        client.ends_with(1);
        client.stdout.expect_end();
    });
}

#[test]
fn a_late_reply_answers_nothing_with_one_port_to_give_out() {
    let test = "a_late_reply_answers_nothing_with_one_port_to_give_out";
    let taken = "cannot bind 0.0.0.0:0";
    check_late_replies(test, "40000 40000", ["5 seconds", taken, taken, taken], 1);
}

#[test]
fn a_late_reply_answers_nothing_with_two_ports_to_give_out() {
    let test = "a_late_reply_answers_nothing_with_two_ports_to_give_out";
    let taken = "cannot bind 0.0.0.0:0";
    check_late_replies(test, "40000 40001", ["5 seconds", "5 seconds", taken, taken], 2);
}

/// Answers one message twice: the second reply is not taken for the next message's.
fn check_second_reply(server: &UdpSocket, mut client: Program) {
    client.types("one\n");
    let (_, peer) = datagram(server);
    for reply in ["1", "1 again"] {
        server.send_to(reply.as_bytes(), peer).expect("the reply is sent");
    }
    client.stdout.expect("1");
    client.types("two\n");
    answer(server, b"two", b"2");
    client.stdout.expect("2");
}

#[test]
#[cfg(target_os = "linux")]
fn an_error_about_an_earlier_message_hides_no_late_reply() {
    if !testing::has_tool("strace") {
        return;
    }
    let server = udp_socket();
    let address = server.local_addr().expect("the server's address");
    // The first look for late replies, the reply, and then the second look, which fails at once.
    let fail = "inject=recvfrom:error=ECONNREFUSED:when=3";
    let client = testing::client(command(), address);
    let client = Program::start(testing::strace(&["-o", "/dev/null", "-e", fail], &client));
    check_second_reply(&server, client);
}

#[test]
#[cfg(target_os = "linux")]
fn a_network_that_does_not_reach_the_server_is_each_messages_failure() {
    let test = "a_network_that_does_not_reach_the_server_is_each_messages_failure";
    with_own_network(test, "", || {
        let mut client = command();
        client.args(["192.0.2.1", "7890"]); // RFC 5737: nobody's, and there is no route
        let (status, stdout, stderr) = testing::run(client, "one\ntwo\n");
        assert_eq!((status, stdout), (Some(1), vec![]));
        let failure =
            |line: &String| line.contains("192.0.2.1:7890") && line.contains("unreachable");
        assert!(stderr.len() == 2 && stderr.iter().all(failure), "{stderr:?}");
    });
}

#[test]
fn nobody_listens_at_port_0() {
    if !has_udp_refusals() {
        return;
    }
    let mut client = command();
    client.args(["127.0.0.1", "0"]);
    let (status, stdout, stderr) = testing::run(client, "one\ntwo\n");
    assert_eq!((status, stdout), (Some(1), vec![]));
    let failure = |line: &String| line.contains("127.0.0.1:0") && !line.contains("endpoint");
    assert!(stderr.len() == 2 && stderr.iter().all(failure), "{stderr:?}");
}

#[test]
fn a_second_reply_to_one_message_does_not_answer_the_next() {
    let (server, client) = server_and_client();
    check_second_reply(&server, client);
}

#[test]
fn a_message_over_65_507_bytes_is_refused_with_both_figures() {
    let (server, mut client) = server_and_client();
    let most = "a".repeat(65_507);
    client.types(format!("{most}\n{most}a\nhello\n"));
    client.ends_input();
    answer(&server, most.as_bytes(), b"1");
    client.stderr.expect_parts(&["udp-client: ", "65508", "65507"]);
    answer(&server, b"hello", b"2");
    client.ends_with(1);
}

#[test]
fn a_long_reply_comes_whole() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&server, NI_HAO, &[b'a'; 65_507]);
    client.stdout.expect(&"a".repeat(65_507));
}

#[test]
fn a_reply_cannot_drive_the_terminal() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&server, NI_HAO, b"\x1b[2J\r\nforged\x81\x36\xa7\x31 \xff");
    client.stdout.expect("\\u{1b}[2J\\r\\nforged\\u{202e} \u{fffd}");
}

#[test]
fn a_byte_order_mark_in_a_reply_is_gbk_like_any_other_bytes() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&server, NI_HAO, b"\xef\xbb\xbfa");
    client.stdout.expect("锘縜");
}

#[test]
fn it_talks_over_ipv6() {
    if !testing::has_ipv6() {
        return;
    }
    let server = UdpSocket::bind("[::1]:0").expect("a free port");
    server.set_read_timeout(Some(testing::DEADLINE)).expect("a timeout");
    let address = server.local_addr().expect("the server's address");
    let mut client = Program::start(testing::client(command(), address));
    client.types("你好\n");
    answer(&server, NI_HAO, UDP_REPLY);
    client.stdout.expect(UDP_REPLY_TEXT);
}

#[test]
fn a_stdout_that_nobody_reads_ends_it_without_a_panic() {
    let server = udp_socket();
    let address = server.local_addr().expect("the server's address");
    let (mut client, stdout) = Program::start_unread(testing::client(command(), address));
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    client.types("你好\n".repeat(1_000));
    server.set_read_timeout(Some(A_WHILE)).expect("a timeout");
    wait_until("the client has ended", || {
        let message = server.recv_from(&mut [0; 100]);
        let _ = message.and_then(|(_, peer)| server.send_to(UDP_REPLY, peer));
        !client.is_running()
    });
    client.stderr.expect_parts(&["udp-client: ", "stdout"]);
    client.stderr.expect_end();
    client.ends_with(1);
}

#[test]
#[cfg(unix)]
fn a_client_that_is_stopped_and_continued_still_waits_for_its_reply() {
    let (server, mut client) = server_and_client();
    client.types("你好\n");
    let (_, peer) = datagram(&server);
    testing::signal("STOP", client.id());
    testing::signal("CONT", client.id());
    server.send_to(b"hi", peer).expect("the reply is sent");
    client.stdout.expect("hi");
    client.ends_input();
    client.stderr.expect_end();
}
