//! The sentences that students and teachers read: each one in English has its Chinese in `zh-CN.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use regex::Regex;
use testing::{ROOT, Test, test};

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![test("every sentence has its Chinese, and all Chinese a sentence", are_translated)]
}

/// What says sentences: the tests' crate, the steps, and the commands for teachers.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for exercise in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        files.push(format!("{ROOT}/{exercise}/tests/steps.rs").into());
    }
    for folder in ["scripts", "scripts/testing/src", "scripts/testing/src/bin"] {
        let entries = fs::read_dir(format!("{ROOT}/{folder}")).expect("a folder of sources");
        files.extend(entries.map(|entry| entry.expect("a file").path()));
    }
    let is_source = |file: &PathBuf| file.extension().is_some_and(|end| end == "rs" || end == "py");
    files.retain(is_source);
    files
}

/// The sentences in a source's `text`: the string behind each call that says one, or `let english =`.
fn sentences(text: &str) -> BTreeSet<String> {
    let string = r#""((?:[^"\\]|\\(?s:.))*)""#;
    let said = r"(?:\b(?:say|fail|step|test|wait_until)\(|\bensure\([^;{]*?,|\benglish =)\s*";
    let said = Regex::new(&format!("{said}{string}")).expect("a right expression");
    let needs = Regex::new(r"\bneeds\(&\[([^\]]*)\]").expect("a right expression");
    let string = Regex::new(string).expect("a right expression");
    let mut found: Vec<&str> = Vec::new();
    found.extend(said.captures_iter(text).map(|call| call.extract::<1>().1[0]));
    for needs in needs.captures_iter(text) {
        let needs = string.captures_iter(needs.extract::<1>().1[0]);
        // The name of a tool is the same in both languages.
        found.extend(needs.map(|need| need.extract::<1>().1[0]).filter(|need| need.contains(' ')));
    }
    let found = found.iter().filter(|raw| !raw.is_empty());
    let line_end = Regex::new(r"\\\n\s*").expect("a right expression");
    let plain =
        |raw: &&str| line_end.replace_all(raw, "").replace("\\n", "\n").replace("\\\"", "\"");
    found.map(plain).collect()
}

fn are_translated() {
    let chinese = fs::read_to_string(format!("{ROOT}/scripts/testing/zh-CN.json"));
    let chinese: BTreeMap<String, String> =
        serde_json::from_str(&chinese.expect("the file")).expect("an object of strings");
    let mut said = BTreeSet::new();
    for file in sources() {
        said.extend(sentences(&fs::read_to_string(file).expect("a source")));
    }
    let missing: Vec<_> = said.iter().filter(|said| !chinese.contains_key(*said)).collect();
    assert!(missing.is_empty(), "without Chinese in zh-CN.json: {missing:#?}");
    let unused: Vec<_> = chinese.keys().filter(|key| !said.contains(*key)).collect();
    assert!(unused.is_empty(), "in zh-CN.json, and nowhere said: {unused:#?}");
    for (english, chinese) in &chinese {
        let places = |text: &str| text.matches("{}").count();
        assert_eq!(places(english), places(chinese), "{english}: {chinese}");
    }
}
