//! `scripts/packets.sh`: the packets that crossed the loopback, as a ladder.
#![cfg(target_os = "linux")]

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
fn a_connection_is_a_handshake_the_messages_and_a_close() {
    if !may_capture() {
        return;
    }
    let (status, stdout, stderr) = run(script("packets.sh", &["tcp"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    let rungs = rungs(&stdout);
    let handshake = [('>', "SYN seq=0"), ('<', "SYN+ACK seq=0 ack=1"), ('>', "ACK ack=1")];
    assert_eq!(rungs[..3], handshake.map(|(way, text)| (way, text.to_owned())));
    let said = |way, text: &str| rungs.iter().any(|rung| rung.0 == way && rung.1.contains(text));
    assert!(said('>', "len=4 \"你好\"") && said('<', "\"我是一个TCP服务器!!\""), "{stdout:?}");
    assert!(said('>', "FIN") && said('<', "FIN"), "{stdout:?}");
    assert!(rungs.last().is_some_and(|rung| rung.1.starts_with("ACK")), "{stdout:?}");
    let text = stdout.join("\n");
    for label in ["三次握手 three-way handshake", "数据 data", "四次挥手 four-way close"]
    {
        assert!(text.contains(label), "expected {label:?} in:\n{text}");
    }
}

#[test]
fn datagrams_have_nothing_before_or_after_them() {
    if !may_capture() {
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
fn the_side_that_leaves_closes_first_and_the_label_counts_the_segments() {
    if !may_capture() {
        return;
    }
    for (messages, first) in [(&["tcp", "你好"][..], '>'), (&["tcp", "你好", "exit"], '<')] {
        let (status, stdout, stderr) = run(script("packets.sh", messages), "");
        assert_eq!((status, stderr), (Some(0), vec![]));
        let start = stdout.iter().position(|line| line.starts_with("四次挥手"));
        let (label, close) = stdout[start.expect("a close")..].split_first().expect("its label");
        let close = rungs(close);
        assert!(close[0].0 == first && close[0].1.starts_with("FIN"), "{stdout:#?}");
        let counted = match close.len() {
            3 => label.contains("三个报文段"),
            4 => label.ends_with("four-way close"),
            more => label.contains(&format!("{more} 个报文段")),
        };
        assert!(counted, "{stdout:#?}");
    }
}

#[test]
fn every_rung_is_as_wide_as_the_others() {
    if !may_capture() {
        return;
    }
    let long = format!("a{}", "好".repeat(600)); // is cut within a character
    for kind in ["udp", "tcp"] {
        let messages = [kind, "你好", "a\tb\u{1b}", "\u{7f}中文", &long];
        let (status, stdout, _) = run(script("packets.sh", &messages), "");
        assert_eq!(status, Some(0));
        let width = |line: &String| line.chars().map(|c| 1 + usize::from(!c.is_ascii())).sum();
        let rungs = stdout.iter().filter(|line| line.starts_with("  |"));
        let widths: Vec<usize> = rungs.map(width).collect();
        assert!(widths.iter().all(|width| *width == 80), "{widths:?}: {stdout:#?}");
        assert!(stdout.iter().any(|line| line.contains(r#""a\x09b\x1b""#)), "{stdout:#?}");
    }
}

#[test]
fn who_may_not_capture_is_told_how_to() {
    if !may_capture() || !has_tool("setpriv") {
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
