//! The program that a test is about, and the command that starts it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Server, fail, speak_plainly};

/// How those names in the environment begin that are nothing to a program that is tested.
const HIDDEN: [&str; 8] = [
    "CARGO_",
    "RUST",
    "LD_LIBRARY_PATH",
    "PWD",
    "OLDPWD",
    "VERDICTS",
    "SKIPPED_TESTS",
    "TESTS_OF_STEPS",
];

/// A program as its crate's tests know it.
#[derive(Clone, Copy)]
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// The file of the crate's own program.
    pub own: &'static str,
}

impl Subject {
    /// The command of the crate's own program, or of the one that the environment variable of its
    /// name says (`UDP_SERVER` for `udp-server`). Any other such variable is an error.
    ///
    /// It runs in the folder for temporary files, an empty one of `check.sh`'s, and without cargo's
    /// environment.
    pub fn command(&self) -> Command {
        speak_plainly();
        let variable = variable(self.name);
        let names = |other: &String| other.starts_with("UDP_") || other.starts_with("TCP_");
        let mut others = env::vars().map(|(name, _)| name).filter(names);
        if let Some(other) = others.find(|other| *other != variable) {
            let english = "{} is set, and these tests look for {} alone";
            fail(english, "设置了 {}，而这些测试只看 {}", &[&other, &variable]);
        }
        let mut command = program(self.name, self.own);
        let is_hidden = |name: &str| HIDDEN.iter().any(|hidden| name.starts_with(hidden));
        for (name, _) in env::vars_os().filter(|(name, _)| is_hidden(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.current_dir(env::temp_dir());
        command
    }

    /// The same with `arguments`.
    pub fn with(&self, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.args(arguments);
        command
    }

    /// Starts it, which is a server, and waits until it listens.
    pub fn serve(&self) -> Server {
        Server::start(self.name, self.command())
    }
}

/// The environment variable that names another program for the one called `name`.
pub fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The command of the program called `name`: the one that its variable says, a file or a command with
/// arguments, or its `own` file.
///
/// A `.py` is started with Python, a `.jar` with Java and a `.js` with Node.js, as they do not start
/// by themselves everywhere. A file is looked for where cargo was called (cargo runs a test in its
/// crate's folder, and on Windows does not say where it was called), in the repository, and in the
/// crate.
pub fn program(name: &str, own: &str) -> Command {
    env::var(variable(name)).map_or_else(|_| Command::new(own), |value| named(&value))
}

fn named(value: &str) -> Command {
    let words = match file(value) {
        Some(file) => vec![file],
        None => {
            // check.sh puts each word on a line of its own.
            let separator = if value.contains('\n') { '\n' } else { ' ' };
            let words = value.split(separator).filter(|word| !word.is_empty());
            words.map(|word| file(word).unwrap_or_else(|| PathBuf::from(word))).collect()
        }
    };
    let (first, rest) = words.split_first().expect("the variable names a program");
    let starter: &[&str] = match first.extension().and_then(|extension| extension.to_str()) {
        Some("py") if cfg!(windows) => &["python"],
        Some("py") => &["python3"],
        Some("jar") => &["java", "-jar"],
        Some("js") => &["node"],
        _ => &[],
    };
    let words: Vec<_> = starter.iter().map(Path::new).chain([first.as_path()]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(rest);
    command
}

/// The file of that name, if there is one.
fn file(name: &str) -> Option<PathBuf> {
    let called_from = env::var_os("PWD").unwrap_or_default();
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folders = [Path::new(&called_from), Path::new(repository), Path::new("")];
    let file = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())?;
    std::path::absolute(file).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_named_by_a_file_or_by_a_command_with_arguments() {
        // Files of the repository, which are found from every crate's folder.
        let [py, readme] = ["common/tests/gbk.py", "README.md"]
            .map(|name| file(name).expect("a file of the repository").display().to_string());
        let spaced = crate::scratch("my server").with_extension("jar");
        fs::write(&spaced, "").expect("a file");
        let jar = spaced.display().to_string();
        let python = if cfg!(windows) { "python" } else { "python3" };
        let cases: [(&str, &[&str]); 5] = [
            ("common/tests/gbk.py", &[python, &py]),
            ("node common/tests/gbk.py  -x", &["node", &py, "-x"]),
            ("README.md", &[&readme]),
            ("no-such-file -x", &["no-such-file", "-x"]),
            (&jar, &["java", "-jar", &jar]),
        ];
        for (value, expected) in cases {
            let command = named(value);
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            assert!(words.eq(expected.iter().map(std::ffi::OsStr::new)), "{value}: {command:?}");
        }
        fs::remove_file(&spaced).expect("the file is there");
    }
}
