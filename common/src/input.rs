//! What is typed: lines from stdin, with a prompt for whoever sits at a terminal.

use std::io::{self, BufRead, IsTerminal};

use anyhow::{Context, Result};

use crate::screen::write;

/// What asks for a line (tutorial).
const PROMPT: &str = "请输入要发送的数据:";

/// The next line from stdin without its LF or CRLF, or `None` when the user leaves: an empty line
/// or the end of the input. The bytes are as they came; whether they are UTF-8 is not looked at.
///
/// The prompt is shown on stdout, without a line feed, when stdin is a terminal.
///
/// # Errors
/// A stdin that cannot be read.
pub fn prompted_line(program: &str) -> Result<Option<Vec<u8>>> {
    let mut stdin = io::stdin().lock();
    let at_terminal = stdin.is_terminal();
    if at_terminal {
        write(program, PROMPT);
    }
    let mut line = Vec::new();
    stdin.read_until(b'\n', &mut line).context("cannot read stdin")?;
    if at_terminal && line.is_empty() {
        write(program, "\n"); // the end of the input leaves the cursor behind the prompt
    }
    let line = without_line_end(line);
    Ok(if line.is_empty() { None } else { Some(line) })
}

fn without_line_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_taken_off_and_nothing_else() {
        let lines: [(&[u8], &[u8]); 8] = [
            (b"a\n", b"a"),
            (b"a\r\n", b"a"),
            (b"a", b"a"),
            (b"a\r", b"a\r"),
            (b"a\r\r\n", b"a\r"),
            (b" a \t\n", b" a \t"),
            (b"\r\n", b""),
            (b"", b""),
        ];
        for (typed, line) in lines {
            assert_eq!(without_line_end(typed.to_vec()), line, "{typed:?}");
        }
    }
}
