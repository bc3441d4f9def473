//! The tests of `grade.sh`. They are apart from the others, as their attacks keep the machine busy.

#[cfg(unix)]
mod marks;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    testing::lab(marks::tests())
}

#[cfg(not(unix))]
fn main() {} // there is no bash
