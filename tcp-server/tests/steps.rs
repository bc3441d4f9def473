//! What the TCP server promises, step after step; plain sockets play its clients.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use testing::{
    NI_HAO, Peer, Server, TCP_REPLY, calls, command_line, ensure, limited, serve, servers, step,
    strace, subject,
};

fn main() -> ExitCode {
    let steps = vec![
        step("hello")
            .test("it says where it listens", servers::says_where_it_listens)
            .test("a message is shown, and answered in GBK", servers::answers_a_message),
        step("several").test("every message of two connections is answered", answers_every_message),
        step("exit")
            .test("exit closes its connection, and no other", exit_closes_its_connection)
            .test("only exactly exit is the exit message", servers::goes_on_after_what_is_not_exit),
        step("many clients").test("fifty silent clients hold up nobody", serves_many_clients),
        step("stream")
            .test("a character split between two receives is shown whole", joins_half_characters)
            .test("a client that has half-closed gets its reply", answers_after_a_half_close)
            .test("a message is at most 1,024 bytes, with one reply", receives_1_024_bytes),
        step("faults")
            .test("bytes that are not GBK stop nothing", servers::survives_what_is_not_gbk)
            .test("control characters are shown escaped", servers::escapes_control_characters)
            .test("a reset ends one connection, with a line on stderr", survives_a_reset)
            .test("an error names an address that it cannot have", servers::names_its_address)
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
            .test("a message costs three system calls", costs_three_calls)
            .needs(&["strace"])
            .test("without descriptors it serves, and accepts later", survives_without_descriptors)
            .needs(&["Linux"])
            .test("without a thread one connection ends", survives_without_a_thread)
            .needs(&["strace"]),
    ];
    testing::exercise("tcp-server", env!("CARGO_BIN_EXE_tcp-server"), steps)
}

fn answers_every_message() {
    let mut server = serve();
    for _ in 0..2 {
        let mut client = server.client();
        for text in ["one", "two", "three"] {
            server.answers(&mut client, text.as_bytes(), &[text]);
        }
    }
}

fn exit_closes_its_connection() {
    let mut server = serve();
    let (mut leaving, mut staying) = (server.client(), server.client());
    leaving.sends(b"exit");
    leaving.expects_close();
    server.program.stdout.wait_for("exit");
    server.answers(&mut staying, NI_HAO, &["你好"]);
    drop(staying);
    let mut newcomer = server.client();
    server.answers(&mut newcomer, NI_HAO, &["你好"]);
}

fn serves_many_clients() {
    let mut server = serve();
    let silent: Vec<_> = (0..50).map(|_| server.client()).collect();
    let mut busy = server.client();
    server.answers(&mut busy, NI_HAO, &["你好"]);
    for mut client in silent {
        server.answers(&mut client, b"at last", &["at last"]);
    }
}

/// Whatever comes to another connection meanwhile.
fn joins_half_characters() {
    let mut server = serve();
    let (mut one, mut other) = (server.client(), server.client());
    server.answers(&mut one, b"one\xc4", &["one"]);
    server.answers(&mut other, b"other", &["other"]);
    server.answers(&mut one, b"\xe3two", &["你two"]);
}

fn answers_after_a_half_close() {
    let server = serve();
    let mut client = server.client();
    client.sends(NI_HAO);
    client.half_closes();
    client.expects(TCP_REPLY);
    client.expects_close();
}

fn receives_1_024_bytes() {
    let mut server = serve();
    let mut client = server.client();
    client.sends(&[b'x'; 5_000]);
    let mut received = 0;
    while received < 5_000 {
        let size = server.program.stdout.wait_for("x").matches('x').count();
        let english = "expected at most 1,024 bytes in a message, but there are {}";
        ensure(size <= 1_024, english, &[&size]);
        received += size;
        client.expects(TCP_REPLY);
    }
    client.half_closes();
    client.expects_close();
}

fn survives_a_reset() {
    let mut server = serve();
    let (mut staying, mut resetting) = (server.client(), server.client());
    let port = resetting.address().port().to_string();
    server.answers(&mut resetting, NI_HAO, &["你好"]);
    resetting.resets();
    server.program.stderr.wait_for(&port);
    server.answers(&mut staying, NI_HAO, &["你好"]);
}

/// Connects, which the server has to show.
fn shown_client(server: &mut Server) -> Peer {
    let client = server.client();
    server.program.stdout.expect(&format!("connect from : {}", client.address()));
    client
}

fn exact_output() {
    servers::exact_output();

    // The letters of exit after half a character belong to it, and half a one at the end shows.
    let mut server = serve();
    let mut client = shown_client(&mut server);
    server.shows(&mut client, b"\xc4", "");
    server.shows(&mut client, b"exit", "膃xit");
    server.shows(&mut client, b"exit\xc4", "exit");
    client.half_closes();
    expect_end(&mut server, &client, &["receive messages:\u{fffd} from"]);
    client.expects_close();

    // A four-byte character of GB 18030 byte by byte. The end of a connection is no message.
    let mut client = shown_client(&mut server);
    for (byte, text) in [(0x94, ""), (0x39, ""), (0xfc, ""), (0x36, "😀")] {
        server.shows(&mut client, &[byte], text);
    }
    client.half_closes();
    expect_end(&mut server, &client, &[]);

    let mut client = shown_client(&mut server);
    client.sends(b"exit");
    expect_end(&mut server, &client, &["receive messages:exit from"]);
}

/// Waits for these last lines about a client, and for the one that it has left.
fn expect_end(server: &mut Server, client: &Peer, last: &[&str]) {
    for text in [last, &["disconnect from :"]].concat() {
        server.program.stdout.expect(&format!("{text} {}", client.address()));
    }
}

fn costs_three_calls() {
    calls::costs(&["write", "write"], &["recvfrom", "write", "sendto"]);
}

fn survives_without_descriptors() {
    let mut server = Server::start(subject::name(), limited("ulimit -n 14", &subject::command()));
    let mut clients: Vec<_> = (0..20).map(|_| server.client()).collect();
    server.program.stderr.expect_parts(&["tcp-server: ", "Too many open files"]);

    let before = server.program.stderr.seen().len();
    thread::sleep(Duration::from_secs(2));
    let lines = server.program.stderr.seen().len() - before;
    let english = "expected a pause of a tenth of a second after each accept that fails, but in 2 seconds there are {} lines on stderr";
    ensure(lines <= 21, english, &[&lines]);

    // A line for each client that is accepted; the others wait in the kernel's backlog.
    let mut waiting = clients.split_off(server.program.stdout.seen().len());
    for client in &mut clients {
        server.answers(client, NI_HAO, &["你好"]);
    }
    clients.clear();
    for client in &mut waiting[..3] {
        server.answers(client, NI_HAO, &["你好"]);
    }
}

fn survives_without_a_thread() {
    let fail = ["-f", "-o", "/dev/null", "-e", "inject=clone3:error=EAGAIN:when=2"];
    let mut server = Server::start(subject::name(), strace(&fail, &subject::command()));
    let mut first = server.client();
    server.answers(&mut first, NI_HAO, &["你好"]);
    let mut second = server.client();
    let peer = second.address().to_string();
    second.expects_close();
    server.program.stderr.expect_parts(&["tcp-server: ", &peer, "thread"]);
    server.answers(&mut first, NI_HAO, &["你好"]);
}
