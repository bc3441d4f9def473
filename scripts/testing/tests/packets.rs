//! `scripts/packets.sh`: the packets that crossed the loopback, as a ladder.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use testing::{has_tool, may_capture, run, script};

/// The ladder's rungs: to the server (`>`) or to the client (`<`), and what they say.
fn rungs(lines: &[String]) -> Vec<(char, String)> {
    let rung = |line: &String| {
        let line = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        let way = if line.ends_with('>') { '>' } else { '<' };
        Some((way, line.trim_matches(['<', '-', '>', ' ']).to_owned()))
    };
    lines.iter().filter_map(rung).collect()
}

#[test]
fn the_packets_of_a_stored_report_are_drawn_in_80_columns() {
    if !has_tool("python3") {
        return;
    }
    for (name, port) in
        [("packets-udp", "7911"), ("packets-tcp", "7911"), ("packets-close", "7912")]
    {
        let stored = |ending| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/");
            fs::read_to_string(format!("{path}{name}.{ending}")).expect("the stored report")
        };
        let mut filter = Command::new("python3");
        filter.args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/../packets.py"), port]);
        filter.env("LC_ALL", "C");
        let (status, drawn, stderr) = run(filter, stored("report"));
        assert_eq!((status, stderr), (Some(0), vec![]));
        assert_eq!(drawn, stored("shown").lines().collect::<Vec<_>>(), "{name}");
        for rung in drawn.iter().filter(|line| line.starts_with("  |")) {
            let columns: usize = rung.chars().map(|c| 1 + usize::from(!c.is_ascii())).sum();
            assert_eq!(columns, 80, "{rung}");
        }
    }
}

#[test]
fn a_connection_is_a_handshake_the_messages_and_a_close_by_the_side_that_leaves() {
    if !may_capture() || !has_tool("python3") {
        return;
    }
    for (messages, first) in [(&["tcp", "你好"][..], '>'), (&["tcp", "你好", "exit"], '<')] {
        let (status, stdout, stderr) = run(script("packets.sh", messages), "");
        assert_eq!((status, stderr), (Some(0), vec![]));
        let all = rungs(&stdout);
        let handshake = [('>', "SYN seq=0"), ('<', "SYN+ACK seq=0 ack=1"), ('>', "ACK ack=1")];
        assert_eq!(all[..3], handshake.map(|(way, text)| (way, text.to_owned())));
        let said = |way, text: &str| all.iter().any(|rung| rung.0 == way && rung.1.contains(text));
        assert!(said('>', "\"你好\"") && said('<', "\"我是一个TCP服务器!!\""), "{stdout:?}");
        let start = stdout.iter().position(|line| line.starts_with("四次挥手")).expect("a close");
        let close = rungs(&stdout[start..]);
        assert!(close[0].0 == first && close[0].1.starts_with("FIN"), "{stdout:#?}");
        assert!(close[close.len() - 1].1.starts_with("ACK"), "{stdout:#?}");
    }
}

#[test]
fn datagrams_have_nothing_before_or_after_them() {
    if !may_capture() || !has_tool("python3") {
        return;
    }
    let (status, stdout, stderr) = run(script("packets.sh", &["udp"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let expected = [
        ('>', "UDP len=4 \"你好\""),
        ('<', "UDP len=35 \"我是UDP服务器,已接收到你发来的消息!\""),
        ('>', "UDP len=4 \"exit\""),
    ];
    assert_eq!(rungs(&stdout), expected.map(|(way, text)| (way, text.to_owned())));
}

#[test]
fn who_may_not_capture_is_told_how_to() {
    if !may_capture() || !has_tool("python3") || !has_tool("setpriv") {
        return;
    }
    // Still root, so that everything can be read, but without the right.
    let plain = script("packets.sh", &["udp"]);
    let mut less = Command::new("setpriv");
    less.args(["--bounding-set=-net_raw,-net_admin", "--inh-caps=-all"]);
    less.arg(plain.get_program()).args(plain.get_args());
    let (status, _, stderr) = run(less, "");
    assert_eq!(status, Some(1), "{stderr:?}");
    assert!(stderr.join("\n").contains("sudo"), "{stderr:?}");
}
