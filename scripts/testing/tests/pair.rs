//! `scripts/pair.sh`: both programs' lines, in order, and nothing left behind.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use testing::{Program, limited, run, scratch, script, signal, signals, workspace_program};

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
    let (status, stdout, stderr) = run(script("pair.sh", &[]), "你好"); // no line feed
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

/// A folder for a test's files, with a name that is none of the easy ones.
fn folder(name: &str) -> PathBuf {
    let folder = scratch(&format!("文件 夹 {name}"));
    fs::create_dir_all(&folder).expect("a folder for the test's files");
    folder
}

#[test]
fn lines_are_shown_as_they_come_and_a_signal_leaves_nothing_running() {
    for (name, number) in signals() {
        let folder = folder(name);
        let mut command = script("pair.sh", &["tcp"]);
        command.env("TMPDIR", &folder);
        let mut pair = Program::start(command);
        pair.types("你好\n"); // and its input stays open
        let listening = pair.stdout.wait_for("listening on ");
        pair.stdout.wait_for("[client] ");
        pair.types("再见\n");
        pair.stdout.wait_for("[server] receive messages:再见 from ");
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
fn a_wrong_command_line_is_refused() {
    for wrong in [&["upd", "你好"][..], &[""], &["udp", ""], &["tcp", "你好", "a\n\nb"]] {
        let (status, stdout, stderr) = run(script("pair.sh", wrong), "");
        assert_eq!((status, stdout), (Some(2), vec![]), "{wrong:?}");
        assert_eq!(stderr.last().unwrap(), "usage: scripts/pair.sh [udp|tcp] [MESSAGE...]");
    }
}

#[test]
fn who_does_not_read_or_write_is_no_trouble() {
    let (status, stdout, stderr) = run(limited("exec <&-", &script("pair.sh", &["tcp"])), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(without_ports(&stdout)[..4], TCP[..4]);

    let (mut pair, stdout) = Program::start_unread(script("pair.sh", &["tcp"]));
    drop(stdout);
    pair.types("你好\n");
    assert!(!pair.status().success());
    pair.stderr.expect_end();

    if !Path::new("/dev/full").exists() {
        return;
    }
    for arguments in [&["udp", "你好"][..], &["--help"]] {
        let full = limited("exec >/dev/full", &script("pair.sh", arguments));
        let (status, _, stderr) = run(full, "");
        let said = vec!["pair.sh: stdout cannot be written".to_owned()];
        assert_eq!((status, stderr), (Some(1), said), "{arguments:?}");
    }
}

/// An executable file in bash.
fn write_program(path: &Path, text: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{text}\n")).expect("the file");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("its mode");
}

fn own(name: &str) -> String {
    let program = workspace_program(name).get_program().to_string_lossy().into_owned();
    format!("exec '{program}' \"$@\"")
}

#[test]
fn programs_of_others_are_named_from_where_the_script_is_called() {
    let folder = folder("others");
    write_program(&folder.join("udp server"), &format!("echo mine >&2; {}", own("udp-server")));
    write_program(&folder.join("client"), &format!("echo \"$1\"; shift; {}", own("udp-client")));
    let mut command = script("pair.sh", &["udp", "你好"]);
    command.current_dir(&folder);
    command.env("UDP_SERVER", "udp server").env("UDP_CLIENT", "bash ./client theirs");
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(stdout[0], "[server] mine");
    let told = |line: &str| stdout.iter().any(|told| told == line);
    assert!(told("[client] theirs") && told(UDP[2]), "{stdout:?}");
}

#[test]
fn the_programs_are_where_cargo_says_that_they_are() {
    let folder = folder("built");
    write_program(&folder.join("udp-server"), &format!("echo built >&2; {}", own("udp-server")));
    write_program(&folder.join("udp-client"), &own("udp-client"));
    let artifact = format!("{{\"executable\":\"{}/udp-server\"}}", folder.display());
    write_program(&folder.join("cargo"), &format!("echo '{artifact}'"));
    let mut command = script("pair.sh", &["udp", "你好"]);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    command.env("PATH", path);
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(stdout[0], "[server] built");
}

#[test]
fn a_link_to_the_script_and_the_callers_settings_of_bash_do_no_harm() {
    let folder = folder("link");
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    symlink(format!("{scripts}/pair.sh"), folder.join("first")).expect("a link");
    symlink("first", folder.join("second")).expect("a link to the link");
    fs::write(folder.join("settings"), "set -f; shopt -s nocasematch").expect("a file");
    script("pair.sh", &[]); // builds
    let mut command = Command::new("bash");
    command.args(["second", "tcp", "你好"]).current_dir(&folder);
    command.env("SHELLOPTS", "errexit:noclobber:noglob:nounset:pipefail");
    command.env("BASHOPTS", "failglob:nullglob:xpg_echo").env("BASH_ENV", folder.join("settings"));
    command.env("CDPATH", "/").env("GREP_OPTIONS", "-v").env("TMPDIR", ".");
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(without_ports(&stdout), TCP);

    // Without lib.sh it is nothing.
    fs::copy(format!("{scripts}/pair.sh"), folder.join("alone")).expect("a copy");
    let mut command = Command::new("bash");
    command.args(["alone", "udp", "你好"]).current_dir(&folder);
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stdout, stderr.len()), (Some(1), vec![], 1), "{stderr:?}");
}

#[test]
fn a_job_that_has_ended_is_not_among_those_that_are_killed() {
    let mut bash = Command::new("bash");
    bash.args(["-p", "-c", ". \"$0\"; start true; await 5 has_ended \"$job\"; jobs_left"]);
    bash.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../lib.sh"));
    assert_eq!(run(bash, ""), (Some(0), vec![], vec![]));
}

#[test]
fn it_ends_with_the_client_though_stdin_stays_open() {
    let mut pair = Program::start(script("pair.sh", &["tcp"]));
    pair.types("exit\n");
    pair.ends_with(0);
    pair.stderr.expect_end(); // nobody who still waits for stdin has it
}

#[test]
fn the_help_says_how_it_is_called() {
    let (status, stdout, stderr) = run(script("pair.sh", &["--help"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert!(stdout[0].starts_with("usage: scripts/pair.sh"), "{stdout:?}");
}
