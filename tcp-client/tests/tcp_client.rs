//! The TCP client's side of the contract; a plain socket plays the server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use testing::{
    A_WHILE, DEADLINE, NI_HAO, Program, TCP_REPLY, TCP_REPLY_TEXT, accept,
    check_is_not_its_own_server, client, close_tcp, expect_bytes, expect_closed, expect_error,
    has_localhost, program, receive, tcp_listener, wait_until,
};

fn command() -> Command {
    program("tcp-client", env!("CARGO_BIN_EXE_tcp-client"))
}

/// A client and the server's end of its connection.
fn server_and_client() -> (TcpStream, Program) {
    let (listener, address) = tcp_listener();
    let client = Program::start(client(command(), address));
    (accept(&listener), client)
}

/// Receives one message, which has to be `expected`, and answers it with `reply`.
fn answer(server: &mut TcpStream, expected: &[u8], reply: &[u8]) {
    expect_bytes(server, expected);
    server.write_all(reply).expect("the reply is sent");
}

/// The client waits: for a while it neither sends more nor leaves.
fn expect_nothing_more_yet(server: &mut TcpStream) {
    server.set_read_timeout(Some(A_WHILE)).expect("a timeout");
    match server.read(&mut [0; 100]) {
        Ok(0) => panic!("expected the client to wait for the server, but it leaves"),
        Ok(size) => panic!("expected a wait for the reply, but {size} more bytes came"),
        Err(_) => server.set_read_timeout(Some(DEADLINE)).expect("a timeout"),
    }
}

#[test]
fn each_line_is_sent_in_gbk_and_its_reply_shown() {
    let (mut server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&mut server, NI_HAO, TCP_REPLY);
    client.stdout.expect(TCP_REPLY_TEXT);
    client.types("hello, 世界\r\n");
    answer(&mut server, b"hello, \xca\xc0\xbd\xe7", b"\xba\xc3");
    client.stdout.expect("好");
    client.types("no line feed at the end");
    client.ends_input();
    answer(&mut server, b"no line feed at the end", b"ok");
    client.stdout.expect("ok");
    expect_closed(&mut server);
    drop(server);
    client.stdout.expect_end();
    client.stderr.expect_end();
    client.ends_with(0);
}

#[test]
fn a_message_waits_for_the_reply_to_the_one_before() {
    let (mut server, mut client) = server_and_client();
    client.types("one\ntwo\n");
    expect_bytes(&mut server, b"one");
    expect_nothing_more_yet(&mut server);
    server.write_all(b"1").expect("the reply is sent");
    answer(&mut server, b"two", b"2");
    client.stdout.expect("1");
    client.stdout.expect("2");
}

#[test]
fn exit_is_sent_and_the_client_leaves_once_the_server_has_closed() {
    let (mut server, mut client) = server_and_client();
    client.types("exit\nmore\n");
    expect_bytes(&mut server, b"exit");
    expect_nothing_more_yet(&mut server);
    drop(server);
    client.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
}

#[test]
fn exit_is_sent_and_the_client_leaves_once_the_server_has_replied() {
    let (mut server, mut client) = server_and_client();
    client.types("exit\nmore\n");
    answer(&mut server, b"exit", TCP_REPLY); // as the tutorial's server, which knows no exit
    client.stdout.expect(TCP_REPLY_TEXT);
    client.ends_with(0);
    expect_closed(&mut server);
}

#[test]
fn an_empty_line_or_the_end_of_the_input_leaves() {
    for input in ["\nmore\n", "\r\nmore\n", ""] {
        let (mut server, mut client) = server_and_client();
        client.types(input);
        client.ends_input();
        expect_closed(&mut server);
        drop(server);
        client.ends_with(0);
        client.stdout.expect_end();
        client.stderr.expect_end();
    }
}

#[test]
fn a_character_outside_gbk_is_named_and_nothing_of_its_line_is_sent() {
    let refused = ["😀 (U+1F600", "€ (U+20AC", "㐀 (U+3400", "\u{e000} (U+E000", "\u{85} (U+0085"];
    for case in refused {
        let (character, number) = case.split_once(' ').expect("a character and its number");
        let (mut server, mut client) = server_and_client();
        client.types(format!("你好{character}\nhello\n"));
        client.ends_input();
        answer(&mut server, b"hello", b"hi");
        drop(server);
        client.stdout.expect("hi");
        client.stderr.expect_parts(&["tcp-client: ", "你好", number, "is not in GBK"]);
        client.ends_with(1);
    }
}

#[test]
fn a_line_that_is_not_utf_8_is_refused_and_the_rest_is_sent() {
    let (mut server, mut client) = server_and_client();
    client.types(b"ab\xc4\xe3\nhello\n");
    client.ends_input();
    answer(&mut server, b"hello", b"hi");
    drop(server);
    client.stderr.expect_parts(&["tcp-client: ", "byte 3", "0xC4", "UTF-8"]);
    client.ends_with(1);
}

/// A line of `hanzi` characters after one letter, so that no character starts at a multiple of two.
fn long_line(hanzi: usize) -> (String, Vec<u8>) {
    (format!("a{}\n", "你".repeat(hanzi)), [b"a".as_slice(), &b"\xc4\xe3".repeat(hanzi)].concat())
}

#[test]
fn a_long_line_goes_in_pieces_of_whole_characters_each_answered_and_shown() {
    let (mut server, mut client) = server_and_client();
    let (line, message) = long_line(2_000);
    client.types(line);
    client.ends_input();
    let mut received = Vec::new();
    let mut pieces = 0;
    while received.len() < message.len() {
        // As the tutorial's server: it decodes each receive alone, and stops at half a character.
        let mut buffer = [0; 1024];
        let size = receive(&mut server, &mut buffer);
        let piece = &buffer[..size];
        let after_letter = piece.strip_prefix(b"a").unwrap_or(piece);
        assert!(after_letter.len() % 2 == 0, "expected whole characters, but a piece ends in half");
        assert!(after_letter.chunks(2).all(|character| character == b"\xc4\xe3"));
        received.extend_from_slice(piece);
        expect_nothing_more_yet(&mut server);
        pieces += 1;
        server.write_all(TCP_REPLY).expect("the reply is sent");
    }
    assert!(received == message, "expected the whole line as it was typed");
    drop(server);
    assert_eq!(client.stdout.rest(), vec![TCP_REPLY_TEXT; pieces]);
    client.ends_with(0);
}

#[test]
fn a_long_line_that_ends_in_exit_is_not_cut_before_that() {
    let (mut server, mut client) = server_and_client();
    client.types(format!("{}exit\nmore\n", "a".repeat(1024)));
    answer(&mut server, &[b'a'; 1023], b"1");
    answer(&mut server, b"aexit", b"2");
    answer(&mut server, b"more", b"3");
}

#[test]
fn a_server_that_answers_each_byte_at_length_is_neither_deadlocked_nor_cut_short() {
    let (mut server, mut client) = server_and_client();
    let (line, message) = long_line(5_000);
    client.types(line);
    client.ends_input();
    // 10 MB of replies while the line is on its way: more than the kernel's buffers hold.
    let reply = [b'r'; 1_000];
    for expected in &message {
        answer(&mut server, &[*expected], &reply);
    }
    drop(server);
    let shown: usize = client.stdout.rest().iter().map(String::len).sum();
    assert_eq!(shown, message.len() * reply.len());
    client.ends_with(0);
}

#[test]
fn a_reply_split_within_a_character_comes_out_whole() {
    let (mut server, mut client) = server_and_client();
    client.types("one\ntwo\n");
    answer(&mut server, b"one", b"a\xc4");
    answer(&mut server, b"two", b"\xe3b");
    client.stdout.expect("a");
    client.stdout.expect("你b");
}

#[test]
fn a_server_that_speaks_first_has_answered() {
    let (mut server, mut client) = server_and_client();
    server.write_all(b"welcome").expect("the greeting is sent"); // as netcat with a file to send
    client.types("one\n");
    client.ends_input();
    expect_bytes(&mut server, b"one");
    client.stdout.expect("welcome");
    expect_closed(&mut server);
    drop(server);
    client.ends_with(0);
    client.stderr.expect_end();
}

#[test]
fn a_second_reply_to_one_message_is_shown_and_does_not_answer_the_next() {
    let (mut server, mut client) = server_and_client();
    client.types("one\n");
    answer(&mut server, b"one", b"1");
    client.stdout.expect("1");
    server.write_all(b"1 again").expect("the second reply is sent");
    expect_nothing_more_yet(&mut server);
    client.types("two\n");
    expect_bytes(&mut server, b"two");
    client.stdout.expect("1 again");
    expect_nothing_more_yet(&mut server);
    drop(server);
    client.stderr.expect_parts(&["tcp-client: ", "two", "closed"]);
    client.ends_input();
    client.ends_with(1);
}

/// A server that sends without end until its client has left; what the client sends it receives.
fn flood(server: &TcpStream) -> thread::JoinHandle<()> {
    let mut flood = server.try_clone().expect("a second handle of the connection");
    thread::spawn(move || while flood.write_all(&[b'x'; 60_000]).is_ok() {})
}

#[test]
fn a_server_that_sends_without_end_costs_no_memory_and_is_sent_the_next_line() {
    let (mut server, mut client) = server_and_client();
    client.types("one\n");
    answer(&mut server, b"one", b"1");
    client.stdout.expect("1");
    server.set_write_timeout(Some(A_WHILE)).expect("a timeout");
    flood(&server).join().expect("the flood stops where the client does not read");
    #[cfg(target_os = "linux")]
    {
        let memory = testing::peak_memory(client.id());
        assert!(memory < 8 * 1024, "expected the client to stop reading, but it took {memory} KiB");
    }
    server.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    let flooding = flood(&server);
    client.types("two\n");
    expect_bytes(&mut server, b"two");
    client.kill();
    flooding.join().expect("the flood ends with the client");
}

#[test]
fn a_server_that_goes_on_is_heard_to_its_end_and_a_silent_one_is_left_and_named() {
    let (mut server, mut client) = server_and_client();
    client.types("one\n\n");
    answer(&mut server, b"one", b"1");
    client.stdout.expect("1");
    expect_closed(&mut server); // the client has left, and still reads
    // Longer than it waits in silence, half a character at a time.
    for half in [b"\xc4", b"\xe3", b"\xba", b"\xc3"] {
        thread::sleep(Duration::from_millis(1_500));
        server.write_all(half).expect("more is sent");
    }
    for shown in ["", "你", "", "好"] {
        client.stdout.expect(shown);
    }
    client.stderr.expect_parts(&["tcp-client: ", "has not closed"]);
    client.ends_with(0);
    client.stdout.expect_end();
    client.stderr.expect_end();
}

#[test]
fn a_server_that_reads_slowly_gets_all_of_a_long_line_and_all_its_replies_are_shown() {
    let (mut server, mut client) = server_and_client();
    client.types(format!("{}\n", "a".repeat(1_500)));
    client.ends_input();
    // The last piece is on its way as soon as the first byte is answered, and 6 seconds pass.
    for _ in 0..1_500 {
        thread::sleep(Duration::from_millis(4));
        answer(&mut server, b"a", b"r");
    }
    expect_closed(&mut server);
    drop(server);
    assert_eq!(client.stdout.rest().concat(), "r".repeat(1_500));
    client.stderr.expect_end();
    client.ends_with(0);
}

#[test]
fn a_stdout_that_is_read_late_loses_no_reply() {
    let (listener, address) = tcp_listener();
    let (mut client, mut stdout) = Program::start_unread(client(command(), address));
    let mut server = accept(&listener);
    client.types("one\n");
    client.ends_input();
    expect_bytes(&mut server, b"one");
    // More than a pipe holds, so that the client waits for its reader and not for the server.
    let replies = thread::spawn(move || server.write_all(&[b'r'; 1_000_000]));
    thread::sleep(Duration::from_millis(5_500)); // longer than it waits for the server
    let mut shown = String::new();
    stdout.read_to_string(&mut shown).expect("stdout is UTF-8");
    replies.join().expect("no panic").expect("all is sent");
    assert_eq!(shown.matches('r').count(), 1_000_000);
    client.ends_with(0);
    client.stderr.expect_end();
}

#[test]
fn half_a_character_at_the_end_shows_as_u_fffd() {
    let (mut server, mut client) = server_and_client();
    client.types("one\n");
    client.ends_input();
    answer(&mut server, b"one", b"a\xc4");
    drop(server);
    assert_eq!(client.stdout.rest(), ["a", "\u{fffd}"]);
    client.ends_with(0);
}

#[test]
fn a_server_that_closes_without_an_answer_fails_that_message_and_those_after_it() {
    let (mut server, mut client) = server_and_client();
    client.types("one\ntwo\nthree\n");
    answer(&mut server, b"one", b"1");
    expect_bytes(&mut server, b"two");
    drop(server);
    client.ends_input();
    client.stdout.expect("1");
    client.stderr.expect_parts(&["tcp-client: ", "two", "closed"]);
    client.stderr.expect_parts(&["tcp-client: ", "three"]);
    client.ends_with(1);
}

#[test]
fn exit_to_a_server_that_has_gone_is_no_failure() {
    let (server, mut client) = server_and_client();
    drop(server);
    client.types("exit\n");
    client.ends_with(0);
    client.stderr.expect_end();

    // The first message after it has gone is answered by a reset, and the next cannot be sent.
    let (server, mut client) = server_and_client();
    drop(server);
    client.types("one\nexit\n");
    client.stderr.expect_parts(&["tcp-client: ", "one"]);
    client.stderr.expect_end();
    client.ends_with(1);
}

#[test]
fn a_server_that_resets_is_an_error_that_says_so() {
    let (server, mut client) = server_and_client();
    client.types("one\n");
    server.peek(&mut [0]).expect("the message is here");
    drop(server); // closed with data unread: the kernel resets (RFC 2525, 2.17)
    client.ends_input();
    client.ends_with(1);
    client.stderr.expect_parts(&["tcp-client: ", "one", "reset"]);
    client.stderr.expect_end();
}

#[test]
fn a_reset_while_nothing_is_asked_is_told_as_one() {
    let (mut server, mut client) = server_and_client();
    client.types("one\n");
    answer(&mut server, b"one", b"1");
    client.stdout.expect("1");
    SockRef::from(&server).set_linger(Some(Duration::ZERO)).expect("an abortive close");
    drop(server); // RST instead of FIN
    client.types("two\nthree\n");
    client.ends_input();
    client.stderr.expect_parts(&["tcp-client: ", "two", "reset"]);
    client.stderr.expect_parts(&["tcp-client: ", "three"]);
    client.ends_with(1);
}

#[test]
fn a_reply_cannot_drive_the_terminal() {
    let (mut server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&mut server, NI_HAO, b"\x1b[2J\r\nforged\x81\x36\xa7\x31 \xff!");
    client.stdout.expect("\\u{1b}[2J\\r\\nforged\\u{202e} \u{fffd}!");
}

#[test]
fn a_byte_order_mark_in_a_reply_is_gbk_like_any_other_bytes() {
    let (mut server, mut client) = server_and_client();
    client.types("你好\n");
    answer(&mut server, NI_HAO, b"\xef\xbb\xbfa");
    client.stdout.expect("锘縜");
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_names_its_address() {
    let (listener, address) = tcp_listener();
    close_tcp(listener);
    expect_error(client(command(), address), &address.to_string());
}

#[test]
fn a_client_does_not_take_itself_for_the_server() {
    check_is_not_its_own_server(command);
}

#[test]
fn it_talks_over_ipv6() {
    if !testing::has_ipv6() {
        return;
    }
    let listener = TcpListener::bind("[::1]:0").expect("a free port");
    let address = listener.local_addr().expect("the listener's address");
    let mut client = Program::start(client(command(), address));
    client.types("你好\n");
    answer(&mut accept(&listener), NI_HAO, TCP_REPLY);
    client.stdout.expect(TCP_REPLY_TEXT);
}

#[test]
fn localhost_is_127_0_0_1() {
    if !has_localhost() {
        return;
    }
    let (listener, address) = tcp_listener();
    let mut command = command();
    command.args(["localhost", &address.port().to_string()]);
    let mut client = Program::start(command);
    client.types("你好\n");
    answer(&mut accept(&listener), NI_HAO, TCP_REPLY);
    client.stdout.expect(TCP_REPLY_TEXT);
}

#[test]
fn a_stdout_that_nobody_reads_ends_it_without_a_panic() {
    let (listener, address) = tcp_listener();
    let (mut client, stdout) = Program::start_unread(client(command(), address));
    let mut server = accept(&listener);
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    client.types("你好\n".repeat(1_000));
    wait_until("the client has ended", || {
        let _ = server.read(&mut [0; 100]).and_then(|_| server.write(TCP_REPLY));
        !client.is_running()
    });
    client.stderr.expect_parts(&["tcp-client: ", "stdout"]);
    client.stderr.expect_end();
    client.ends_with(1);
}
