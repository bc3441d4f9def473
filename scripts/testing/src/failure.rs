//! What a failed test says: one sentence, in English or Chinese.

use std::any::Any;
use std::collections::HashMap;
use std::env;
use std::fmt::Display;
use std::panic;
use std::sync::{LazyLock, OnceLock};

/// The Chinese of each English sentence.
static TRANSLATIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../zh-CN.json")).expect("zh-CN.json has one object")
});

static IS_CHINESE: OnceLock<bool> = OnceLock::new();

/// The sentence of a failed test, as the value of a panic.
struct Failure(String);

/// Fails the test with a sentence in the reader's language. Each `{}` in it stands for the next of
/// `parts`.
pub fn fail(english: &str, parts: &[&dyn Display]) -> ! {
    // A panic without a message on stderr: the harness shows the sentence.
    panic::resume_unwind(Box::new(Failure(say(english, parts))))
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

/// The sentence of a caught panic of [`fail`].
pub(crate) fn sentence_of(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<Failure>().map_or("a panic", |Failure(sentence)| sentence)
}

/// The start of a text of any length.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Sentences are in Chinese from now on. It has to come before the first one.
pub fn speak_chinese() {
    let _ = IS_CHINESE.set(true);
}

/// Whether sentences are in Chinese: as the option `--zh` or the locale (locale(7)) says.
pub fn in_chinese() -> bool {
    *IS_CHINESE.get_or_init(|| {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let mut locales = names.iter().filter_map(|name| env::var(name).ok());
        locales.find(|locale| !locale.is_empty()).is_some_and(|locale| locale.starts_with("zh"))
    })
}
