//! What the UDP server promises, step after step; plain sockets play its clients.

use std::process::ExitCode;
use std::time::Instant;

use testing::{
    NI_HAO, Peer, Server, UDP_REPLY, UDP_REPLY_TEXT, calls, command_line, ensure, serve, servers,
    step, strace, subject,
};

fn main() -> ExitCode {
    let steps = vec![
        step("hello")
            .test("it says where it listens", servers::says_where_it_listens)
            .test("a message is shown, and answered in GBK", servers::answers_a_message),
        step("several").test("every message of every client is answered", answers_every_client),
        step("exit")
            .test("exit ends the server with status 0, without a reply", exit_ends_it)
            .test("only exactly exit is the exit message", servers::goes_on_after_what_is_not_exit),
        step("datagrams")
            .test("a datagram is shown whole, however long it is", shows_whole_datagrams)
            .test("an empty datagram is a message too", answers_an_empty_datagram),
        step("bytes")
            .test("bytes that are not GBK stop nothing", servers::survives_what_is_not_gbk)
            .test("control characters are shown escaped", servers::escapes_control_characters),
        step("faults")
            .test("an error names an address that it cannot have", servers::names_its_address)
            .test("its own reply is shown and not answered", does_not_answer_its_own_reply)
            .test("a closed stdout ends it with status 1", servers::ends_without_stdout)
            .needs(&["Linux"])
            .test("a signal ends it, and its port is free", servers::ends_at_a_signal)
            .needs(&["signals"]),
        step("contract")
            .test("the exact text of its output", exact_output)
            .test("its command line does what the help says", command_line)
            .test("an empty HOST and localhost are 127.0.0.1", servers::has_a_default_host)
            .test("it serves IPv6", || servers::serves_at("::1"))
            .needs(&["IPv6"])
            .test("a message costs four system calls", costs_four_calls)
            .needs(&["strace"])
            .test("it goes on after a reply has failed", goes_on_after_a_failed_reply)
            .needs(&["strace"])
            .test("it goes on after receives have failed", goes_on_after_failed_receives)
            .needs(&["strace"]),
    ];
    testing::exercise("udp-server", env!("CARGO_BIN_EXE_udp-server"), steps)
}

fn answers_every_client() {
    let mut server = serve();
    let (mut one, mut other) = (server.client(), server.client());
    for _ in 0..3 {
        server.answers(&mut one, b"one", &["one"]);
        server.answers(&mut other, b"other", &["other"]);
    }
}

fn exit_ends_it() {
    let mut server = serve();
    let mut client = server.client();
    server.answers(&mut client, NI_HAO, &["你好"]);
    client.sends(b"exit");
    server.program.ends_with(0);
    server.program.stdout.wait_for("exit");
    client.expects_nothing_yet();
}

fn shows_whole_datagrams() {
    let mut server = serve();
    let mut client = server.client();
    for size in [1_024, 1_025, 1_200, 9_000] {
        expect_whole(&mut server, &mut client, size);
    }
}

/// Sends a datagram of that `size`, all of which the server has to show.
fn expect_whole(server: &mut Server, client: &mut Peer, size: usize) {
    client.sends(&vec![b'x'; size]);
    client.expects(UDP_REPLY);
    let shown = server.program.stdout.wait_for("xx").matches('x').count();
    let english = "expected all {} bytes of a datagram to be shown, but there are {}";
    ensure(shown == size, english, &[&size, &shown]);
}

fn answers_an_empty_datagram() {
    let mut server = serve();
    let mut client = server.client();
    server.answers(&mut client, b"", &["receive messages:"]);
    server.answers(&mut client, NI_HAO, &["你好"]);
}

/// As from another server, or from itself if somebody forges the sender's address.
fn does_not_answer_its_own_reply() {
    let mut server = serve();
    let mut client = server.client();
    client.sends(UDP_REPLY);
    server.program.stdout.wait_for(UDP_REPLY_TEXT);
    client.expects_nothing_yet();
    server.answers(&mut client, NI_HAO, &["你好"]);
}

fn exact_output() {
    servers::exact_output();
    let mut server = serve();
    server.program.stdout.expect("waiting for messages......");
    let mut client = server.client();
    // Half a character is not kept for the next datagram.
    server.shows(&mut client, b"\xc4", "\u{fffd}");
    server.shows(&mut client, b"\xe3\x41", "鉇");
    expect_whole(&mut server, &mut client, 65_507);
    server.program.stdout.expect("waiting for messages......");
    client.sends(b"exit");
    let last = format!("receive messages:exit from {}", client.address());
    server.program.stdout.expect(&last);
    server.program.ends_silently_with(0);
}

fn costs_four_calls() {
    calls::costs(&["write", "write"], &["recvfrom", "write", "sendto", "write"]);
}

/// A server of which some calls fail, as in `recvfrom:error=ENOMEM:when=1..20`.
fn serve_with_failing(calls: &str) -> Server {
    let options = ["-o", "/dev/null", "-e", &format!("inject={calls}")];
    Server::start(subject::name(), strace(&options, &subject::command()))
}

fn goes_on_after_a_failed_reply() {
    let mut server = serve_with_failing("sendto:error=ENETUNREACH:when=1");
    let mut client = server.client();
    client.sends(b"lost");
    server.program.stderr.expect_parts(&["udp-server: ", "unreachable"]);
    server.answers(&mut client, NI_HAO, &["你好"]);
}

/// It pauses, but not after a reset: so Windows reports that an earlier reply found nobody.
fn goes_on_after_failed_receives() {
    for (error, reported, pauses) in
        [("ENOMEM", "Cannot allocate memory", true), ("ECONNRESET", "reset", false)]
    {
        let mut server = serve_with_failing(&format!("recvfrom:error={error}:when=1..20"));
        let mut client = server.client();
        let started = Instant::now();
        client.sends(NI_HAO);
        for _ in 0..20 {
            server.program.stderr.expect_parts(&["udp-server: ", reported]);
        }
        client.expects(UDP_REPLY);
        let time = started.elapsed().as_millis();
        let english = "20 receives failed in {} ms: after each a server pauses for a tenth of a second, but not after a reset";
        ensure((time > 1_900) == pauses, english, &[&time]);
    }
}
