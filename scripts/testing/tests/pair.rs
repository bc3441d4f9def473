//! `scripts/pair.sh`: both programs' lines, in order, and nothing left behind.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use testing::{Program, run, script, signal};

/// The lines without the ports, which are other ones each time.
fn without_ports(lines: &[String]) -> Vec<String> {
    let without = |line: &String| match line.rsplit_once(':') {
        Some((text, port)) if port.parse::<u16>().is_ok() => format!("{text}:PORT"),
        _ => line.clone(),
    };
    lines.iter().map(without).collect()
}

const UDP: [&str; 3] = [
    "[server] udp-server: listening on 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    "[client] 我是UDP服务器,已接收到你发来的消息!",
];

const TCP: [&str; 5] = [
    "[server] tcp-server: listening on 127.0.0.1:PORT",
    "[server] connect from : 127.0.0.1:PORT",
    "[server] receive messages:你好 from 127.0.0.1:PORT",
    "[client] 我是一个TCP服务器!!",
    "[server] disconnect from : 127.0.0.1:PORT",
];

/// The server waits for the next message before or after the client shows its reply.
fn without_waiting(lines: &[String]) -> Vec<String> {
    let waits = |line: &String| line.ends_with("waiting for messages......");
    without_ports(lines).into_iter().filter(|line| !waits(line)).collect()
}

#[test]
fn without_a_kind_both_pairs_talk_in_order() {
    let (status, stdout, stderr) = run(script("pair.sh", &[]), "你好\n");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let exit = "[server] receive messages:exit from 127.0.0.1:PORT"; // stops the UDP server
    assert_eq!(without_waiting(&stdout), [&UDP[..], &[exit], &TCP[..]].concat());
    assert!(stdout.iter().any(|line| line == "[server] waiting for messages......"));
}

#[test]
fn without_messages_there_is_a_short_exchange_that_ends_with_exit() {
    let (status, stdout, stderr) = run(script("pair.sh", &["tcp"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let lines = without_ports(&stdout);
    assert_eq!(lines[..4], TCP[..4]);
    assert_eq!(lines[lines.len() - 2], "[server] receive messages:exit from 127.0.0.1:PORT");
    assert_eq!(lines[lines.len() - 1], TCP[4]);
}

#[test]
fn messages_go_through_unchanged() {
    let messages = ["-n", r"a\n%s", "  two  words ", "'\"$HOME`", "udp", "*"];
    let (status, stdout, _) = run(script("pair.sh", &[&["udp"], &messages[..]].concat()), "");
    assert_eq!(status, Some(0));
    for message in messages {
        let shown = format!("[server] receive messages:{message} from ");
        assert!(stdout.iter().any(|line| line.starts_with(&shown)), "{message:?}: {stdout:?}");
    }
}

#[test]
fn the_status_is_the_clients() {
    for kind in ["udp", "tcp"] {
        let (status, stdout, _) = run(script("pair.sh", &[kind, "😀", "你好"]), "");
        assert_eq!(status, Some(1), "{stdout:?}");
        let failed = |line: &String| line.starts_with("[client] ") && line.contains("U+1F600");
        assert!(stdout.iter().any(failed), "{stdout:?}");
        assert!(stdout.iter().any(|line| line.contains("receive messages:你好")), "{stdout:?}");
    }
}

#[test]
fn lines_are_shown_as_they_come_and_a_signal_leaves_nothing_running() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("a folder for the script's files");
        let mut command = script("pair.sh", &["tcp"]);
        command.env("TMPDIR", &folder);
        let mut pair = Program::start(command);
        pair.types("你好\n"); // and its input stays open
        let listening = pair.stdout.wait_for("listening on ");
        pair.stdout.wait_for("[client] ");
        signal(name, pair.id());
        let status = pair.status();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number));
        pair.stdout.rest(); // ends when nothing it started holds it any more
        pair.stderr.expect_end();
        let port = listening.rsplit(':').next().expect("a port");
        let server = format!("127.0.0.1:{port}").parse().expect("an address");
        let left = std::net::TcpStream::connect_timeout(&server, testing::DEADLINE);
        assert!(left.is_err(), "expected the server to be gone, but it accepts");
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "files are left");
    }
}

#[test]
fn the_help_says_how_it_is_called() {
    let (status, stdout, stderr) = run(script("pair.sh", &["--help"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert!(stdout[0].starts_with("usage: scripts/pair.sh"), "{stdout:?}");
}
