//! What is typed: lines from stdin, with a prompt at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

const PROMPT: &str = "请输入要发送的数据:"; // tutorial

/// Reads a line from stdin, without its LF or CRLF; `None` if it is empty or the input has ended.
/// At a terminal the prompt is shown first. Fails if stdin cannot be read or stdout written.
pub fn prompted_line() -> Result<Option<Vec<u8>>> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        show(PROMPT)?;
    }
    let mut line = Vec::new();
    stdin.read_until(b'\n', &mut line).context("cannot read stdin")?;
    if stdin.is_terminal() && !line.ends_with(b"\n") {
        show("\n")?; // after Ctrl-D the cursor is still behind the prompt
    }
    let line = without_line_end(&line);
    Ok(if line.is_empty() { None } else { Some(line.to_vec()) })
}

fn show(text: &str) -> Result<()> {
    let mut stdout = io::stdout();
    write!(stdout, "{text}").and_then(|()| stdout.flush()).context("cannot write to stdout")
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else { return line };
    line.strip_suffix(b"\r").unwrap_or(line)
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
            assert_eq!(without_line_end(typed), line, "{typed:?}");
        }
    }
}
