//! `scripts/calls.sh`: the socket calls of both sides, in the order in which they happened.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use testing::{
    Program, has_tool, may_capture, run, scratch, script, signal, signals, wait_until, without_tool,
};

/// Whether this machine has what calls.sh needs.
fn can_trace() -> bool {
    has_tool("strace") && has_tool("python3")
}

/// The lines of one side, in their order: the client's begin in the middle.
fn side(lines: &[String], client: bool) -> String {
    let of_side = lines.iter().filter(|line| line.starts_with("     ") == client);
    of_side.map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_calls_of_a_stored_report_are_drawn_with_their_text_in_order() {
    if !has_tool("python3") {
        return;
    }
    for name in ["calls-udp", "calls-tcp"] {
        let stored = |ending| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/");
            fs::read_to_string(format!("{path}{name}.{ending}")).expect("the stored report")
        };
        let mut filter = Command::new("python3");
        filter.args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/../calls.py"), "5003"]);
        filter.env("LC_ALL", "C");
        let (status, drawn, stderr) = run(filter, stored("report"));
        assert_eq!((status, stderr), (Some(0), vec![]));
        assert_eq!(drawn, stored("shown").lines().collect::<Vec<_>>(), "{name}");
    }
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
    if !can_trace() {
        return;
    }
    for kind in ["udp", "tcp"] {
        let (status, made, stderr) = run(script("calls.sh", &[kind]), "");
        assert_eq!((status, stderr), (Some(0), vec![]));
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
    if !can_trace() {
        return;
    }
    let (status, stdout, stderr) = run(script("calls.sh", &["tcp", "😀"]), "");
    assert_eq!(status, Some(1), "{stdout:?}");
    assert!(stderr.join("\n").contains("U+1F600"), "{stderr:?}");
}

#[test]
fn a_wrong_word_is_an_error_and_so_is_a_missing_tool() {
    for name in ["calls.sh", "packets.sh"] {
        for wrong in [&["ucp"][..], &["tcp", "你好", ""], &["tcp", "two\n\nlines"]] {
            let (status, _, stderr) = run(script(name, wrong), "");
            assert_eq!(status, Some(2), "{wrong:?}");
            let usage = format!("usage: scripts/{name} udp|tcp [MESSAGE...]");
            assert_eq!(stderr.last(), Some(&usage), "{stderr:?}");
        }
    }
    for (name, tool) in [("calls.sh", "strace"), ("packets.sh", "tcpdump"), ("calls.sh", "python3")]
    {
        if tool == "python3" && !has_tool("strace") {
            return; // which is missed first
        }
        let links = scratch("links");
        let (status, _, stderr) = run(without_tool(script(name, &["udp"]), tool, &links), "");
        fs::remove_dir_all(&links).expect("the links are there");
        assert_eq!(status, Some(1), "{stderr:?}");
        let said = stderr.join("\n");
        assert!(said.contains(tool) && said.contains("apt-get install"), "{stderr:?}");
    }
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
    if !can_trace() || !may_capture() {
        return;
    }
    for name in ["calls.sh", "packets.sh"] {
        for milliseconds in [10, 100, 150, 200, 250, 300, 350, 400, 2000] {
            let folder = scratch(name);
            fs::create_dir_all(&folder).expect("a folder for the script's files");
            let mut command = script(name, &["tcp"]);
            command.env("TMPDIR", &folder);
            let mut program = Program::start(command);
            sleep(Duration::from_millis(milliseconds));
            signal(signals()[0].0, program.id());
            program.status();
            let left = fs::read_dir(&folder).expect("the folder").count();
            assert_eq!(left, 0, "{name} left files after {milliseconds} ms");
            wait_until(&format!("{name} has ended all, after {milliseconds} ms"), || {
                !is_used(&folder)
            });
        }
    }
}
