//! What is printed: the conversation on stdout, everything else on stderr, each line in one write.
//! `println!` and `eprintln!` panic on a closed pipe, and `eprintln!` writes a line in pieces.

use std::fmt::{Arguments, Write as _};
use std::io::{self, Write as _};
use std::{borrow::Cow, process};

/// Prints a line on stdout. If that fails, the program ends with status 1, the reason on stderr.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::screen::print_line(env!("CARGO_PKG_NAME"), format_args!($($text)*)) };
}

/// Prints a line on stderr after the program's name. If that fails, the program goes on.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => { $crate::screen::note(env!("CARGO_PKG_NAME"), format_args!($($text)*)) };
}

/// Escapes, as Rust writes them (`\n`, `\u{1b}`), the characters that would change the terminal or
/// hide text. So no peer can move the cursor, forge a line or turn one around.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(changes_the_display) {
        return Cow::Borrowed(text); // nearly always
    }
    let mut escaped = String::new();
    for character in text.chars() {
        match changes_the_display(character) {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// C0, DEL, C1; U+2028, U+2029; U+FFF9 to U+FFFB; Default_Ignorable_Code_Point (Unicode's
/// DerivedCoreProperties.txt).
fn changes_the_display(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A line in quotation marks, cut after 60 characters. Bytes that are not UTF-8 show as U+FFFD.
pub fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let start: String = text.chars().take(60).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", escaped(&start))
}

/// What [`say!`](crate::say) does, for the `program` of that name.
pub fn print_line(program: &str, text: Arguments) {
    let mut line = String::with_capacity(128); // enough for a short message
    let _ = line.write_fmt(text); // writing to a String cannot fail
    line.push('\n');
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
        let _stderr = io::stderr().lock(); // until the end: no other thread reports anything more
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
    fn every_character_that_changes_the_display_is_escaped_and_no_other() {
        let pattern = r"[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\x{fff9}-\x{fffb}]";
        let all: String = ('\0'..=char::MAX).collect();
        let pattern = Regex::new(pattern).unwrap();
        let expected: HashSet<_> = pattern.find_iter(&all).map(|found| found.as_str()).collect();
        for character in all.char_indices().map(|(at, one)| &all[at..at + one.len_utf8()]) {
            let text = format!("a{character}b");
            let shown = escaped(&text);
            if expected.contains(character) {
                assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown:?}");
                assert!(shown.is_ascii() && !shown.contains(char::is_control), "{shown:?}");
            } else {
                assert_eq!(shown, text);
            }
        }
        assert_eq!(escaped("\r\n\t\x1b[2J\u{9b}1m"), r"\r\n\t\u{1b}[2J\u{9b}1m");
        assert_eq!(escaped("你\u{202e}好\u{2028}"), r"你\u{202e}好\u{2028}");
    }

    #[test]
    fn a_typed_line_is_quoted_by_its_first_sixty_characters() {
        let start = "你".repeat(60);
        assert_eq!(quoted(start.as_bytes()), format!("\"{start}\""));
        assert_eq!(quoted(format!("{start}好").as_bytes()), format!("\"{start}…\""));
        assert_eq!(quoted(b"a\x1b\xff"), "\"a\\u{1b}\u{fffd}\"");
    }
}
