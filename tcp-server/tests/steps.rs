//! What the TCP server promises, step after step; plain sockets play its clients.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use testing::{
    NI_HAO, Sheet, TCP_REPLY, command_line, ensure, exercise, limited, serve, serve_at, servers,
    strace, subject,
};

fn main() -> ExitCode {
    let mut sheet = Sheet::default();

    sheet.step("hello");
    sheet.test("it says where it listens", servers::says_where_it_listens);
    sheet.test("a message is shown, and answered in GBK", servers::answers_a_message);

    sheet.step("several");
    sheet.test("every message of two connections is answered", || {
        let mut server = serve();
        for _ in 0..2 {
            let mut client = server.client();
            for text in ["one", "two", "three"] {
                server.answers(&mut client, text.as_bytes(), &[text]);
            }
        }
    });

    sheet.step("exit");
    sheet.test("exit closes its connection, and no other", || {
        let mut server = serve();
        let (mut leaving, mut staying) = (server.client(), server.client());
        leaving.sends(b"exit");
        leaving.expects_close();
        server.program.stdout.wait_for(&["exit"]);
        server.answers(&mut staying, NI_HAO, &["你好"]);
        drop(staying);
        let mut newcomer = server.client();
        server.answers(&mut newcomer, NI_HAO, &["你好"]);
    });
    sheet.test("only exactly exit is the exit message", servers::goes_on_after_what_is_not_exit);

    sheet.step("many clients");
    sheet.test("fifty silent clients hold up nobody", || {
        let mut server = serve();
        let silent: Vec<_> = (0..50).map(|_| server.client()).collect();
        let mut busy = server.client();
        server.answers(&mut busy, NI_HAO, &["你好"]);
        for mut client in silent {
            server.answers(&mut client, b"at last", &["at last"]);
        }
    });

    sheet.step("stream");
    sheet.test("a character split between two receives is shown whole", || {
        let mut server = serve();
        let (mut one, mut other) = (server.client(), server.client());
        server.answers(&mut one, b"one\xc4", &["one"]);
        server.answers(&mut other, b"other", &["other"]); // meanwhile, to another connection
        server.answers(&mut one, b"\xe3two", &["你two"]);
    });
    sheet.test("a client that has half-closed gets its reply", || {
        let server = serve();
        let mut client = server.client();
        client.sends(NI_HAO);
        client.half_closes();
        client.expects(TCP_REPLY);
        client.expects_close();
    });
    sheet.test("a message is at most 1,024 bytes, with one reply", || {
        let mut server = serve();
        let mut client = server.client();
        client.sends(&[b'x'; 5_000]);
        let mut received = 0;
        while received < 5_000 {
            let size = server.program.stdout.wait_for(&["x"]).matches('x').count();
            let english = "expected at most 1,024 bytes in a message, but there are {}";
            ensure(size <= 1_024, english, &[&size]);
            received += size;
            client.expects(TCP_REPLY);
        }
        client.half_closes();
        client.expects_close();
    });

    sheet.step("faults");
    sheet.test("bytes that are not GBK stop nothing", servers::survives_what_is_not_gbk);
    sheet.test("control characters are shown escaped", servers::escapes_control_characters);
    sheet.test("a reset ends one connection, with a line on stderr", || {
        let mut server = serve();
        let (mut staying, mut resetting) = (server.client(), server.client());
        let port = resetting.address().port().to_string();
        server.answers(&mut resetting, NI_HAO, &["你好"]);
        resetting.resets();
        server.program.stderr.wait_for(&[&port]);
        server.answers(&mut staying, NI_HAO, &["你好"]);
    });
    sheet.test("an error names an address that it cannot have", servers::names_its_address);
    sheet.test("a closed stdout ends it with status 1", servers::ends_without_stdout);
    sheet.needs(&["Linux"]);
    sheet.test("a signal ends it, and its port is free", servers::ends_at_a_signal);
    sheet.needs(&["the signals of Unix"]);

    sheet.step("contract");
    sheet.test("the exact text of its output", || {
        servers::exact_output();
        let mut server = serve();
        let endings: [(&[u8], &[&str]); 3] = [
            (b"", &[]), // the end of a connection is no message
            (b"exit", &["exit"]),
            (b"exit\xc4", &["exit", "\u{fffd}"]), // half a character at the end shows
        ];
        for (message, texts) in endings {
            let mut client = server.client();
            let address = client.address();
            let mut shows = |text: &str| server.program.stdout.expect(&format!("{text} {address}"));
            shows("connect from :");
            client.sends(message);
            client.half_closes();
            texts.iter().for_each(|text| shows(&format!("receive messages:{text} from")));
            shows("disconnect from :");
        }
        let mut client = server.client();
        server.program.stdout.expect(&format!("connect from : {}", client.address()));
        // The letters of exit after half a character belong to it.
        server.shows(&mut client, b"\xc4", "");
        server.shows(&mut client, b"exit", "膃xit");
        // A four-byte character of GB 18030 byte by byte.
        for (byte, text) in [(0x94, ""), (0x39, ""), (0xfc, ""), (0x36, "😀")] {
            server.shows(&mut client, &[byte], text);
        }
    });
    sheet.test("its command line does what the help says", command_line);
    sheet.test("an empty HOST and localhost are 127.0.0.1", || {
        servers::serves_at(&["", "localhost"]);
    });
    sheet.test("it serves IPv6", || servers::serves_at(&["::1"]));
    sheet.needs(&["IPv6"]);
    sheet.test("a message costs three system calls", || {
        servers::costs_calls(&["recvfrom", "write", "sendto"]);
    });
    sheet.needs(&["strace"]);
    sheet.test("without descriptors it serves, and accepts later", || {
        let mut server = serve_at("127.0.0.1", limited("ulimit -n 14", &subject::command()));
        let mut clients: Vec<_> = (0..20).map(|_| server.client()).collect();
        server.program.stderr.wait_for(&["tcp-server: ", "Too many open files"]);

        let before = server.program.stderr.seen().len();
        thread::sleep(Duration::from_secs(2));
        let lines = server.program.stderr.seen().len() - before;
        let english = "expected a pause of a tenth of a second after each accept that fails, but \
                       in 2 seconds there are {} lines on stderr";
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
    });
    sheet.needs(&["Linux"]);
    sheet.test("without a thread one connection ends", || {
        let fail = ["-f", "-o", "/dev/null", "-e", "inject=clone3:error=EAGAIN:when=2"];
        let mut server = serve_at("127.0.0.1", strace(&fail, &subject::command()));
        let mut first = server.client();
        server.answers(&mut first, NI_HAO, &["你好"]);
        let mut second = server.client();
        let peer = second.address().to_string();
        second.expects_close();
        server.program.stderr.wait_for(&["tcp-server: ", &peer, "thread"]);
        server.answers(&mut first, NI_HAO, &["你好"]);
    });
    sheet.needs(&["strace"]);

    exercise("tcp-server", env!("CARGO_BIN_EXE_tcp-server"), sheet.steps)
}
