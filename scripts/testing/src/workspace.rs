//! This repository's own programs and scripts, for the tests of its commands.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::machine::UTF_8;
use crate::program::OF_THIS_REPOSITORY;
use crate::subject;

/// The folder of this repository.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The script of that name, in bash, with the programs built that it starts.
pub fn script(name: &str, arguments: &[&str]) -> Command {
    build();
    let mut command = Command::new("bash");
    command.arg(format!("{ROOT}/scripts/{name}")).args(arguments);
    command.env("LC_ALL", UTF_8).env(OF_THIS_REPOSITORY, "yes");
    command
}

/// The workspace's program called `name`, or the one that its variable says.
pub fn workspace_program(name: &str) -> Command {
    let built = build();
    let own = built.iter().find(|path| Path::new(path).file_stem() == Some(name.as_ref()));
    subject::program(name, own.expect("cargo has built the program"))
}

/// Builds all programs: their files. What a test waits for has no time for it.
pub fn build() -> &'static [String] {
    static FILES: OnceLock<Vec<String>> = OnceLock::new();
    FILES.get_or_init(|| cargo(&["build", "--workspace"]).expect("the programs can be built"))
}

/// Runs cargo in this repository: the programs that it has built, or `None` if it could not, and has
/// said why on stderr.
pub fn cargo(arguments: &[&str]) -> Option<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).args(["--quiet", "--locked"]);
    cargo.arg("--message-format=json-render-diagnostics").current_dir(ROOT);
    let built = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("cargo starts");
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&built.stdout).lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        files.extend(message["executable"].as_str().map(str::to_owned));
    }
    built.status.success().then_some(files)
}

/// Writes a program that can be executed: its `text`.
#[cfg(unix)]
pub fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).expect("the program's file");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("its mode");
}

/// Whether a process runs in whose `cmdline` or `environ` (proc(5)) there is that text.
pub fn is_running(file: &str, text: &str) -> bool {
    fs::read_dir("/proc").into_iter().flatten().flatten().any(|process| {
        let found = fs::read(process.path().join(file)).unwrap_or_default();
        String::from_utf8_lossy(&found).contains(text)
    })
}

/// The line with PORT for each port of 127.0.0.1 that has five digits, and so is another each time.
pub fn without_ports(line: &str) -> String {
    let without = |part: &str| match part.get(..5).map(str::parse::<u16>) {
        Some(Ok(_)) => format!("PORT{}", &part[5..]),
        _ => part.to_owned(),
    };
    line.split("127.0.0.1:").map(without).collect::<Vec<_>>().join("127.0.0.1:")
}
