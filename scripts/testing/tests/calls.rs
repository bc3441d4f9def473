//! `scripts/calls.sh`: the socket calls of both sides, in the order in which they happened.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use testing::{
    Program, TCP_REPLY_TEXT, UDP_REPLY_TEXT, has_tool, may_capture, run, script, signal, wait_until,
};

/// The lines of one side, in their order: the client's begin in the middle.
fn side(lines: &[String], client: bool) -> String {
    let of_side = lines.iter().filter(|line| line.starts_with("     ") == client);
    of_side.map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// All of `parts` stand in `text`, one after the other.
fn expect_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("expected {part:?} after the calls before it, but got:\n{text}")
        };
        rest = after;
    }
}

#[test]
fn the_udp_calls_are_shown_with_their_text() {
    if !has_tool("strace") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["udp"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let reply = UDP_REPLY_TEXT;
    let server =
        ["socket(AF_INET, SOCK_DGRAM", "bind(", "recvfrom(3", "\"你好\"", "sendto(3", reply];
    expect_in_order(&side(&stdout, false), &[&server[..], &["\"exit\"", "close("]].concat());
    let client =
        ["socket(", "connect(", "SO_RCVTIMEO", "sendto(3, \"你好\") = 4", reply, "\"exit\""];
    expect_in_order(&side(&stdout, true), &client);
    // Across the sides: sent before it is received.
    expect_in_order(
        &stdout.join("\n"),
        &["sendto(3, \"你好\")", "recvfrom(3, \"你好\"", reply, reply],
    );
}

#[test]
fn the_tcp_calls_are_shown_with_their_text() {
    if !has_tool("strace") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["tcp", "你好", "再见"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let reply = TCP_REPLY_TEXT;
    let server =
        ["socket(AF_INET, SOCK_STREAM", "SO_REUSEADDR", "bind(", "listen(3, 128)", "accept4(3"];
    let serves =
        ["recvfrom(4, \"你好\")", reply, "recvfrom(4, \"再见\")", reply, ", \"\") = 0", "close(4)"];
    expect_in_order(&side(&stdout, false), &[&server[..], &serves].concat());
    let client =
        ["socket(", "connect(", "\"你好\"", reply, "\"再见\"", reply, "shutdown(", "close("];
    expect_in_order(&side(&stdout, true), &client);
    expect_in_order(
        &stdout.join("\n"),
        &["listen(3, 128)", "connect(3", "sendto(3, \"你好\")", reply],
    );
}

/// The calls that one side made, sorted, as the order can differ from run to run; a call counts
/// when it returns, and each port is 0. What is open when a program ends the kernel closes.
fn calls(lines: &[String], client: bool) -> Vec<String> {
    let shown = side(lines, client);
    let returned =
        shown.lines().filter(|line| !line.ends_with("...") && !line.starts_with("close("));
    let mut calls: Vec<_> = returned
        .map(|line| {
            let call = line.strip_prefix("... ").unwrap_or(line);
            let Some((before, after)) = call.split_once("127.0.0.1:") else {
                return call.to_owned();
            };
            format!("{before}127.0.0.1:0{}", after.trim_start_matches(char::is_numeric))
        })
        .collect();
    calls.sort();
    calls
}

#[test]
fn the_sheets_show_the_calls_that_are_made() {
    if !has_tool("strace") {
        return;
    }
    for kind in ["udp", "tcp"] {
        let (status, made, _) = run(script("calls.sh", &[kind]), "");
        assert_eq!(status, Some(0));
        for sheet in
            ["server/README", "server/README.zh-CN", "client/README", "client/README.zh-CN"]
        {
            let path = format!("{}/../../{kind}-{sheet}.md", env!("CARGO_MANIFEST_DIR"));
            let text = fs::read_to_string(&path).expect("the sheet is there");
            let written: Vec<_> = text
                .lines()
                .skip_while(|line| *line != format!("$ scripts/calls.sh {kind}"))
                .skip(1)
                .take_while(|line| *line != "```")
                .map(str::to_owned)
                .collect();
            for client in [false, true] {
                assert_eq!(calls(&written, client), calls(&made, client), "{kind}-{sheet}");
            }
        }
    }
}

#[test]
fn a_message_that_fails_is_told_and_is_the_status() {
    if !has_tool("strace") {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["tcp", "😀"]), "");
    assert_eq!(status, Some(1), "{stdout:?}");
    assert!(stderr.join("\n").contains("U+1F600"), "{stderr:?}");
}

#[test]
fn a_wrong_word_is_an_error_and_so_is_a_missing_tool() {
    let (status, _, stderr) = run(script("calls.sh", &["ucp"]), "");
    assert_eq!(status, Some(2));
    assert!(stderr.join("\n").contains("usage: scripts/calls.sh"), "{stderr:?}");

    for (name, tool) in [("calls.sh", "strace"), ("packets.sh", "tcpdump")] {
        let scratch = env!("CARGO_TARGET_TMPDIR");
        let without = testing::without_tool(script(name, &["udp"]), tool, scratch);
        let (status, _, stderr) = run(without, "");
        assert_eq!(status, Some(1), "{stderr:?}");
        let said = stderr.join("\n");
        assert!(said.contains(tool) && said.contains("apt-get install"), "{stderr:?}");
    }
}

#[test]
fn what_a_peer_may_send_is_shown_on_its_line() {
    if !has_tool("strace") {
        return;
    }
    let long = format!("a{}", "好".repeat(60)); // is cut within a character
    let (status, stdout, _) =
        run(script("calls.sh", &["tcp", "a\tb\u{1b}c", "1+1 = ?", &long]), "");
    assert_eq!(status, Some(0));
    for text in [r#""a\x09b\x1bc") = 5"#, r#""1+1 = ?") = 7"#] {
        let shown = stdout.iter().filter(|line| line.ends_with(text)).count();
        assert_eq!(shown, 2, "expected {text} where it is sent and received: {stdout:#?}");
    }
    let cut = format!("\"a{}\"...) = 121", "好".repeat(23));
    assert_eq!(stdout.iter().filter(|line| line.ends_with(&cut)).count(), 2, "{stdout:#?}");
}

/// Whether a process runs whose files are in that folder.
fn is_used(folder: &Path) -> bool {
    let folder = format!("TMPDIR={}\0", folder.display());
    fs::read_dir("/proc").expect("the processes").flatten().any(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&folder)
    })
}

#[test]
fn a_signal_at_any_moment_leaves_nothing() {
    if !has_tool("strace") || !may_capture() {
        return;
    }
    for name in ["calls.sh", "packets.sh"] {
        for milliseconds in [10, 100, 150, 200, 250, 300, 350, 400, 2000] {
            let folder = format!("{}/{name}-{milliseconds}", env!("CARGO_TARGET_TMPDIR"));
            let folder = Path::new(&folder);
            fs::create_dir_all(folder).expect("a folder for the script's files");
            let mut command = script(name, &["tcp"]);
            command.env("TMPDIR", folder);
            let mut program = Program::start(command);
            sleep(Duration::from_millis(milliseconds));
            signal("INT", program.id());
            program.status();
            let left = fs::read_dir(folder).expect("the folder").count();
            assert_eq!(left, 0, "{name} left files after {milliseconds} ms");
            wait_until(&format!("{name} has ended all, after {milliseconds} ms"), || {
                !is_used(folder)
            });
        }
    }
}
