//! What the UDP client promises, step after step; a plain socket plays the server.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use testing::clients;
use testing::{
    NI_HAO, Peer, Program, command_line, datagram, fails_and_names, step, subject, udp_socket,
    wait_until, with_client,
};

fn main() -> ExitCode {
    let steps = vec![
        step("hello").test("a line is sent in GBK, and its reply shown", clients::sends_a_line),
        step("several")
            .test("each line waits for the reply to the one before", clients::waits_for_each_reply)
            .test("an empty line leaves", || clients::leaves_after("\nmore\n"))
            .test("the prompt is shown only at a terminal", clients::prints_no_prompt),
        step("leaving")
            .test("exit is sent, and the client leaves without waiting", sends_exit)
            .test("the end of the input leaves", || clients::leaves_after("")),
        step("text")
            .test("nothing of a line is sent that is not GBK", clients::refuses_what_is_not_in_gbk)
            .test("control characters are shown escaped", clients::escapes_control_characters),
        step("silence")
            .test("a missing server is reported immediately", reports_a_missing_server)
            .needs(&["a system that reports unused UDP ports"])
            .test("a silent server is reported after 5 seconds", reports_a_silent_server),
        step("strangers")
            .test("only the server itself can answer", ignores_strangers)
            .test("ports of silent messages are free again", || talks_after_silence(2))
            .on_own_network("echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range")
            .test("without a free port it goes on with its own", || talks_after_silence(1))
            .on_own_network("echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range"),
        step("contract")
            .test("the exact text of its output", clients::exact_output)
            .test("its command line does what the help says", command_line)
            .test("the prompt asks for each line at a terminal", clients::asks_at_a_terminal)
            .needs(&["Linux", "script"])
            .test("it finds its server by the name localhost", || clients::talks_to("localhost"))
            .test("it talks over IPv6", || clients::talks_to("::1"))
            .needs(&["IPv6"])
            .test("a closed stdout ends it with status 1", clients::ends_without_stdout)
            .needs(&["Linux"])
            .test("an extra reply answers the next line", takes_replies_in_order)
            .test("a datagram carries 65,507 bytes and no more", sends_the_longest_datagram)
            .test("a network without a way to the server is the end", ends_without_a_network)
            .on_own_network(""),
    ];
    testing::exercise("udp-client", env!("CARGO_BIN_EXE_udp-client"), steps)
}

/// The address of the client that the server talks to.
fn client_of(server: &Peer) -> SocketAddr {
    match server {
        Peer::Udp(_, Some(client)) => *client,
        _ => panic!("nobody has sent a datagram"),
    }
}

fn sends_exit() {
    let (mut server, mut client) = with_client();
    client.types("exit\nmore\n");
    server.expects(b"exit");
    client.ends_with(0);
    server.expects_nothing_yet();
}

/// For each message; and one that comes back is heard again, but not what it says too late.
fn reports_a_missing_server() {
    let (mut server, mut client) = with_client();
    let address = server.address();
    client.types("one\n");
    server.answers(b"one", b"1");
    client.stdout.expect("1");
    let old = client_of(&server);
    drop(server);
    wait_until("the port is free", || UdpSocket::bind(address).is_ok());
    client.types("two\n");
    client.stderr.expect_parts(&["two", "refused"]);

    let server = UdpSocket::bind(address).expect("the port is free");
    client.types("three\n");
    let (_, new) = datagram(&server);
    server.send_to(b"2, too late", old).expect("the late reply is sent");
    server.send_to(b"3", new).expect("the reply is sent");
    client.stdout.expect("3");
    client.ends_input();
    client.ends_with(1);
}

/// Its late reply answers nothing, although the next message is waiting for a reply by then. That one
/// takes three seconds.
fn reports_a_silent_server() {
    let (mut server, mut client) = with_client();
    client.types("one\ntwo\n");
    server.expects(b"one");
    client.stderr.expect_parts(&["one", "5"]);
    let Peer::Udp(socket, Some(first)) = &server else { panic!("nobody has sent a datagram") };
    let (_, second) = datagram(socket);
    socket.send_to(b"late", first).expect("the late reply is sent");
    thread::sleep(Duration::from_secs(3));
    socket.send_to(b"2", second).expect("the reply is sent");
    client.stdout.expect("2");
    client.ends_input();
    client.ends_with(1);
}

fn ignores_strangers() {
    let (mut server, mut client) = with_client();
    client.types("你好\n");
    server.expects(NI_HAO);
    udp_socket().send_to(b"forged", client_of(&server)).expect("the forged reply is sent");
    server.sends(b"real");
    client.stdout.expect("real");
}

/// The server does not answer that many messages, then it answers one, while few ports are free.
fn talks_after_silence(silent: usize) {
    let server = UdpSocket::bind("127.0.0.1:50000").expect("a port of a new network");
    let mut client = Program::start(subject::with(&["127.0.0.1", "50000"]));
    for _ in 0..silent {
        client.types("one\n");
        datagram(&server);
        client.stderr.expect_parts(&["one", "5 seconds"]);
    }
    client.types("two\n");
    let (_, address) = datagram(&server);
    server.send_to(b"2", address).expect("the reply is sent");
    client.stdout.expect("2");
}

/// A reply has no number, so the client cannot tell whose it is.
fn takes_replies_in_order() {
    let (mut server, mut client) = with_client();
    client.types("one\n");
    server.answers(b"one", b"1");
    server.sends(b"1 again");
    client.stdout.expect("1");
    client.types("two\n");
    client.stdout.expect("1 again");
    server.expects(b"two");
}

fn sends_the_longest_datagram() {
    let (mut server, mut client) = with_client();
    let longest = "a".repeat(65_507);
    client.types(format!("{longest}\n{longest}a\nhello\n"));
    client.ends_input();
    server.answers(longest.as_bytes(), longest.as_bytes());
    client.stdout.expect(&longest);
    client.stderr.expect_parts(&["udp-client: ", "65508", "65507"]);
    server.answers(b"hello", b"2");
    client.ends_with(1);
}

fn ends_without_a_network() {
    // RFC 5737: nobody's, and there is no route.
    fails_and_names(subject::with(&["192.0.2.1", "7890"]), "192.0.2.1:7890");
}
