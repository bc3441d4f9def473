//! `scripts/pair.sh`: both programs' lines, in order.
#![cfg(unix)]

use testing::{
    Program, limited, run, scratch_folder, script, without_ports, workspace_program, write_program,
};

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

#[test]
fn without_a_kind_both_pairs_talk_in_order() {
    let (status, stdout, stderr) = run(script("pair.sh", &[]), "你好"); // no line feed
    assert_eq!((status, stderr), (Some(0), vec![]));
    // The server waits for the next message before or after the client shows its reply.
    let (waits, lines): (Vec<_>, Vec<_>) = stdout
        .iter()
        .map(|line| without_ports(line))
        .partition(|line| *line == "[server] waiting for messages......");
    assert_eq!(lines, [&UDP[..], &TCP[..]].concat());
    assert_eq!(waits.len(), 2);
}

#[test]
fn without_messages_there_is_a_short_exchange_that_ends_with_exit() {
    for input in ["exec <&-", "exec </dev/null"] {
        let (status, stdout, stderr) = run(limited(input, &script("pair.sh", &["tcp"])), "");
        assert_eq!((status, stderr), (Some(0), vec![]));
        let lines: Vec<_> = stdout.iter().map(|line| without_ports(line)).collect();
        assert_eq!(lines[..4], TCP[..4]);
        assert_eq!(lines[lines.len() - 2..], [UDP[3], TCP[4]]);
    }
}

#[test]
fn messages_go_through_unchanged_and_one_that_fails_is_the_status() {
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

#[test]
fn lines_are_shown_as_they_come_and_it_ends_with_the_client() {
    let mut pair = Program::start(script("pair.sh", &["tcp"]));
    pair.types("你好\n");
    pair.stdout.wait_for("[client] ");
    pair.types("exit\n"); // and its input stays open
    pair.ends_with(0);
    pair.stderr.expect_end(); // nobody who still waits for stdin has it
}

#[test]
fn it_ends_when_nobody_reads_on() {
    let (mut pair, stdout) = Program::start_unread(script("pair.sh", &["tcp"]));
    drop(stdout);
    pair.types("你好\n");
    assert!(!pair.status().success());
    pair.stderr.expect_end();
}

/// A file or a command, from where the script is called.
#[test]
fn programs_of_others_take_part() {
    let folder = scratch_folder("其他 others");
    let own = workspace_program("udp-server");
    let own = own.get_program().to_string_lossy();
    let server = format!("echo \"${{0##*/}} $1\" >&2; exec '{own}' \"${{@: -2}}\"");
    for name in ["my server", "udp-server"] {
        write_program(&folder.join(name), &format!("#!/usr/bin/env bash\n{server}\n"));
    }
    for (named, said) in
        [("my server", "my server 127.0.0.1"), ("bash ./udp-server theirs", "udp-server theirs")]
    {
        let mut command = script("pair.sh", &["udp", "你好"]);
        command.current_dir(&folder).env("UDP_SERVER", named);
        let (status, stdout, stderr) = run(command, "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{named}: {stdout:?}");
        assert_eq!(stdout[0], format!("[server] {said}"));
        assert!(stdout.iter().any(|line| line == UDP[2]), "{stdout:?}");
    }
}
