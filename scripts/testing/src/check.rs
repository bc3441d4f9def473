//! What every one of the programs is checked for.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::{has_own_network, on_own_network, run};

/// Checks that `command` ends with status 1, nothing on stdout, and the word `named` on stderr.
pub fn expect_error(command: Command, named: &str) {
    let (status, stdout, stderr) = run(command, "");
    assert!(status == Some(1), "expected an error with status 1, but the status is {status:?}");
    assert!(stdout.is_empty(), "expected nothing on stdout before the error, but got {stdout:?}");
    let stderr = stderr.join("\n");
    assert!(stderr.contains(named), "expected the error to name {named:?}, but got {stderr:?}");
}

/// Checks what every one of the programs does with its command line. `command` makes the command
/// of the program called `name`, without arguments.
pub fn check_command_line(name: &str, command: impl Fn() -> Command) {
    let run_with = |arguments: &[&str]| {
        let mut command = command();
        command.args(arguments);
        run(command, "")
    };

    for help in ["-h", "--help"] {
        let (status, stdout, stderr) = run_with(&[help]);
        let text = stdout.join("\n");
        assert_eq!((status, stderr), (Some(0), vec![]), "{help}");
        for part in [&format!("usage: {name} [HOST [PORT]]"), "127.0.0.1", "7890"] {
            assert!(text.contains(part), "expected {part:?} in the help, but got {text:?}");
        }
    }
    for version in ["-V", "--version"] {
        assert_eq!(run_with(&[version]), (Some(0), vec![format!("{name} 0.1.0")], vec![]));
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
        assert_eq!((status, stdout), (Some(2), vec![]), "{arguments:?}");
        let [what, usage] = &stderr[..] else {
            panic!("expected two lines on stderr with {arguments:?}, but got {stderr:?}")
        };
        assert!(what.starts_with(&format!("{name}: ")) && what.contains(named), "{what:?}");
        assert!(usage.ends_with(&format!("usage: {name} [HOST [PORT]]")), "{usage:?}");
    }

    // A name that no resolver has to be asked for: a label has at most 63 letters (RFC 1035).
    let no_host = "no-such-host".repeat(6);
    let (status, stdout, stderr) = run_with(&[&no_host, "0"]);
    assert_eq!((status, stdout), (Some(1), vec![]));
    assert!(stderr.join("\n").contains(&no_host), "{stderr:?}");

    // A stdout on a full disk, where there is such a thing.
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let mut command = command();
        let output = command.arg("--help").stdout(full).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with(&format!("{name}: cannot write to stdout: ")), "{stderr}");
    }
}

/// Checks that a client does not take itself for the server where nobody listens, on a network where
/// the kernel has that one port to give out. `command` makes the client's command.
pub fn check_is_not_its_own_server(command: impl Fn() -> Command) {
    if !has_own_network() {
        return;
    }
    for host in ["127.0.0.1", "0.0.0.0"] {
        let mut command = command();
        command.args([host, "40000"]);
        let one_port = "echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range";
        let (status, stdout, stderr) = run(on_own_network(one_port, &command), "你好\n");
        assert_eq!((status, stdout), (Some(1), vec![]), "{stderr:?}");
        let stderr = stderr.concat();
        assert!(stderr.contains("Connection refused"), "expected a refusal, but got {stderr:?}");
    }
}

/// Checks that strace's report in that file (made with `-xx` and a large `-s`) has nothing on stdout
/// or stderr but whole lines, each in one `write`; the names of all calls, in their order.
pub fn calls_with_whole_lines(report: &Path) -> Vec<String> {
    let bytes = fs::read(report).expect("strace's report");
    let _ = fs::remove_file(report);
    let mut names = Vec::new();
    for call in String::from_utf8_lossy(&bytes).lines() {
        // `-f` puts a thread's number first.
        let call = call
            .trim_start_matches(|character: char| character.is_ascii_digit() || character == ' ');
        let Some((name, arguments)) = call.split_once('(') else { continue };
        names.push(name.to_owned());
        if name == "write" && (arguments.starts_with("1,") || arguments.starts_with("2,")) {
            let ends = arguments.matches(r"\x0a").count();
            assert!(ends == 1 && arguments.contains(r#"\x0a""#), "not one whole line: {call}");
        }
    }
    names
}
