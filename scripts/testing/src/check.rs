//! What every one of the programs is checked for.

use std::path::Path;
use std::process::Command;

use crate::{
    Program, Subject, ensure, has_ipv6, has_localhost, limited, peak_memory, run, shortened, words,
};

/// Checks that `command` ends with status 1, nothing on stdout, and the word `named` on stderr.
pub fn fails_and_names(command: Command, named: &str) {
    let (status, stdout, stderr) = run(command, "");
    let is_right = status == Some(1) && stdout.is_empty();
    let status = status.map_or_else(|| words("a signal", "信号", &[]), |code| code.to_string());
    let (last, stdout) = (stderr.last().cloned().unwrap_or_default(), stdout.concat());
    ensure(
        is_right && stderr.concat().contains(named),
        "expected status 1, no stdout and {} on stderr, but got status {}, stdout \"{}\", stderr {}",
        "退出状态应为 1，stdout 为空，stderr 提到 {}；实际状态 {}，stdout“{}”，stderr {}",
        &[&named, &status, &shortened(&stdout), &shortened(&last)],
    );
}

/// Checks the command line: it does what the help says, and nothing else.
pub fn takes_its_command_line(subject: &Subject) {
    let name = subject.name;
    let run_with = |arguments: &[&str]| run(subject.with(arguments), "");
    let usage = format!("usage: {name} [HOST [PORT]]");
    let version = format!("{name} 0.1.0");
    let answers = [
        ("-h", &[usage.as_str(), "127.0.0.1", "7890"][..]),
        ("--help", &[usage.as_str(), "127.0.0.1", "7890"]),
        ("-V", &[version.as_str()]),
        ("--version", &[version.as_str()]),
    ];
    for (option, parts) in answers {
        let (status, stdout, stderr) = run_with(&[option]);
        let stdout = stdout.join("\n");
        let is_right = parts.iter().all(|part| stdout.contains(part));
        ensure(
            status == Some(0) && stderr.is_empty() && is_right,
            "called with {}, it should print {} and end with status 0, but it printed {}",
            "参数为 {} 时应打印 {} 并以状态 0 结束，实际打印 {}",
            &[&option, &format!("{parts:?}"), &shortened(&format!("{stdout:?}"))],
        );
    }

    // What is wrong, and the word that the error has to name.
    let wrong: [(&[&str], &str); 10] = [
        (&["7890"], "7890"),
        (&["--unknown"], "--unknown"),
        (&["-x", "7890"], "-x"),
        (&["127.0.0.1", "0", "third"], "third"),
        (&["127.0.0.1", "65536"], "65536"),
        (&["127.0.0.1", "-1"], "-1"),
        (&["127.0.0.1", "+1"], "+1"),
        (&["127.0.0.1", ""], "port"),
        (&["127.0.0.1", "seven\n\u{1b}"], "seven\\n\\u{1b}"),
        (&["127.0.0.1", "７８９０"], "７８９０"),
    ];
    for (arguments, named) in wrong {
        let (status, stdout, stderr) = run_with(arguments);
        let is_right = stderr.len() == 2
            && stderr[0].starts_with(&format!("{name}: "))
            && stderr[0].contains(named)
            && stderr[1].ends_with(&usage);
        ensure(
            status == Some(2) && stdout.is_empty() && is_right,
            "called with {}, it should name {} and then its usage on stderr, with status 2, not {}",
            "参数为 {} 时应在 stderr 上指出 {}，再写一行用法，以状态 2 结束，而不是 {}",
            &[&format!("{arguments:?}"), &named, &shortened(&format!("{stderr:?}"))],
        );
    }

    // A name that no resolver has to be asked for: a label has at most 63 letters (RFC 1035).
    let no_host = "no-such-host".repeat(6);
    fails_and_names(subject.with(&[&no_host, "0"]), &no_host);

    // A stdout on a full disk, where there is such a thing.
    if Path::new("/dev/full").exists() {
        let full = limited("exec >/dev/full", &subject.with(&["--help"]));
        let (status, _, stderr) = run(full, "");
        assert_eq!(status, Some(1), "{stderr:?}");
        assert!(stderr[0].starts_with(&format!("{name}: cannot write to stdout: ")), "{stderr:?}");
    }
}

/// Checks that a program has shown `\x1b[2Jone\r\ntwo\x7f` in one `line` that drives no terminal.
pub(crate) fn is_escaped(line: &str) {
    let control = |one: char| match one.is_control() {
        true => format!("<{:02X}>", u32::from(one)),
        false => one.to_string(),
    };
    let shown: String = line.chars().map(control).collect();
    ensure(
        line.contains("two") && shown == line,
        r"expected a line with its control characters escaped, as \u{1b}[2Jone\r\ntwo\u{7f}, but got {}",
        r"应显示成一行，控制字符要转义，如 \u{1b}[2Jone\r\ntwo\u{7f}，实际是 {}",
        &[&shown],
    );
}

/// Those of `hosts` that this machine has.
pub(crate) fn those_here<'a>(hosts: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let is_here = |host: &&str| match *host {
        "localhost" => has_localhost(),
        "::1" => has_ipv6(),
        _ => true,
    };
    hosts.iter().copied().filter(is_here)
}

/// Checks that what waits has taken little more memory than the KiB that it had `before`.
#[cfg(target_os = "linux")]
pub fn uses_little_memory(program: &Program, before: u64) {
    let more = peak_memory(program.id()).saturating_sub(before);
    let english = "expected it to wait and keep little, but it took {} KiB of memory more";
    ensure(more < 6 * 1024, english, "它等待时不应占用内存，却多用了 {} KiB", &[&more]);
}
