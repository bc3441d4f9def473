//! Runs the tests: for `cargo test`, or for the checker, which reads their verdicts as JSON.

use std::cell::RefCell;
use std::io::{Write, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode};
use std::{env, thread};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::{Value, json};

use crate::failure::{in_chinese, say, sentence_of, speak_chinese};
use crate::machine::{has, on_own_network};
use crate::process::{forget_processes, kill_all_on_interrupt};
use crate::program::last_words;
use crate::step::{Step, Test};
use crate::subject;

/// A test in its place.
struct Case {
    step: usize,
    title: &'static str,
    test: Test,
}

/// Runs the tests of the exercise `name`, whose own program is the file `own`, as the command line says.
pub fn exercise(name: &'static str, own: &'static str, steps: Vec<Step>) -> ExitCode {
    subject::set(name, own);
    // From now on no program of the same user can look into this process, or take its descriptors.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false).expect("prctl");
    let mut cases = Vec::new();
    for (number, Step { title, tests }) in steps.into_iter().enumerate() {
        cases.extend(tests.into_iter().map(|test| Case { step: number + 1, title, test }));
    }
    run_as_asked(cases)
}

/// Runs the tests of the scripts and the pages.
pub fn lab(tests: Vec<Test>) -> ExitCode {
    run_as_asked(tests.into_iter().map(|test| Case { step: 0, title: "", test }).collect())
}

/// `--plan` prints each test's verdict as it is if the test gives none; `--verdicts [STEP|NAME]` runs
/// them and prints each verdict; anything else is as for any of Rust's tests.
fn run_as_asked(cases: Vec<Case>) -> ExitCode {
    let mut arguments: Vec<_> = env::args().collect();
    let size = arguments.len();
    arguments.retain(|argument| argument != "--zh");
    if arguments.len() < size {
        speak_chinese();
    }
    kill_all_on_interrupt();
    panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        let is_test = PANIC.with_borrow_mut(|place| place.as_mut().map(|place| *place = text));
        if is_test.is_none() {
            eprintln!("{panic}");
        }
    }));
    match arguments.get(1).map(String::as_str) {
        Some("--plan") => cases.iter().for_each(|case| print(&case.planned())),
        Some("--verdicts") => {
            let asked = arguments.get(2);
            let is_asked = |case: &&Case| {
                asked.is_none_or(|asked| *asked == case.step.to_string() || *asked == case.name())
            };
            thread::scope(|scope| {
                for case in cases.iter().filter(is_asked) {
                    scope.spawn(|| print(&case.verdict()));
                }
            });
        }
        _ => {
            let mut arguments = Arguments::from_iter(arguments);
            // Most tests do little but wait.
            let threads = env::var("RUST_TEST_THREADS").ok().and_then(|number| number.parse().ok());
            arguments.test_threads = arguments.test_threads.or(threads).or(Some(16));
            let trials = cases.into_iter().map(Case::trial).collect();
            return libtest_mimic::run(&arguments, trials).exit_code();
        }
    }
    ExitCode::SUCCESS
}

/// Prints a verdict as a line of JSON.
fn print(verdict: &Value) {
    let _ = writeln!(stdout().lock(), "{verdict}");
}

thread_local! {
    /// In a thread that runs a test, the text of its panic.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

impl Case {
    /// The name by which `cargo test` finds it.
    fn name(&self) -> String {
        match self.step {
            0 => self.test.name.to_owned(),
            step => format!("step_{step}_{}::{}", self.title.replace(' ', "_"), self.test.name),
        }
    }

    fn trial(self) -> Trial {
        Trial::ignorable_test(self.name(), move || {
            let verdict = self.verdict();
            let [why, output] = ["why", "output"].map(|key| verdict[key].as_str().unwrap_or(""));
            match verdict["verdict"].as_str() {
                Some("passed") => Ok(Completion::Completed),
                Some("skipped") => Ok(Completion::ignored_with(why)),
                _ => Err(Failed::from(format!("{why}\n{output}"))),
            }
        })
    }

    /// The verdict with these words.
    fn with(&self, verdict: &str, why: &str, output: &str) -> Value {
        json!({
            "step": self.step, "title": say(self.title, &[]), "test": say(self.test.name, &[]),
            "verdict": verdict, "why": why, "output": output,
        })
    }

    /// The verdict if the test gives none.
    fn planned(&self) -> Value {
        self.with("failed", &say("it has ended its own check", &[]), "")
    }

    /// Runs it.
    fn verdict(&self) -> Value {
        if env::var_os("ON_OWN_NETWORK").is_some() {
            return self.verdict_here();
        }
        match (self.test.needs.iter().find(|need| !has(need)), self.test.network) {
            (Some(need), _) => {
                // In CI nothing may be skipped.
                let verdict = if env::var_os("CI").is_some() { "failed" } else { "skipped" };
                self.with(verdict, &say("not checked: this needs {}", &[&say(need, &[])]), "")
            }
            (None, Some(first)) => self.verdict_on_own_network(first),
            (None, None) => self.verdict_here(),
        }
    }

    fn verdict_here(&self) -> Value {
        PANIC.set(Some(String::new()));
        let result = panic::catch_unwind(AssertUnwindSafe(&self.test.body));
        let text = PANIC.take().unwrap_or_default();
        let output = last_words();
        forget_processes();
        match &result {
            Ok(()) => self.with("passed", "", ""),
            Err(_) if !text.is_empty() => self.with("failed", &text, &output),
            Err(panic) => self.with("failed", sentence_of(&**panic), &output),
        }
    }

    /// Runs it in another run of this test's program.
    fn verdict_on_own_network(&self, first: &str) -> Value {
        let mut this = Command::new(env::current_exe().expect("this test's program"));
        this.args(["--verdicts", &self.name()]).args(in_chinese().then_some("--zh"));
        let mut again = on_own_network(first, &this);
        let output = again.env("ON_OWN_NETWORK", "1").output().expect("unshare starts");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| self.planned())
    }
}
