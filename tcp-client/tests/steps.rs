//! What the TCP client promises, step after step; a plain socket plays the server.

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use testing::{
    A_WHILE, DEADLINE, Sheet, clients, command_line, ensure, exercise, fail, fails_and_names,
    subject, with_client,
};

fn main() -> ExitCode {
    let mut sheet = Sheet::default();

    sheet.step("hello");
    sheet.test("a line is sent in GBK, and its reply shown", || clients::talks_to("127.0.0.1"));

    sheet.step("several");
    sheet.test("each line waits for the reply to the one before", clients::waits_for_each_reply);
    sheet.test("the prompt is shown only at a terminal", clients::prints_no_prompt);

    sheet.step("leaving");
    sheet.test("an empty line leaves", || clients::leaves_after("\nmore\n", b""));
    sheet.test("the end of the input leaves", || clients::leaves_after("", b""));
    sheet.test("exit is sent, and the client leaves", || {
        clients::leaves_after("exit\nmore\n", b"exit");
    });

    sheet.step("text");
    sheet.test("nothing of a line is sent that is not GBK", || {
        clients::refuses("😀".as_bytes(), &["1F600"]);
    });
    sheet.test("control characters are shown escaped", clients::escapes_control_characters);

    sheet.step("stream");
    sheet.test("a character split between two receives is shown whole", || {
        let (mut server, mut client) = with_client();
        client.types("one\ntwo\n");
        server.answers(b"one", b"a\xc4");
        client.stdout.wait_for(&["a"]);
        server.answers(b"two", b"\xe3b");
        client.stdout.wait_for(&["你b"]);
    });
    // One letter and then Chinese characters, so that no character begins at a multiple of two. Like the
    // tutorial's server, this one decodes each piece alone, and answers it before the next one comes.
    sheet.test("a long line goes in pieces of whole characters", || {
        let (mut server, mut client) = with_client();
        client.types(format!("a{}\n", "你".repeat(2_000)));
        client.ends_input();
        let message = [b"a".as_slice(), &b"\xc4\xe3".repeat(2_000)].concat();
        let mut received = Vec::new();
        while received.len() < message.len() {
            let english = "expected a piece of a long line, but {}";
            let piece = server.receive(1_024).unwrap_or_else(|why| fail(english, &[&why]));
            received.extend(piece);
            let is_whole = received.len() % 2 == 1 && message.starts_with(&received);
            ensure(is_whole, "a piece of a long line is not what comes next, or ends in the middle of a character", &[]);
            server.expects_nothing_yet();
            server.sends(b"next");
            client.stdout.expect("next");
        }
        drop(server);
        client.ends_silently_with(0);
    });

    sheet.step("faults");
    sheet.test("an error names the address where no server is", || {
        fails_and_names(subject::with(&["127.0.0.1", "1"]), "127.0.0.1:1"); // nobody uses this port
    });
    // The lines that are still to come are not sent.
    sheet.test("a server that closes or resets ends it with status 1", || {
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
            client.stderr.wait_for(&["two", reason]);
            client.ends_silently_with(1);
        }
    });
    // Like a server that answers the first line twice, and closes with the second one unread.
    sheet.test("a reset while it leaves ends it with status 1", || {
        let (mut server, mut client) = with_client();
        client.types("one\ntwo\n");
        server.answers(b"one", b"1");
        client.stdout.expect("1");
        server.sends(b"1 again");
        client.stdout.expect("1 again");
        drop(server);
        client.ends_input();
        client.stderr.wait_for(&["reset"]);
        client.ends_with(1);
    });
    sheet.test("a server that takes seven seconds is waited for", || {
        let (mut server, mut client) = with_client();
        client.types("one\n");
        server.expects(b"one");
        thread::sleep(Duration::from_secs(7));
        server.sends(b"1");
        client.stdout.wait_for(&["1"]);
    });
    // Longer than the client waits in silence, half a character at a time.
    sheet.test("a server that goes on sending is heard to its end", || {
        let (mut server, mut client) = with_client();
        client.types("one\n\n");
        server.answers(b"one", b"1");
        client.stdout.wait_for(&["1"]);
        server.expects_close(); // the client has half-closed, and still reads
        for half in [b"\xc4", b"\xe3", b"\xba", b"\xc3"] {
            thread::sleep(Duration::from_millis(1_500));
            server.sends(half);
        }
        client.stdout.wait_for(&["你"]);
        client.stdout.wait_for(&["好"]);
        drop(server);
        client.ends_silently_with(0);
    });
    sheet.test("a server that never closes is left, and named", || {
        let (mut server, mut client) = with_client();
        client.types("one\n\n");
        server.answers(b"one", b"1");
        client.stderr.wait_for(&["has not closed"]);
        client.ends_with(0);
    });
    // It replies all the time, and reads nothing. The client waits for five seconds again if its system
    // has taken a part of a piece.
    sheet.test("a server that never reads ends it with status 1", || {
        let (mut server, mut client) = with_client();
        client.types(format!("{}\nmore\n", "a".repeat(10_000_000)));
        server.tcp().set_write_timeout(Some(A_WHILE)).expect("a timeout");
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until && client.stderr.seen().is_empty() {
            if server.tcp().write(&[b'r'; 1_000]).is_err() {
                thread::sleep(A_WHILE); // the client reads nothing now, or has ended
            }
        }
        client.stderr.wait_for(&["aaa", "5 seconds"]);
        client.ends_with(1);
    });

    sheet.step("contract");
    sheet.test("the exact text of its output", clients::exact_output);
    sheet.test("its command line does what the help says", command_line);
    sheet.test("the prompt asks for each line at a terminal", clients::asks_at_a_terminal);
    sheet.needs(&["Linux", "script"]);
    sheet.test("it finds its server by the name localhost", || clients::talks_to("localhost"));
    sheet.test("it talks over IPv6", || clients::talks_to("::1"));
    sheet.needs(&["IPv6"]);
    sheet.test("a closed stdout ends it with status 1", clients::ends_without_stdout);
    sheet.needs(&["Linux"]);
    // Also a greeting, which the client cannot tell from a reply. A receive is at most 1,024 bytes.
    sheet.test("the reply that comes first answers the first line", || {
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
    });
    // At the end of the connection, and if the client leaves a silent server.
    sheet.test("half a character at the end is shown as U+FFFD", || {
        for closes in [true, false] {
            let (mut server, mut client) = with_client();
            client.types("one\ntwo\n");
            client.ends_input();
            server.answers(b"one", b"\xc4");
            client.stdout.expect(""); // a reply, of which nothing can be shown yet
            server.answers(b"two", b"\xe3\xc4");
            if closes {
                drop(server);
            }
            client.stdout.expect("你");
            client.stdout.expect("\u{fffd}");
            client.ends_with(0);
        }
    });
    // The server has closed, so its system answers with a reset.
    sheet.test("an exit that is not received ends it with status 1", || {
        let (server, mut client) = with_client();
        drop(server);
        client.types("exit\n");
        client.stderr.wait_for(&["tcp-client: "]);
        client.ends_silently_with(1);
    });
    sheet.needs(&["Linux"]);

    exercise("tcp-client", env!("CARGO_BIN_EXE_tcp-client"), sheet.steps)
}
