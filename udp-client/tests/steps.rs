//! What the UDP client promises, step after step; a plain socket plays the server.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use testing::{
    NI_HAO, Peer, Program, Sheet, clients, command_line, exercise, subject, with_client,
};

fn main() -> ExitCode {
    let mut sheet = Sheet::default();

    sheet.step("hello");
    sheet.test("a line is sent in GBK, and its reply shown", || clients::talks_to("127.0.0.1"));

    sheet.step("several");
    sheet.test("each line waits for the reply to the one before", clients::waits_for_each_reply);
    sheet.test("an empty line leaves", || clients::leaves_after("\nmore\n", b""));
    sheet.test("the prompt is shown only at a terminal", clients::prints_no_prompt);

    sheet.step("leaving");
    sheet.test("exit is sent, and the client leaves without waiting", || {
        clients::leaves_after("exit\nmore\n", b"exit");
    });
    sheet.test("the end of the input leaves", || clients::leaves_after("", b""));

    sheet.step("text");
    sheet.test("nothing of a line is sent that is not GBK", || {
        clients::refuses("😀".as_bytes(), &["1F600"]);
    });
    sheet.test("control characters are shown escaped", clients::escapes_control_characters);

    sheet.step("silence");
    sheet.test("a missing server is reported immediately", || {
        let mut client = Program::start(subject::with(&["127.0.0.1", "1"])); // nobody uses this port
        client.types("one\ntwo\n");
        client.stderr.wait_for(&["one", "refused"]);
        client.stderr.wait_for(&["two", "refused"]);
        client.ends_input();
        client.ends_with(1);
    });
    sheet.needs(&["a system that reports unused UDP ports"]);
    // The late reply answers nothing, although the next message is waiting for a reply by then. That
    // one takes three seconds.
    sheet.test("a silent server is reported after 5 seconds", || {
        let (mut server, mut client) = with_client();
        client.types("one\ntwo\n");
        server.expects(b"one");
        client.stderr.wait_for(&["one", "5"]);
        let Peer::Udp(socket, _) = &server else { unreachable!("it speaks UDP") };
        let mut next = Peer::Udp(socket.try_clone().expect("a second handle"), None);
        next.expects(b"two");
        server.sends(b"late");
        thread::sleep(Duration::from_secs(3));
        next.sends(b"2");
        client.stdout.expect("2");
        client.ends_input();
        client.ends_with(1);
    });

    sheet.step("strangers");
    sheet.test("only the server itself can answer", || {
        let (mut server, mut client) = with_client();
        client.types("你好\n");
        server.expects(NI_HAO);
        let Peer::Udp(_, Some(port)) = server else { unreachable!("it has received a datagram") };
        Peer::of_udp(port).sends(b"forged");
        server.sends(b"real");
        client.stdout.expect("real");
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
    // A reply has no number, so the client cannot tell whose it is.
    sheet.test("an extra reply answers the next line", || {
        let (mut server, mut client) = with_client();
        client.types("one\n");
        server.answers(b"one", b"1");
        server.sends(b"1 again");
        client.stdout.expect("1");
        client.types("two\n");
        client.stdout.expect("1 again");
        server.expects(b"two");
    });
    sheet.test("a datagram carries 65,507 bytes and no more", || {
        let (mut server, mut client) = with_client();
        let longest = "a".repeat(65_507);
        client.types(format!("{longest}\n{longest}a\nhello\n"));
        client.ends_input();
        server.answers(longest.as_bytes(), longest.as_bytes());
        client.stdout.expect(&longest);
        client.stderr.wait_for(&["udp-client: ", "65508", "65507"]);
        server.answers(b"hello", b"2");
        client.ends_with(1);
    });

    exercise("udp-client", env!("CARGO_BIN_EXE_udp-client"), sheet.steps)
}
