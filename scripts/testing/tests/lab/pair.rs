//! `scripts/pair.sh`: both programs' lines, in order.

use testing::{
    Program, Test, limited, run, script, test, wait_until, without_ports, without_reader,
    workspace_program, write_program,
};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("pair.sh without arguments lets both pairs talk", both_pairs),
        test("pair.sh without messages has a short exchange", short_exchange),
        test("pair.sh sends messages as they are, and its status is the client's", messages),
        test("pair.sh shows lines as they come, and ends with the client", lines_as_they_come),
        test("pair.sh ends when nobody reads its output any more", nobody_reads),
        test("pair.sh starts other programs: a file or a command", other_programs),
    ]
}

const UDP: [&str; 4] = [
    "[server] udp-server: listening on 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    "[client] 我是UDP服务器,已接收到你发来的消息!",
    "[server] receive messages:exit from 127.0.0.1:PORT", // which stops it
];

const TCP: [&str; 5] = [
    "[server] tcp-server: listening on 127.0.0.1:PORT",
    "[server] connect from : 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    "[client] 我是一个TCP服务器!!",
    "[server] disconnect from : 127.0.0.1:PORT",
];

fn both_pairs() {
    let (status, stdout, stderr) = run(script("pair.sh", &[]), "你好"); // without a line feed
    assert_eq!((status, stderr), (Some(0), vec![]));
    // The server waits for the next message before or after the client shows its reply.
    let mut lines: Vec<_> = stdout.iter().map(|line| without_ports(line)).collect();
    lines.retain(|line| line != "[server] waiting for messages......");
    assert_eq!(lines, [&UDP[..], &TCP[..]].concat());
    assert_eq!(stdout.len(), lines.len() + 2);
}

fn short_exchange() {
    let (status, stdout, stderr) =
        run(limited("exec </dev/null", &script("pair.sh", &["tcp"])), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let lines: Vec<_> = stdout.iter().map(|line| without_ports(line)).collect();
    assert_eq!(lines[..4], TCP[..4]);
    assert_eq!(lines[lines.len() - 2..], [UDP[3], TCP[4]]);
}

fn messages() {
    let messages = ["-n", r"a\n%s", "  two  words ", "'\"$HOME`", "udp", "*"];
    for kind in ["udp", "tcp"] {
        let (status, stdout, _) =
            run(script("pair.sh", &[&[kind, "😀"], &messages[..]].concat()), "");
        assert_eq!(status, Some(1), "{stdout:?}");
        let failed = |line: &String| line.starts_with("[client] ") && line.contains("U+1F600");
        assert!(stdout.iter().any(failed), "{stdout:?}");
        for message in messages {
            let shown = format!("[server] receive messages:{message} from ");
            assert!(stdout.iter().any(|line| line.starts_with(&shown)), "{message:?}: {stdout:?}");
        }
    }
}

fn lines_as_they_come() {
    let mut pair = Program::start(script("pair.sh", &["tcp"]));
    pair.types("你好\n");
    let is_answered = || pair.stdout.seen().iter().any(|line| line.starts_with("[client] "));
    wait_until("the reply is shown", is_answered);
    pair.types("exit\n"); // and its input stays open
    pair.ends_with(0);
    pair.stderr.expect_end();
}

fn nobody_reads() {
    let (status, _, stderr) = run(without_reader(&script("pair.sh", &["tcp"])), "你好\n");
    assert!(status != Some(0) && stderr.is_empty(), "{status:?}: {stderr:?}");
}

fn other_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = workspace_program("udp-server");
    let own = own.get_program().to_string_lossy();
    let server = format!("#!/bin/sh\necho \"${{0##*/}} $*\" >&2\n'{own}' 127.0.0.1 0\n");
    for name in ["my server", "udp-server"] {
        write_program(&folder.path().join(name), &server);
    }
    for (named, said) in [
        ("my server", "my server 127.0.0.1 0"),
        ("sh udp-server theirs", "udp-server theirs 127.0.0.1 0"),
    ] {
        let mut command = script("pair.sh", &["udp", "你好"]);
        command.current_dir(&folder).env("UDP_SERVER", named);
        let (status, stdout, stderr) = run(command, "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{named}: {stdout:?}");
        assert_eq!(stdout[0], format!("[server] {said}"));
        assert!(stdout.iter().any(|line| line == UDP[2]), "{stdout:?}");
    }
}
