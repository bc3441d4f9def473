//! What is printed: the conversation on stdout, everything else on stderr, each line whole.
//!
//! `println!` and `eprintln!` panic when nobody reads any more, and `eprintln!` writes a line in
//! pieces; here a line is one write, so that a script that waits for it never reads half.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io::{self, Write as _};
use std::process::{self, ExitCode};

use anyhow::{Error, Result};

/// Characters of a failed message that are shown: enough to know it by.
const SHOWN: usize = 60;

/// `text` with its control characters (C0, DEL, C1) escaped as Rust writes them, `\n` or `\u{1b}`.
///
/// Whoever sent it can neither drive the terminal nor begin a line of their own.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text); // nearly always
    }
    let mut shown = String::with_capacity(2 * text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Prints `text` and a line feed on stdout, out at once.
///
/// When stdout cannot be written any more, the whole program ends here, whichever thread calls:
/// the reason on stderr after the name of the `program`, status 1.
pub fn line(program: &str, text: Arguments) {
    let mut line = String::with_capacity(128); // of a short message's line, all
    let _ = line.write_fmt(text); // a String takes anything
    line.push('\n');
    write(program, &line);
}

/// The same for text that stays on its line: the prompt.
pub(crate) fn write(program: &str, text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Both locks are held to the end: no other thread says it again, or says what the end does
        // to its socket, as on Windows.
        let _stderr = io::stderr().lock();
        note(program, &format!("cannot write to stdout: {error}"));
        process::exit(1);
    }
}

/// Prints the name of the `program`, a colon and `text` on stderr. A stderr that nobody reads
/// stops nothing.
pub fn note(program: &str, text: &str) {
    let _ = io::stderr().write_all(format!("{program}: {text}\n").as_bytes());
}

/// Notes that the `message` (a typed line, UTF-8 or not) failed, and why.
pub fn failed(program: &str, message: &[u8], reason: &Error) {
    let text = String::from_utf8_lossy(message);
    let mut shown = printable(&text.chars().take(SHOWN).collect::<String>()).into_owned();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    note(program, &format!("\"{shown}\" failed: {reason:#}"));
}

/// The status that the `program` ends with: `outcome`'s own, or 1 with the error on stderr.
pub fn end(program: &str, outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        note(program, &format!("{error:#}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_control_characters_are_escaped() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            let shown = printable(&text);
            if matches!(character, '\0'..='\x1f' | '\x7f'..='\u{9f}') {
                assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown:?}");
                assert!(!shown.contains(char::is_control), "{shown:?}");
            } else {
                assert_eq!(shown, text);
            }
        }
        assert_eq!(printable("\r\n\t\x1b[2J\u{9b}1m"), r"\r\n\t\u{1b}[2J\u{9b}1m");
    }
}
