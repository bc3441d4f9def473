//! `[HOST [PORT]]`, `--help`, `--version` and what is none of these.

use std::process::Command;

#[test]
fn the_command_line_does_what_the_help_says_and_nothing_else() {
    testing::check_command_line("tcp-client", || Command::new(env!("CARGO_BIN_EXE_tcp-client")));
}
