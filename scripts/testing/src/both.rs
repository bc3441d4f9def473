//! What every one of the programs is checked for.

use std::process::Command;

use crate::failure::{ensure, shortened};
use crate::machine::limited;
use crate::program::{Program, run};
use crate::subject;

/// Checks that `command` ends with status 1, nothing on stdout, and the word `named` on stderr.
pub fn fails_and_names(command: Command, named: &str) {
    let mut program = Program::start(command);
    program.ends_with(1);
    program.stdout.expect_end();
    program.stderr.wait_for(&[named]);
}

/// Checks the command line: it does what the help says, and nothing else.
pub fn command_line() {
    let name = subject::name();
    let usage = &format!("usage: {name} [HOST [PORT]]");
    let version = &format!("{name} 0.1.0");
    let error = &format!("{name}: ");
    let cases: [(&[&str], i32, &[&str]); 8] = [
        (&["-h"], 0, &[usage, "127.0.0.1", "7890"]),
        (&["--help"], 0, &[usage, "127.0.0.1", "7890"]),
        (&["-V"], 0, &[version]),
        (&["--version"], 0, &[version]),
        (&["7890"], 2, &[error, "7890", usage]),
        (&["--unknown"], 2, &[error, "--unknown", usage]),
        (&["127.0.0.1", "0", "third"], 2, &[error, "third", usage]),
        (&["127.0.0.1", "65536"], 2, &[error, "65536", usage]),
    ];
    for (arguments, status, parts) in cases {
        let (ended_with, stdout, stderr) = run(subject::with(arguments), "");
        let got = shortened(&format!("{ended_with:?} {stdout:?} {stderr:?}"));
        let (stream, size, text, other) = match status {
            0 => ("stdout", stdout.len(), stdout, stderr),
            _ => ("stderr", 2, stderr, stdout),
        };
        let has_parts = parts.iter().all(|part| text.concat().contains(part));
        let is_right =
            ended_with == Some(status) && has_parts && text.len() == size && other.is_empty();
        let english = "called with {}, it should end with status {} and print {} on {} alone, an \
                       error in 2 lines, but its status, stdout and stderr are {}";
        let [arguments, parts] = [format!("{arguments:?}"), format!("{parts:?}")];
        ensure(is_right, english, &[&arguments, &status, &parts, &stream, &got]);
    }

    // A name that no resolver has to be asked for: a label has at most 63 letters (RFC 1035).
    let no_host = "no-such-host".repeat(6);
    fails_and_names(subject::with(&[&no_host, "0"]), &no_host);
}

/// `command` with a stdout whose reader has gone.
pub fn without_reader(command: &Command) -> Command {
    limited("exec > >(:); wait $!", command)
}

/// Checks that such a program ends with status 1 and the reason, once it has had to print.
pub(crate) fn ends_for_stdout(program: &mut Program) {
    program.ends_with(1);
    program.stderr.wait_for(&[&format!("{}: ", subject::name()), "stdout"]);
    program.stderr.expect_end();
}

/// Checks that a program has shown `\x1b[2Jone\r\ntwo\x7f` in one `line`, with the control characters
/// escaped.
pub(crate) fn expect_escaped(line: &str) {
    let is_right = line.contains("two") && !line.contains(char::is_control);
    let english = "expected one line with its control characters escaped, such as {}, but it is {}";
    ensure(is_right, english, &[&r"\u{1b}[2Jone\r\ntwo\u{7f}", &format!("{line:?}")]);
}
