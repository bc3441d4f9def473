//! What the TCP client promises, step after step; a plain socket plays the server.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use testing::clients;
use testing::{command_line, ensure, fails_and_names, step, subject, with_client};

fn main() -> ExitCode {
    let steps = vec![
        step("hello").test("a line is sent in GBK, and its reply shown", clients::sends_a_line),
        step("several")
            .test("each line waits for the reply to the one before", clients::waits_for_each_reply)
            .test("the prompt is shown only at a terminal", clients::prints_no_prompt),
        step("leaving")
            .test("an empty line leaves", || clients::leaves_after("\nmore\n"))
            .test("the end of the input leaves", || clients::leaves_after(""))
            .test("exit is sent, and the client leaves", sends_exit),
        step("text")
            .test("nothing of a line is sent that is not GBK", clients::refuses_what_is_not_in_gbk)
            .test("control characters are shown escaped", clients::escapes_control_characters),
        step("stream")
            .test("a character split between two receives is shown whole", joins_half_characters)
            .test("a long line goes in pieces of whole characters", sends_a_long_line),
        step("faults")
            .test("an error names the address where no server is", names_a_missing_server)
            .test("a server that closes or resets ends it with status 1", ends_at_an_early_end)
            .test("a reset while it leaves ends it with status 1", ends_at_a_late_reset)
            .test("a server that takes seven seconds is waited for", waits_for_a_slow_reply)
            .test("a server that goes on sending is heard to its end", hears_the_end)
            .test("a server that never closes is left, and named", leaves_a_silent_server)
            .test("a server that never reads ends it with status 1", ends_if_nothing_is_taken)
            .on_own_network(SMALL_BUFFERS),
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
            .test("the reply that comes first answers the first line", takes_replies_in_order)
            .test("half a character at the end is shown as U+FFFD", shows_half_a_character)
            .test("an exit that is not received ends it with status 1", notices_a_lost_exit)
            .needs(&["Linux"]),
    ];
    testing::exercise("tcp-client", env!("CARGO_BIN_EXE_tcp-client"), steps)
}

/// A network whose connections hold little that nobody reads.
const SMALL_BUFFERS: &str =
    "for one in r w; do echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_${one}mem; done";

/// It leaves once the server has closed.
fn sends_exit() {
    let (mut server, mut client) = with_client();
    client.types("exit\nmore\n");
    server.expects(b"exit");
    server.expects_close();
    drop(server);
    client.ends_silently_with(0);
}

fn joins_half_characters() {
    let (mut server, mut client) = with_client();
    client.types("one\ntwo\n");
    server.answers(b"one", b"a\xc4");
    client.stdout.wait_for("a");
    server.answers(b"two", b"\xe3b");
    client.stdout.wait_for("你b");
}

/// One letter and then Chinese characters, so that no character begins at a multiple of two. As the
/// tutorial's server, this one decodes each piece alone, and answers it before the next one comes.
fn sends_a_long_line() {
    let (mut server, mut client) = with_client();
    client.types(format!("a{}\n", "你".repeat(2_000)));
    client.ends_input();
    let message = [b"a".as_slice(), &b"\xc4\xe3".repeat(2_000)].concat();
    let mut received = Vec::new();
    while received.len() < message.len() {
        let mut buffer = [0; 1024];
        let size = server.tcp().read(&mut buffer).expect("a piece of the line");
        ensure(size > 0, "the client left before it had sent all of a long line", &[]);
        received.extend_from_slice(&buffer[..size]);
        let is_whole = received.len() % 2 == 1 && message.starts_with(&received);
        ensure(is_whole, "a piece of a long line ends in the middle of a character", &[]);
        server.expects_nothing_yet();
        server.sends(b"next");
        client.stdout.expect("next");
    }
    drop(server);
    client.ends_silently_with(0);
}

fn names_a_missing_server() {
    fails_and_names(subject::with(&["127.0.0.1", "1"]), "127.0.0.1:1"); // a port that nobody uses
}

/// The lines that are still to come are not sent.
fn ends_at_an_early_end() {
    for reason in ["closed", "reset"] {
        let (mut server, mut client) = with_client();
        client.types("one\ntwo\nthree\n");
        server.answers(b"one", b"1");
        server.expects(b"two");
        client.stdout.expect("1");
        match reason {
            "closed" => drop(server),
            _ => server.resets(),
        }
        client.stderr.expect_parts(&["two", reason]);
        client.ends_silently_with(1);
    }
}

/// As of a server that answers the first line twice, and closes with the second one unread.
fn ends_at_a_late_reset() {
    let (mut server, mut client) = with_client();
    client.types("one\ntwo\n");
    server.expects(b"one");
    server.sends(b"1");
    client.stdout.expect("1");
    server.sends(b"1 again");
    client.stdout.expect("1 again");
    drop(server);
    client.ends_input();
    client.stderr.expect_parts(&["reset"]);
    client.ends_with(1);
}

fn waits_for_a_slow_reply() {
    let (mut server, mut client) = with_client();
    client.types("one\n");
    server.expects(b"one");
    thread::sleep(Duration::from_secs(7));
    server.sends(b"1");
    client.stdout.wait_for("1");
}

/// Longer than the client waits in silence, half a character at a time.
fn hears_the_end() {
    let (mut server, mut client) = with_client();
    client.types("one\n\n");
    server.answers(b"one", b"1");
    client.stdout.wait_for("1");
    server.expects_close(); // the client has half-closed, and still reads
    for half in [b"\xc4", b"\xe3", b"\xba", b"\xc3"] {
        thread::sleep(Duration::from_millis(1_500));
        server.sends(half);
    }
    client.stdout.wait_for("你");
    client.stdout.wait_for("好");
    drop(server);
    client.ends_silently_with(0);
}

fn leaves_a_silent_server() {
    let (mut server, mut client) = with_client();
    client.types("one\n\n");
    server.answers(b"one", b"1");
    client.stderr.expect_parts(&["has not closed"]);
    client.ends_with(0);
}

/// A server that replies all the time, and reads nothing.
fn ends_if_nothing_is_taken() {
    let (mut server, mut client) = with_client();
    client.types(format!("{}\nmore\n", "a".repeat(200_000)));
    let mut connection = server.tcp().try_clone().expect("a second handle of the connection");
    let flood = thread::spawn(move || while connection.write_all(&[b'r'; 1_000]).is_ok() {});
    client.stderr.expect_parts(&["aaa", "5 seconds"]);
    client.ends_with(1);
    flood.join().expect("the flood ends with the client");
}

/// Also a greeting, which the client cannot tell from a reply. A receive is at most 1,024 bytes.
fn takes_replies_in_order() {
    let (mut server, mut client) = with_client();
    server.sends(&[b'w'; 1_025]);
    server.expects_nothing_yet();
    client.types("one\n");
    client.ends_input();
    server.expects(b"one");
    client.stdout.expect(&"w".repeat(1_024));
    client.stdout.expect("w");
    server.expects_close();
    drop(server);
    client.ends_silently_with(0);
}

/// At the end of the connection, and if the client leaves a silent server.
fn shows_half_a_character() {
    for closes in [true, false] {
        let (mut server, mut client) = with_client();
        client.types("one\ntwo\n");
        client.ends_input();
        server.answers(b"one", b"\xc4");
        client.stdout.expect(""); // a reply, of which nothing can be shown yet
        server.answers(b"two", b"\xe3\xc4");
        let server = Some(server).filter(|_| !closes);
        client.stdout.expect("你");
        client.stdout.expect("\u{fffd}");
        client.ends_with(0);
        drop(server);
    }
}

/// The server has closed, so its system answers with a reset.
fn notices_a_lost_exit() {
    let (server, mut client) = with_client();
    drop(server);
    client.types("exit\n");
    client.stderr.expect_parts(&["tcp-client: "]);
    client.ends_silently_with(1);
}
