//! The TCP server's side of the contract; plain sockets play its clients.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::Duration;

use socket2::SockRef;
use testing::{
    NI_HAO, Server, TCP_REPLY, connect, expect_bytes, expect_closed, expect_error, has_localhost,
    program, wait_until,
};

fn command() -> Command {
    program("tcp-server", env!("CARGO_BIN_EXE_tcp-server"))
}

fn server() -> Server {
    Server::start("tcp-server", command())
}

/// A client of `server`, once the server has shown it: its connection and its address as text.
fn client_of(server: &mut Server) -> (TcpStream, String) {
    let client = connect(server.address);
    let peer = client.local_addr().expect("the client's address").to_string();
    server.program.stdout.expect(&format!("connect from : {peer}"));
    (client, peer)
}

/// Sends `message`, which the server has to show as `text` and to answer.
fn expect_answered(server: &mut Server, client: &mut TcpStream, message: &[u8], text: &str) {
    client.write_all(message).expect("the message is sent");
    let peer = client.local_addr().expect("the client's address");
    server.program.stdout.expect(&format!("receive messages:{text} from {peer}"));
    expect_bytes(client, TCP_REPLY);
}

#[test]
fn a_connection_its_messages_and_its_end_are_shown_and_each_message_is_answered() {
    let mut server = server();
    let (mut client, peer) = client_of(&mut server);
    expect_answered(&mut server, &mut client, NI_HAO, "你好");
    expect_answered(&mut server, &mut client, b"hello", "hello");
    drop(client);
    server.program.stdout.expect(&format!("disconnect from : {peer}"));
    server.program.kill();
    server.program.stderr.expect_end(); // it has said where it listens, and that is all
}

#[test]
fn a_message_is_shown_before_it_is_answered() {
    // More lines than a pipe holds: nobody reads them, so at one of them the server waits.
    let (mut server, mut stdout) = Server::start_unread("tcp-server", command());
    let mut client = connect(server.address);
    let mut sender = client.try_clone().expect("a second handle of the connection");
    std::thread::spawn(move || sender.write_all(&[b'a'; 200_000]));
    client.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let mut replies = Vec::new();
    let _ = client.read_to_end(&mut replies); // until no more come
    server.program.kill();
    let mut shown = String::new();
    stdout.read_to_string(&mut shown).expect("what the server has written");
    let (replies, lines) = (replies.len() / TCP_REPLY.len(), shown.matches(" from 127").count());
    assert!(
        replies <= lines,
        "expected each line first and then its reply, but {replies} replies came to {lines} lines"
    );
}

#[test]
fn an_idle_client_holds_up_nobody() {
    let mut server = server();
    let (mut idle, _) = client_of(&mut server);
    let (mut busy, _) = client_of(&mut server);
    expect_answered(&mut server, &mut busy, NI_HAO, "你好");
    expect_answered(&mut server, &mut idle, b"at last", "at last");
}

#[test]
fn exit_closes_its_own_connection_without_a_reply_and_the_server_serves_on() {
    let mut server = server();
    let (mut leaving, peer) = client_of(&mut server);
    let (mut staying, _) = client_of(&mut server);
    leaving.write_all(b"exit").expect("the message is sent");
    server.program.stdout.expect(&format!("receive messages:exit from {peer}"));
    server.program.stdout.expect(&format!("disconnect from : {peer}"));
    expect_closed(&mut leaving);
    expect_answered(&mut server, &mut staying, NI_HAO, "你好");
    let (mut newcomer, _) = client_of(&mut server);
    expect_answered(&mut server, &mut newcomer, NI_HAO, "你好");
}

#[test]
fn only_the_four_letters_exactly_are_the_exit_message() {
    let mut server = server();
    let (mut client, _) = client_of(&mut server);
    for text in ["EXIT", "exits", " exit", "exi"] {
        expect_answered(&mut server, &mut client, text.as_bytes(), text);
    }
    expect_answered(&mut server, &mut client, b"exit\n", r"exit\n");
}

#[test]
fn a_character_split_between_two_receives_comes_out_whole() {
    let mut server = server();
    let (mut client, _) = client_of(&mut server);
    expect_answered(&mut server, &mut client, b"a\xc4", "a");
    expect_answered(&mut server, &mut client, b"\xe3b", "你b");
    // Byte by byte, a four-byte character of GB 18030 too.
    for (byte, text) in [(0xba, ""), (0xc3, "好"), (0x94, ""), (0x39, ""), (0xfc, ""), (0x36, "😀")]
    {
        expect_answered(&mut server, &mut client, &[byte], text);
    }
}

#[test]
fn the_letters_of_exit_after_half_a_character_belong_to_it() {
    let mut server = server();
    let (mut client, _) = client_of(&mut server);
    expect_answered(&mut server, &mut client, b"\xc4", "");
    expect_answered(&mut server, &mut client, b"exit", "膃xit");
    expect_answered(&mut server, &mut client, b"exit\xc4", "exit");
}

#[test]
fn half_a_character_at_the_end_shows_as_u_fffd_and_is_no_message() {
    let mut server = server();
    let (mut client, peer) = client_of(&mut server);
    expect_answered(&mut server, &mut client, b"a\xc4", "a");
    client.shutdown(Shutdown::Write).expect("the half-close");
    server.program.stdout.expect(&format!("receive messages:\u{fffd} from {peer}"));
    server.program.stdout.expect(&format!("disconnect from : {peer}"));
    expect_closed(&mut client);
}

#[test]
fn two_connections_do_not_share_their_half_characters() {
    let mut server = server();
    let (mut one, _) = client_of(&mut server);
    let (mut other, _) = client_of(&mut server);
    expect_answered(&mut server, &mut one, b"\xc4", "");
    expect_answered(&mut server, &mut other, b"a", "a");
    expect_answered(&mut server, &mut one, b"\xe3", "你");
}

#[test]
fn bytes_that_are_not_gbk_show_as_u_fffd_and_stop_nothing() {
    let mut server = server();
    let (mut client, _) = client_of(&mut server);
    expect_answered(&mut server, &mut client, b"a\xffb", "a\u{fffd}b");
    expect_answered(&mut server, &mut client, NI_HAO, "你好");
}

#[test]
fn a_byte_order_mark_is_gbk_like_any_other_bytes() {
    for (bytes, text) in
        [(b"\xef\xbb\xbfa".as_slice(), "锘縜"), (b"\xff\xfe,", "\u{fffd}\u{fffd},")]
    {
        let mut server = server();
        let (mut client, _) = client_of(&mut server);
        expect_answered(&mut server, &mut client, bytes, text);
    }
}

#[test]
fn control_characters_are_escaped_so_that_one_message_is_one_line() {
    let mut server = server();
    let (mut client, _) = client_of(&mut server);
    let forged = b"\x1b[2Jhi\r\ndisconnect from : 10.0.0.1:1\t\x7f";
    let shown = r"\u{1b}[2Jhi\r\ndisconnect from : 10.0.0.1:1\t\u{7f}";
    expect_answered(&mut server, &mut client, forged, shown);
    expect_answered(&mut server, &mut client, b"\x81\x30\x81\x30", r"\u{80}");
}

#[test]
fn a_message_is_at_most_1_024_bytes_and_each_gets_one_reply() {
    let mut server = server();
    let (mut client, peer) = client_of(&mut server);
    client.write_all(&[b'a'; 5_000]).expect("the messages are sent");
    client.shutdown(Shutdown::Write).expect("the half-close");
    let mut replies = Vec::new();
    client.read_to_end(&mut replies).expect("all replies");

    let mut sizes = Vec::new();
    loop {
        let line = server.program.stdout.next_line().expect("a line");
        if line == format!("disconnect from : {peer}") {
            break;
        }
        sizes.push(line.matches('a').count() - "receive messages".matches('a').count());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 5_000, "{sizes:?}");
    assert!(sizes.iter().all(|&size| size <= 1_024), "{sizes:?}");
    assert!(replies == TCP_REPLY.repeat(sizes.len()), "one reply to each of {sizes:?}");
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_reply() {
    let mut server = server();
    let mut client = connect(server.address);
    client.write_all(NI_HAO).expect("the message is sent");
    client.shutdown(Shutdown::Write).expect("the half-close");
    expect_bytes(&mut client, TCP_REPLY);
    expect_closed(&mut client);
    server.program.stdout.wait_for("disconnect from : ");
}

#[test]
fn a_reset_ends_that_connection_alone_with_a_line_on_stderr() {
    let mut server = server();
    let (mut staying, _) = client_of(&mut server);
    let (mut resetting, peer) = client_of(&mut server);
    resetting.write_all(NI_HAO).expect("the message is sent");
    resetting.peek(&mut [0]).expect("the reply is here");
    drop(resetting); // closed with data unread: the kernel resets (RFC 2525, 2.17)
    server.program.stdout.expect_parts(&["receive messages:你好", &peer]);
    server.program.stdout.expect(&format!("disconnect from : {peer}"));
    server.program.stderr.expect_parts(&["tcp-server: ", &peer]);
    expect_answered(&mut server, &mut staying, NI_HAO, "你好");
}

#[test]
fn half_a_character_before_a_reset_shows_as_u_fffd_too() {
    let mut server = server();
    let (mut client, peer) = client_of(&mut server);
    expect_answered(&mut server, &mut client, b"a\xc4", "a");
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("an abortive close");
    drop(client); // RST instead of FIN
    server.program.stdout.expect(&format!("receive messages:\u{fffd} from {peer}"));
    server.program.stdout.expect(&format!("disconnect from : {peer}"));
    server.program.stderr.expect_parts(&["tcp-server: ", &peer]);
}

#[test]
fn a_server_that_was_stopped_starts_again_at_once_on_the_same_port() {
    let mut first = server();
    let (_open, _) = client_of(&mut first);
    let (mut client, _) = client_of(&mut first);
    client.write_all(b"exit").expect("the message is sent");
    expect_closed(&mut client); // the server closed first, so its port stays in TIME_WAIT
    let address = first.address;
    drop(first);
    let mut again = command();
    again.args(["127.0.0.1", &address.port().to_string()]);
    let mut again = testing::Program::start(again);
    again.stderr.expect(&format!("tcp-server: listening on {address}"));
}

#[test]
fn localhost_and_an_empty_host_mean_127_0_0_1() {
    for host in ["localhost", ""] {
        if host == "localhost" && !has_localhost() {
            continue;
        }
        let server = Server::start_at("tcp-server", command(), host);
        let address = server.address.ip().to_string();
        assert!(address == "127.0.0.1", "expected {host:?} to mean 127.0.0.1, but got {address}");
    }
}

#[test]
fn it_serves_on_ipv6() {
    if !testing::has_ipv6() {
        return;
    }
    let mut server = Server::start_at("tcp-server", command(), "::1");
    let (mut client, _) = client_of(&mut server);
    expect_answered(&mut server, &mut client, NI_HAO, "你好");
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address_for_localhost_too() {
    let server = server();
    for host in ["127.0.0.1", "localhost"] {
        if host == "localhost" && !has_localhost() {
            continue;
        }
        let mut second = command();
        second.args([host, &server.address.port().to_string()]);
        expect_error(second, &server.address.to_string());
    }
}

#[test]
fn an_address_of_another_machine_is_an_error_that_names_it() {
    let mut elsewhere = command();
    elsewhere.args(["192.0.2.1", "0"]); // RFC 5737: nobody's
    expect_error(elsewhere, "192.0.2.1:0");
}

#[test]
fn a_stdout_that_nobody_reads_ends_it_with_status_1_and_the_reason() {
    let (mut server, stdout) = Server::start_unread("tcp-server", command());
    drop(stdout);
    // Again and again, as a program that another test is just starting may have a copy of it.
    wait_until("the server has ended", || {
        let _ = TcpStream::connect(server.address); // or it has ended already
        !server.program.is_running()
    });
    server.program.stderr.expect_parts(&["tcp-server: ", "stdout"]);
    server.program.stderr.expect_end();
    server.program.ends_with(1);
}
