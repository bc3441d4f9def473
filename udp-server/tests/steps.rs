//! What the UDP server promises, step after step; plain sockets play its clients.

use std::process::ExitCode;
use std::time::Instant;

use testing::{
    NI_HAO, Peer, Server, Sheet, UDP_REPLY, command_line, ensure, exercise, serve, serve_at,
    servers, strace, subject,
};

fn main() -> ExitCode {
    let mut sheet = Sheet::default();

    sheet.step("hello");
    sheet.test("it says where it listens", servers::says_where_it_listens);
    sheet.test("a message is shown, and answered in GBK", servers::answers_a_message);

    sheet.step("several");
    sheet.test("every message of every client is answered", || {
        let mut server = serve();
        let (mut one, mut other) = (server.client(), server.client());
        for _ in 0..3 {
            server.answers(&mut one, b"one", &["one"]);
            server.answers(&mut other, b"other", &["other"]);
        }
    });

    sheet.step("exit");
    sheet.test("exit ends the server with status 0, without a reply", || {
        let mut server = serve();
        let mut client = server.client();
        server.answers(&mut client, NI_HAO, &["你好"]);
        client.sends(b"exit");
        server.program.ends_with(0);
        server.program.stdout.wait_for(&["exit"]);
        client.expects_nothing_yet();
    });
    sheet.test("only exactly exit is the exit message", servers::goes_on_after_what_is_not_exit);

    sheet.step("datagrams");
    sheet.test("a datagram is shown whole, however long it is", || {
        let mut server = serve();
        let mut client = server.client();
        for size in [1_024, 1_025, 1_200, 9_000] {
            expect_whole(&mut server, &mut client, size);
        }
    });
    sheet.test("an empty datagram is a message too", || {
        let mut server = serve();
        let mut client = server.client();
        server.answers(&mut client, b"", &["receive messages:"]);
        server.answers(&mut client, NI_HAO, &["你好"]);
    });

    sheet.step("bytes");
    sheet.test("bytes that are not GBK stop nothing", servers::survives_what_is_not_gbk);
    sheet.test("control characters are shown escaped", servers::escapes_control_characters);

    sheet.step("faults");
    sheet.test("an error names an address that it cannot have", servers::names_its_address);
    // It comes from another server, or from itself if somebody forges the sender's address.
    sheet.test("its own reply is shown and not answered", || {
        let mut server = serve();
        let mut client = server.client();
        client.sends(UDP_REPLY);
        server.program.stdout.wait_for(&["我是UDP服务器,已接收到你发来的消息!"]);
        client.expects_nothing_yet();
        server.answers(&mut client, NI_HAO, &["你好"]);
    });
    sheet.test("a closed stdout ends it with status 1", servers::ends_without_stdout);
    sheet.needs(&["Linux"]);
    sheet.test("a signal ends it, and its port is free", servers::ends_at_a_signal);
    sheet.needs(&["the signals of Unix"]);

    sheet.step("contract");
    sheet.test("the exact text of its output", || {
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
    });
    sheet.test("its command line does what the help says", command_line);
    sheet.test("an empty HOST and localhost are 127.0.0.1", || {
        servers::serves_at(&["", "localhost"]);
    });
    sheet.test("it serves IPv6", || servers::serves_at(&["::1"]));
    sheet.needs(&["IPv6"]);
    sheet.test("a message costs four system calls", || {
        servers::costs_calls(&["recvfrom", "write", "sendto", "write"]);
    });
    sheet.needs(&["strace"]);
    sheet.test("it goes on after a reply has failed", || {
        let mut server = serve_with_failing("sendto:error=ENETUNREACH:when=1");
        let mut client = server.client();
        client.sends(b"lost");
        server.program.stderr.wait_for(&["udp-server: ", "unreachable"]);
        server.answers(&mut client, NI_HAO, &["你好"]);
    });
    sheet.needs(&["strace"]);
    // It pauses, but not after a reset: so Windows reports that an earlier reply found nobody.
    sheet.test("it goes on after receives have failed", || {
        for (error, reported, pauses) in
            [("ENOMEM", "Cannot allocate memory", true), ("ECONNRESET", "reset", false)]
        {
            let mut server = serve_with_failing(&format!("recvfrom:error={error}:when=1..20"));
            let mut client = server.client();
            let started = Instant::now();
            client.sends(NI_HAO);
            for _ in 0..20 {
                server.program.stderr.wait_for(&["udp-server: ", reported]);
            }
            client.expects(UDP_REPLY);
            let time = started.elapsed().as_millis();
            let english = "20 receives failed in {} ms: after each a server pauses for a tenth of \
                           a second, but not after a reset";
            ensure((time > 1_900) == pauses, english, &[&time]);
        }
    });
    sheet.needs(&["strace"]);

    exercise("udp-server", env!("CARGO_BIN_EXE_udp-server"), sheet.steps)
}

/// Sends a datagram of that `size`, all of which the server has to show.
fn expect_whole(server: &mut Server, client: &mut Peer, size: usize) {
    client.sends(&vec![b'x'; size]);
    client.expects(UDP_REPLY);
    let shown = server.program.stdout.wait_for(&["xx"]).matches('x').count();
    let english = "expected all {} bytes of a datagram to be shown, but there are {}";
    ensure(shown == size, english, &[&size, &shown]);
}

/// A server of which some calls fail, as in `recvfrom:error=ENOMEM:when=1..20`.
fn serve_with_failing(calls: &str) -> Server {
    let options = ["-o", "/dev/null", "-e", &format!("inject={calls}")];
    serve_at("127.0.0.1", strace(&options, &subject::command()))
}
