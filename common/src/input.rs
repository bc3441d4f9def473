//! What is typed: lines from stdin, with a prompt for whoever sits at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

const PROMPT: &str = "请输入要发送的数据:"; // tutorial

/// The next line from stdin without its LF or CRLF, UTF-8 or not, or `None` when the user leaves: an
/// empty line or the end of the input. At a terminal the prompt is shown first. Fails when stdin
/// cannot be read, or stdout written.
pub fn prompted_line() -> Result<Option<Vec<u8>>> {
    let mut stdin = io::stdin().lock();
    let at_terminal = stdin.is_terminal();
    let show = |text| write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
    if at_terminal {
        show(PROMPT).context("cannot write to stdout")?;
    }
    let mut line = Vec::new();
    stdin.read_until(b'\n', &mut line).context("cannot read stdin")?;
    if at_terminal && line.is_empty() {
        show("\n").context("cannot write to stdout")?; // the cursor was left behind the prompt
    }
    let line = without_line_end(&line);
    Ok(if line.is_empty() { None } else { Some(line.to_vec()) })
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
