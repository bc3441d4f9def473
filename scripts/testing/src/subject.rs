//! The program that is tested, and the command that starts it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::failure::ensure;

/// The name of the exercise, and the file of its own program.
static SUBJECT: OnceLock<(&str, &str)> = OnceLock::new();

/// The beginnings of names in the environment that are hidden from a tested program.
const HIDDEN: [&str; 5] = ["CARGO_", "RUST", "LD_LIBRARY_PATH", "PWD", "OLDPWD"];

/// The endings of source files that have to be compiled.
const COMPILED: [&str; 9] = ["c", "cc", "cpp", "cs", "go", "h", "java", "kt", "rs"];

/// Says which exercise's program is tested in this process.
pub(crate) fn set(name: &'static str, own: &'static str) {
    let _ = SUBJECT.set((name, own));
}

/// What the tested program is called: udp-server, udp-client, tcp-server or tcp-client.
pub fn name() -> &'static str {
    SUBJECT.get().expect("an exercise is tested").0
}

/// Whether it speaks UDP.
pub fn is_udp() -> bool {
    name().starts_with("udp")
}

/// The command of the tested program, without arguments. It runs in the folder for temporary files,
/// and without cargo's environment.
pub fn command() -> Command {
    let (name, own) = SUBJECT.get().expect("an exercise is tested");
    let mut command = program(name, own);
    let is_hidden = |name: &str| HIDDEN.iter().any(|hidden| name.starts_with(hidden));
    for (name, _) in env::vars_os().filter(|(name, _)| is_hidden(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.current_dir(env::temp_dir());
    command
}

/// The same with `arguments`.
pub fn with(arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(arguments);
    command
}

/// The environment variable that names another program for the one called `name`: `UDP_SERVER` for
/// `udp-server`.
pub fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The command of the program called `name`: the one that its variable says, a file or a command with
/// arguments, or its `own` file.
pub fn program(name: &str, own: &str) -> Command {
    let Ok(value) = env::var(variable(name)) else { return Command::new(own) };
    if file(&value).is_some() {
        return command_of(&[&value]);
    }
    // The checker puts each word on a line of its own.
    let separator = if value.contains('\n') { '\n' } else { ' ' };
    let words: Vec<_> = value.split(separator).filter(|word| !word.is_empty()).collect();
    command_of(&words)
}

/// The command of those words, the first of which is a program or a script.
fn command_of(words: &[&str]) -> Command {
    let first = words.first().expect("a program is named");
    let end = Path::new(first).extension().and_then(|end| end.to_str()).unwrap_or_default();
    let english = "{} has to be compiled: name the program that the compiler makes";
    ensure(!COMPILED.contains(&end), english, &[first]);
    let mut paths = words.iter().map(|word| file(word).unwrap_or(PathBuf::from(word)));
    let program = paths.next().expect("the first word");
    ensure(!program.is_dir(), "{} is a folder: name the program in it", &[first]);
    let is_path = first.contains(['/', '\\']) || ["py", "jar", "js"].contains(&end);
    ensure(!is_path || program.is_file(), "there is no file {}", &[first]);
    let starter: &[&str] = match end {
        "py" if cfg!(windows) => &["python"],
        "py" => &["python3"],
        "jar" => &["java", "-jar"],
        "js" => &["node"],
        _ => &[],
    };
    let mut all = starter.iter().map(PathBuf::from).chain([program]).chain(paths);
    let mut command = Command::new(all.next().expect("there is a first word"));
    command.args(all);
    command
}

/// The file or folder of that name, from where cargo was called: it runs a test in its crate's folder.
fn file(name: &str) -> Option<PathBuf> {
    let path = Path::new(&env::var_os("PWD").unwrap_or_default()).join(name);
    // A bare word such as `python3` is a command, even if there is a folder of that name.
    let is_there = path.is_file() || path.is_dir() && name.contains(['/', '\\', '.']);
    is_there.then(|| std::path::absolute(path).ok())?
}
