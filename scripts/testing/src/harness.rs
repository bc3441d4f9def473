//! Runs the tests of an exercise: for the checker, for the grade, or for `cargo test`.

use std::io::{Write, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::{env, thread};

use libtest_mimic::{Arguments, Completion, Trial};
use serde_json::json;

use crate::failure::{in_chinese, say, sentence_of, show};
use crate::machine::has;
use crate::process::kill_all_on_interrupt;
use crate::program::last_words;
use crate::step::{Step, Test};
use crate::subject;

/// What came of a test.
enum Verdict {
    Passed,
    /// What this machine lacks.
    Skipped(String),
    /// The sentence, and the last lines on the program's stderr.
    Failed(String, String),
}

/// Runs the tests of the exercise `name`, whose own program is the file `own`. With `--check` it shows
/// what came of them, with `--verdicts` it prints that as JSON, and otherwise it does as any of Rust's
/// tests.
pub fn exercise(name: &'static str, own: &'static str, steps: Vec<Step>) -> ExitCode {
    subject::set(name, own);
    // From now on no program of the same user can look into this process, or take its descriptors.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false).expect("prctl");
    kill_all_on_interrupt();
    match env::args().nth(1).as_deref() {
        Some("--check") => check(&steps),
        Some("--verdicts") => print_verdicts(&steps),
        _ => run_trials(steps),
    }
}

/// Runs step after step until one fails.
fn check(steps: &[Step]) -> ExitCode {
    let last = steps.len();
    for (number, step) in (1..).zip(steps) {
        show(&say("\nstep {} of {}: {}", &[&number, &last, &say(step.title, &[])]));
        if !check_step(step) {
            let sheet = if in_chinese() { "README.zh-CN.md" } else { "README.md" };
            let sheet = format!("{}/{sheet}", subject::name());
            let english = "\nStep {} of {}. See \"Write it yourself\" in {}.";
            show(&say(english, &[&number, &last, &sheet]));
            return ExitCode::FAILURE;
        }
    }
    show(&say("\nAll {} steps are done.", &[&last]));
    ExitCode::SUCCESS
}

/// Runs the tests of a step side by side and shows their verdicts, nothing twice: whether none failed.
fn check_step(step: &Step) -> bool {
    let verdicts: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = step.tests.iter().map(|test| scope.spawn(|| run(test))).collect();
        running.into_iter().map(|test| test.join().expect("a verdict")).collect()
    });
    let above = say("(as above)", &[]);
    let mut told = vec![String::new()];
    let mut none_failed = true;
    for (test, verdict) in step.tests.iter().zip(verdicts) {
        let name = say(test.name, &[]);
        match verdict {
            Verdict::Passed => show(&format!("  ✓ {name}")),
            Verdict::Skipped(why) => show(&format!("  – {name} ({why})")),
            Verdict::Failed(why, output) => {
                none_failed = false;
                show(&format!("  ✗ {name}"));
                let sentence = if told.contains(&why) { &above } else { &why };
                show(&format!("      {sentence}"));
                if !told.contains(&output) {
                    output.lines().for_each(|line| show(&format!("      | {line}")));
                }
                told.extend([why, output]);
            }
        }
    }
    none_failed
}

/// Prints a line for each test, and another one when it is done. The last line of a test counts: a
/// student's program can kill this process.
fn print_verdicts(steps: &[Step]) -> ExitCode {
    let mut tests = Vec::new();
    for (number, step) in (1..).zip(steps) {
        tests.extend(step.tests.iter().map(|test| (number, test)));
    }
    let killed = Verdict::Failed(say("it has ended its own check", &[]), String::new());
    tests.iter().for_each(|(step, test)| print(*step, test, &killed));
    thread::scope(|scope| {
        for (step, test) in &tests {
            scope.spawn(|| print(*step, test, &run(test)));
        }
    });
    ExitCode::SUCCESS
}

fn print(step: usize, test: &Test, verdict: &Verdict) {
    let (verdict, why, output) = match verdict {
        Verdict::Passed => ("passed", "", ""),
        Verdict::Skipped(why) => ("skipped", why.as_str(), ""),
        Verdict::Failed(why, output) => ("failed", why.as_str(), output.as_str()),
    };
    let test = say(test.name, &[]);
    let line =
        json!({ "step": step, "test": test, "verdict": verdict, "why": why, "output": output });
    let _ = writeln!(stdout(), "{line}");
}

fn run_trials(steps: Vec<Step>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(16)); // most tests do little but wait
    let mut trials = Vec::new();
    for (number, step) in (1..).zip(steps) {
        for test in step.tests {
            let name = format!("step_{number}_{}::{}", step.title.replace(' ', "_"), test.name);
            trials.push(Trial::ignorable_test(name, move || match run(&test) {
                Verdict::Passed => Ok(Completion::Completed),
                Verdict::Skipped(why) => Ok(Completion::ignored_with(why)),
                Verdict::Failed(why, output) => Err(format!("{why}\n{output}").into()),
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(test: &Test) -> Verdict {
    if let Some(need) = test.needs.iter().find(|need| !has(need)) {
        let why = say("not checked: this needs {}", &[&say(need, &[])]);
        return match env::var_os("CI") {
            Some(_) => Verdict::Failed(why, String::new()), // where nothing may be skipped
            None => Verdict::Skipped(why),
        };
    }
    let result = panic::catch_unwind(AssertUnwindSafe(&test.body));
    let output = last_words();
    match result {
        Ok(()) => Verdict::Passed,
        Err(panic) => Verdict::Failed(sentence_of(&*panic), output),
    }
}
