//! What is printed: the conversation on stdout, everything else on stderr, each line whole.
//!
//! `println!` and `eprintln!` panic when nobody reads any more, and `eprintln!` writes a line in
//! pieces; here a line is one write, so that a script that waits for it never reads half.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io::{self, Write as _};
use std::{process, time::Instant};

/// Prints a line on stdout, out at once. When stdout cannot be written any more the whole program
/// ends, whichever thread prints: the reason on stderr, status 1.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::screen::line(env!("CARGO_PKG_NAME"), format_args!($($text)*)) };
}

/// Prints a line on stderr after the program's name. A stderr that nobody reads stops nothing.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => { $crate::screen::note(env!("CARGO_PKG_NAME"), format_args!($($text)*)) };
}

const MOST_QUOTED: usize = 60; // characters

/// `text` with every character escaped, as Rust writes it (`\n`, `\u{1b}`), that a screen obeys
/// instead of showing it. Who sent it can neither drive the terminal nor forge or turn a line.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text); // nearly always
    }
    let shown = |character: char| match is_obeyed(character) {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// C0, DEL, C1; U+2028, U+2029; U+FFF9 to U+FFFB; Default_Ignorable_Code_Point (Unicode's property).
fn is_obeyed(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A `typed` line, UTF-8 or not, in quotation marks, the end of a long one left out.
pub fn quoted(typed: &[u8]) -> String {
    let text = String::from_utf8_lossy(typed);
    let more = if text.chars().nth(MOST_QUOTED).is_some() { "…" } else { "" };
    format!("\"{}{more}\"", printable(&text.chars().take(MOST_QUOTED).collect::<String>()))
}

/// Whether to tell of a trouble that goes on: once in ten seconds; `told` is when it was last told.
pub fn is_due(told: &mut Option<Instant>) -> bool {
    let is_due = told.is_none_or(|told| told.elapsed().as_secs() >= 10);
    *told = if is_due { Some(Instant::now()) } else { *told };
    is_due
}

/// What [`say!`](crate::say) does, for the `program` of that name.
pub fn line(program: &str, text: Arguments) {
    let mut line = String::with_capacity(128); // of a short message's line, all
    let _ = line.write_fmt(text); // a String takes anything
    line.push('\n');
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
        // Both locks are held to the end: no other thread says it again, or says what the end does
        // to its socket, as on Windows.
        let _stderr = io::stderr().lock();
        note(program, format_args!("cannot write to stdout: {error}"));
        process::exit(1);
    }
}

/// What [`note!`](crate::note) does, for the `program` of that name.
pub fn note(program: &str, text: Arguments) {
    let _ = io::stderr().write_all(format!("{program}: {text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use regex::Regex;

    use super::*;

    #[test]
    fn what_a_screen_obeys_is_escaped_and_nothing_else() {
        let obeyed = r"[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\x{fff9}-\x{fffb}]";
        let all: String = ('\0'..=char::MAX).collect();
        let found = Regex::new(obeyed).unwrap();
        let obeyed: HashSet<_> = found.find_iter(&all).map(|found| found.as_str()).collect();
        for character in all.char_indices().map(|(at, one)| &all[at..at + one.len_utf8()]) {
            let text = format!("a{character}b");
            let shown = printable(&text);
            if obeyed.contains(character) {
                assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown:?}");
                assert!(shown.is_ascii() && !shown.contains(char::is_control), "{shown:?}");
            } else {
                assert_eq!(shown, text);
            }
        }
        assert_eq!(printable("\r\n\t\x1b[2J\u{9b}1m"), r"\r\n\t\u{1b}[2J\u{9b}1m");
        assert_eq!(printable("你\u{202e}好\u{2028}"), r"你\u{202e}好\u{2028}");
    }

    #[test]
    fn a_typed_line_is_quoted_by_its_first_sixty_characters() {
        let most = "你".repeat(60);
        assert_eq!(quoted(most.as_bytes()), format!("\"{most}\""));
        assert_eq!(quoted(format!("{most}好").as_bytes()), format!("\"{most}…\""));
        assert_eq!(quoted(b"a\x1b\xff"), "\"a\\u{1b}\u{fffd}\"");
    }

    #[test]
    fn a_trouble_that_goes_on_is_told_once_in_ten_seconds() {
        let mut told = None;
        assert!(is_due(&mut told) && !is_due(&mut told));
        told = Instant::now().checked_sub(std::time::Duration::from_secs(10));
        assert!(is_due(&mut told) && !is_due(&mut told));
    }
}
