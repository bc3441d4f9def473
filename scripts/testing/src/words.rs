//! What a failed test says: one sentence, in English or Chinese, and the program's last words.

use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::sync::Once;
use std::{env, panic, path::PathBuf, thread};

use crate::program;

/// Fails the test with a sentence in the reader's language. Each `{}` of it stands for the next one
/// of `parts`.
pub fn fail(english: &str, chinese: &str, parts: &[&dyn Display]) -> ! {
    panic!("{}", words(english, chinese, parts))
}

/// Fails the test unless something `holds`.
pub fn ensure(holds: bool, english: &str, chinese: &str, parts: &[&dyn Display]) {
    if !holds {
        fail(english, chinese, parts)
    }
}

/// The sentence, or the part of one, in the reader's language.
pub fn words(english: &str, chinese: &str, parts: &[&dyn Display]) -> String {
    let sentence = if in_chinese() { chinese } else { english };
    let mut pieces = sentence.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (piece, part) in pieces.zip(parts) {
        text += &format!("{part}{piece}");
    }
    text
}

/// Text of any length in a sentence.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether the locale (locale(7)) asks for Chinese.
pub fn in_chinese() -> bool {
    let set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let decisive = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find(set);
    decisive.and_then(|name| env::var(name).ok()).is_some_and(|locale| locale.starts_with("zh"))
}

/// From now on a failed test shows its sentence and its programs' last words, and no backtrace. For
/// `check.sh` they go to a file of the test's name in the folder `VERDICTS`.
pub(crate) fn speak_plainly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let said = panic.payload();
            let literal = || said.downcast_ref::<&str>().map(|literal| (*literal).to_owned());
            let said = said.downcast_ref::<String>().cloned().or_else(literal);
            let text = said.unwrap_or_default() + "\n" + &program::last_words();
            match (env::var_os("VERDICTS"), thread::current().name()) {
                (Some(folder), Some(test)) => {
                    let file = PathBuf::from(folder).join(test.replace("::", "."));
                    let first = File::options().write(true).create_new(true).open(file);
                    let _ = first.map(|mut file| file.write_all(text.as_bytes()));
                }
                _ => eprintln!("{text}"),
            }
        }));
    });
}
