//! The program that is tested, and the command that starts it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::failure::ensure;

/// The name of the exercise, and the file of its own program.
static SUBJECT: OnceLock<(&str, &str)> = OnceLock::new();

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

/// The environment variable that names another program for the exercise `name`, a file or a command with
/// arguments: `UDP_SERVER` for `udp-server`.
pub fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The command of the tested program with `arguments`.
pub fn with(arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(arguments);
    command
}

/// The command of the tested program, without arguments: the words of its variable, the first of which
/// is a program or a script, or its own file.
pub fn command() -> Command {
    let (name, own) = SUBJECT.get().expect("an exercise is tested");
    let Ok(value) = env::var(variable(name)) else { return Command::new(own) };
    // The checker puts each word on a line of its own.
    let words: Vec<_> = match file(&value) {
        None if !value.contains('\n') => value.split(' ').filter(|word| !word.is_empty()).collect(),
        _ => value.lines().collect(),
    };
    let first = *words.first().expect("a program is named");
    let end = Path::new(first).extension().and_then(|end| end.to_str()).unwrap_or_default();
    let english = "{} has to be compiled: name the program that the compiler makes";
    ensure(!COMPILED.contains(&end), english, &[&first]);
    let mut paths = words.iter().map(|word| file(word).unwrap_or(PathBuf::from(word)));
    let program = paths.next().expect("the first word");
    ensure(!program.is_dir(), "{} is a folder: name the program in it", &[&first]);
    let is_path = first.contains(['/', '\\']) || ["py", "jar", "js"].contains(&end);
    ensure(!is_path || program.is_file(), "there is no file {}", &[&first]);
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

/// The file or folder of that name, from where the checker was called.
fn file(name: &str) -> Option<PathBuf> {
    let path = Path::new(&env::var_os("PWD").unwrap_or_default()).join(name);
    // A bare word such as `python3` is a command, even if there is a folder of that name.
    let is_there = path.is_file() || path.is_dir() && name.contains(['/', '\\', '.']);
    is_there.then(|| std::path::absolute(path).ok())?
}
