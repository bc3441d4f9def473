//! `scripts/nc.py`: what it sends, and what it shows of what comes.
#![cfg(unix)]

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::Command;

use testing::{
    NI_HAO, Program, accept, connect, datagram, expect_bytes, expect_closed, has_tool, run, signal,
    signals, tcp_listener, udp_socket,
};

fn python() -> Option<()> {
    has_tool("python3").then_some(())
}

/// nc.py with that `kind` of socket, at `address`, with `words`.
fn nc(kind: &str, address: SocketAddr, words: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/../nc.py")]).args(kind.split(' '));
    command.args([address.ip().to_string(), address.port().to_string()]).args(words);
    command
}

/// nc.py as a server on a free port, and its address.
fn server(kind: &str, words: &[&str]) -> (Program, SocketAddr) {
    let mut server = Program::start(nc(kind, ([127, 0, 0, 1], 0).into(), words));
    let line = server.stderr.expect_parts(&["nc.py: listening on "]);
    (server, line.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("an address"))
}

#[test]
fn a_client_does_its_words_in_order_and_hears_after_it_has_half_closed() {
    let Some(()) = python() else { return };
    let (listener, address) = tcp_listener();
    let words = ["你好", "hex=ff", "recv=1", "utf8=好", "text=end", "fill=3", "end"];
    let mut client = Program::start(nc("tcp", address, &words));
    let mut connection = accept(&listener);
    expect_bytes(&mut connection, &[NI_HAO, b"\xff"].concat());
    connection.write_all(b"\xc4\xe3\x1b!").expect("data is sent"); // 你 and more, in two receives
    expect_bytes(&mut connection, "好endaaa".as_bytes());
    expect_closed(&mut connection);
    client.stdout.wait_for(&format!(r#"received 1 bytes from {address}: c4 "\xc4""#));
    client.stdout.wait_for(&format!(r#"received 3 bytes from {address}: e3 1b 21 "\xe3\x1b!""#));
    connection.write_all(NI_HAO).expect("data is sent");
    client.stdout.expect_parts(&["received 4 bytes", r#"c4 e3 ba c3 "你好""#]);
    drop(connection);
    client.stdout.expect_parts(&["received 0 bytes", "对方不再发送 end of stream"]);
    client.ends_with(0);
}

#[test]
fn a_connection_is_reset_and_a_reset_is_told_by_its_name() {
    let Some(()) = python() else { return };
    let (listener, address) = tcp_listener();
    let mut client = Program::start(nc("tcp", address, &["reset"]));
    let error = accept(&listener).read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    client.ends_with(0);

    let mut client = Program::start(nc("tcp", address, &["你好"]));
    accept(&listener).peek(&mut [0]).expect("the message has come"); // and is never received
    client.stderr.expect_parts(&["nc.py: ", " (ECONNRESET "]);
}

#[test]
fn a_tcp_server_does_its_words_for_each_connection() {
    let Some(()) = python() else { return };
    let (mut server, address) = server("-l tcp", &["欢迎", "recv", "close"]);
    for _ in 0..2 {
        let mut connection = connect(address); // and says nothing yet
        expect_bytes(&mut connection, b"\xbb\xb6\xd3\xad");
        connection.write_all(NI_HAO).expect("data is sent");
        expect_closed(&mut connection);
        let peer = connection.local_addr().expect("an address");
        server.stdout.wait_for(&format!(r#"received 4 bytes from {peer}: c4 e3 ba c3 "你好""#));
    }
}

#[test]
fn a_udp_server_does_its_words_for_each_datagram_and_a_client_shows_the_answers() {
    let Some(()) = python() else { return };
    let (_server, address) = server("-l udp", &["hex=ba", "好"]);
    let (status, shown, stderr) = run(nc("udp", address, &["一", "二"]), "");
    assert_eq!((status, shown.len(), stderr.len()), (Some(0), 6, 0), "{shown:?} {stderr:?}");
    assert!(shown[2].ends_with(&format!(r#"received 1 bytes from {address}: ba "\xba""#)));
    assert!(shown[5].ends_with(&format!(r#"received 2 bytes from {address}: ba c3 "好""#)));
}

#[test]
fn what_is_typed_answers_who_has_spoken_last_until_ctrl_c() {
    let (Some(()), false) = (python(), !signals().contains(&("INT", 2))) else { return };
    let (mut server, address) = server("-l udp", &[]);
    for (typed, answer) in [("好\n", &b"\xba\xc3"[..]), ("hex=ff\n", b"\xff")] {
        let client = udp_socket();
        client.send_to(NI_HAO, address).expect("a datagram is sent");
        server.stdout.wait_for("received 4 bytes");
        server.types(typed);
        assert_eq!(datagram(&client), (answer.to_vec(), address));
    }
    signal("INT", server.id());
    server.ends_with(130);
}

#[test]
fn what_fails_is_told_in_one_line_and_a_screen_without_chinese_shows_escapes() {
    let Some(()) = python() else { return };
    let (_listener, address) = tcp_listener();
    for (kind, word, status, name) in
        [("-l tcp", "close", 1, "(EADDRINUSE "), ("tcp", "😀", 2, r"'\U0001f600'")]
    {
        let (ended, shown, stderr) = run(nc(kind, address, &[word]), "");
        assert_eq!((ended, shown, stderr.len()), (Some(status), vec![], 1), "{stderr:?}");
        assert!(stderr[0].starts_with("nc.py: ") && stderr[0].contains(name), "{stderr:?}");
    }
    let mut client = nc("tcp", address, &["你好", "close"]);
    client.env("PYTHONIOENCODING", "ascii");
    let (status, shown, _) = run(client, "");
    assert!(status == Some(0) && shown[1].ends_with(r#" "\u4f60\u597d""#), "{shown:?}");
}
