//! What the tests and the checker say, in English or Chinese.

use std::any::Any;
use std::collections::HashMap;
use std::env;
use std::fmt::Display;
use std::io::{Write, stdout};
use std::panic;
use std::process::exit;
use std::sync::LazyLock;

use crate::constants::{TCP_REPLY, UDP_REPLY};

/// The Chinese of each English sentence.
static TRANSLATIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../zh-CN.json")).expect("zh-CN.json has one object")
});

/// Fails the test with a sentence in the reader's language. Each `{}` in it stands for the next of
/// `parts`.
pub fn fail(english: &str, parts: &[&dyn Display]) -> ! {
    // A panic without a message on stderr: the harness shows the sentence.
    panic::resume_unwind(Box::new(say(english, parts)))
}

/// Fails the test unless something `holds`.
pub fn ensure(holds: bool, english: &str, parts: &[&dyn Display]) {
    if !holds {
        fail(english, parts)
    }
}

/// The sentence, or a part of one, in the reader's language.
pub fn say(english: &str, parts: &[&dyn Display]) -> String {
    let chinese = if in_chinese() { TRANSLATIONS.get(english) } else { None };
    let mut pieces = chinese.map_or(english, String::as_str).split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (piece, part) in pieces.zip(parts) {
        text += &format!("{part}{piece}");
    }
    text
}

/// What a caught panic says: the sentence of [`fail`], or Rust's message.
pub(crate) fn sentence_of(panic: &(dyn Any + Send)) -> String {
    let fixed = || panic.downcast_ref::<&str>().map(|text| text.to_string());
    panic.downcast_ref().cloned().or_else(fixed).unwrap_or_default()
}

/// The start of a text of any length.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Bytes in a sentence: the replies by their name, all else as Rust writes them.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let start = format!("b\"{}\"", bytes[..bytes.len().min(60)].escape_ascii());
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    match bytes {
        b"" => say("nothing", &[]),
        UDP_REPLY => say("the UDP server's reply", &[]),
        TCP_REPLY => say("the TCP server's reply", &[]),
        // Its last character may be cut.
        _ if !text.is_ascii() && bytes.len() < text.len() + 4 => {
            say("{} (which is UTF-8 and not GBK)", &[&start])
        }
        _ if bytes.len() > 60 => say("{}… ({} bytes)", &[&start, &bytes.len()]),
        _ => start,
    }
}

/// Whether sentences are in Chinese: as the option `--zh` or the locale (locale(7)) says.
pub fn in_chinese() -> bool {
    // Behind the options there may be a student's program with options of its own.
    let mut options = env::args().skip(1).take_while(|argument| argument.starts_with('-'));
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let mut locales = names.iter().filter_map(|name| env::var(name).ok());
    let locale = locales.find(|locale| !locale.is_empty()).unwrap_or_default();
    options.any(|option| option == "--zh") || locale.starts_with("zh")
}

/// Prints a line, as long as somebody reads them.
pub fn show(line: &str) {
    if writeln!(stdout(), "{line}").is_err() {
        exit(1);
    }
}
