//! The pages: their sessions, their links, and that both languages are the same line for line.

use std::process::{Command, Stdio};
use std::{fs, path::Path, path::PathBuf};

use testing::{ROOT, Test, build, test};

const FOLDERS: [&str; 7] =
    ["udp-server", "udp-client", "tcp-server", "tcp-client", "common", "scripts", "."];

/// The tests of this module.
pub fn tests() -> Vec<Test> {
    vec![
        test("each session prints what its page shows", sessions_print_what_is_shown)
            .needs(&["Linux", "python3", "bash"]),
        test("both languages are the same line for line", languages_are_the_same_line_for_line),
        test("each link of a page leads to a file and its heading", links_lead_somewhere),
    ]
}

/// The folder's English pages that have a Chinese one beside them.
fn pages(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(ROOT).join(folder)).expect("the folder").flatten();
    files.map(|file| file.path()).filter(|page| chinese(page).exists()).collect()
}

fn chinese(page: &Path) -> PathBuf {
    page.with_extension("zh-CN.md")
}

/// The page's lines, each with the kind of the code block that it is in. The fences have none.
fn lines(page: &Path) -> Vec<(Option<String>, String)> {
    let text = fs::read_to_string(page).expect("the page");
    let mut block = None;
    let with_block = |line: &str| {
        let fence = line.strip_prefix("```");
        if let Some(kind) = fence {
            block = block.is_none().then(|| kind.to_owned());
        }
        (block.clone().filter(|_| fence.is_none()), line.to_owned())
    };
    text.lines().map(with_block).collect()
}

/// What both languages have in common: the lines of sessions, and of all others how they begin.
fn common_parts(page: &Path) -> Vec<String> {
    let part = |(block, line): (Option<String>, String)| match (block.as_deref(), line.trim()) {
        (Some("console" | "pycon"), _) => line,
        (Some(_), _) => "code".to_owned(),
        (None, "") => line,
        (None, row) if row.starts_with('|') => row.chars().filter(|sign| *sign == '|').collect(),
        (None, text) => {
            let rest = text.trim_start_matches(|sign: char| "#-<. 0123456789".contains(sign));
            format!("{}and words", &text[..text.len() - rest.len()])
        }
    };
    lines(page).into_iter().map(part).collect()
}

/// The anchors of the page's headings, as GitHub makes them.
fn anchors(page: &Path) -> Vec<String> {
    let headings =
        lines(page).into_iter().filter(|(block, line)| block.is_none() && line.starts_with('#'));
    let title = |line: String| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    let is_kept = |letter: &char| letter.is_alphanumeric() || "-_".contains(*letter);
    headings.map(|(_, line)| title(line).chars().filter(is_kept).collect()).collect()
}

fn sessions_print_what_is_shown() {
    let programs = Path::new(&build()[0]).parent().expect("the folder of the programs");
    let pages = FOLDERS.iter().flat_map(|folder| pages(folder));
    let pages = pages.filter(|page| lines(page).iter().any(|(_, line)| line == "```pycon"));
    let start = |page| {
        let mut sessions = Command::new("python3");
        sessions.args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions.py")]);
        sessions.arg(page).arg(programs).stdout(Stdio::piped()).spawn().expect("python3 starts")
    };
    let running: Vec<_> = pages.map(start).collect();
    let ended = running.into_iter().map(|sessions| sessions.wait_with_output().expect("its end"));
    // All have to end, so that none is left behind.
    for output in ended.collect::<Vec<_>>() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn languages_are_the_same_line_for_line() {
    for page in FOLDERS.iter().flat_map(|folder| pages(folder)) {
        let (english, chinese) = (common_parts(&page), common_parts(&chinese(&page)));
        let line = english.iter().zip(&chinese).take_while(|(one, other)| one == other).count();
        assert_eq!(english.get(line), chinese.get(line), "{}, line {}", page.display(), line + 1);
    }
}

fn links_lead_somewhere() {
    let folders = FOLDERS.map(|folder| Path::new(ROOT).join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("the folder"));
    let files = files.map(|file| file.expect("a file").path());
    for page in files.filter(|file| file.extension().is_some_and(|part| part == "md")) {
        let text = lines(&page).into_iter().filter(|(block, _)| block.is_none());
        let text: String = text.map(|(_, line)| line).collect();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https:")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let has_anchor = anchor.is_empty() || anchors(&file).iter().any(|one| one == anchor);
            assert!(file.exists() && has_anchor, "{}: nothing at {link}", page.display());
        }
    }
}
