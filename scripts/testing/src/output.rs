//! What a program prints on one stream, awaited line by line.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::constants::{A_WHILE, DEADLINE};
use crate::failure::{ensure, fail, say, shortened};
use crate::process::{last_end, locked};

/// Limits on what is read, in bytes: a program may print without end.
const MAX_LINE: u64 = 1 << 20;
const MAX_STREAM: u64 = 1 << 24;

/// The lines that a program writes on one stream, as they come.
#[derive(Clone)]
pub struct Lines {
    stream: &'static str,
    next: usize,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// The lines of `source`, read from now on.
    pub(crate) fn of(stream: &'static str, source: impl Read + Send + 'static) -> Lines {
        let lines = Lines { stream, next: 0, seen: Arc::default() };
        let seen = Arc::clone(&lines.seen);
        thread::spawn(move || {
            collect(source, &seen);
            locked(&seen).ended = true;
        });
        lines
    }

    /// The next line, or `None` at the end of the stream; or why there is none `until` then.
    fn next(&mut self, mut until: Instant) -> Result<Option<String>, String> {
        let mut has_ended = false;
        loop {
            let seen = locked(&self.seen);
            let line = seen.lines.get(self.next).cloned();
            if line.is_some() || seen.ended {
                self.next += 1;
                return Ok(line);
            }
            let is_unflushed = self.stream == "stdout" && seen.lines.is_empty();
            drop(seen);
            // A program that has ended prints no more, even if one that it has started still could. Its
            // last lines come immediately, or a little later on a busy machine.
            if !has_ended && last_end().is_some() {
                has_ended = true;
                until = until.min(Instant::now() + 10 * A_WHILE);
            }
            if Instant::now() > until {
                let hint =
                    if is_unflushed { say(" (is each line flushed?)", &[]) } else { String::new() };
                let parts: [&dyn Display; 2] = [&DEADLINE.as_secs(), &hint];
                return Err(last_end().unwrap_or(say("nothing came for {} seconds{}", &parts)));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The next line, or why there is none.
    fn next_line(&mut self, until: Instant) -> Result<String, String> {
        self.next(until)?.ok_or_else(|| {
            thread::sleep(Duration::from_millis(100)); // the program may still be ending
            last_end().unwrap_or_else(|| say("the program has closed it", &[]))
        })
    }

    /// Waits for the next line, which has to be `expected`.
    pub fn expect(&mut self, expected: &str) {
        self.expect_line(&format!("{expected:?}"), |line| line == expected);
    }

    /// Waits for the next line, which has to contain each of `parts`: that line.
    pub fn expect_parts(&mut self, parts: &[&str]) -> String {
        self.expect_line(&line_with(parts), |line| parts.iter().all(|part| line.contains(part)))
    }

    fn expect_line(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let line = self.next_line(Instant::now() + DEADLINE);
        let line = line.unwrap_or_else(|why| self.is_missing(what, &why));
        let (what, got) = (shortened(what), shortened(&format!("{line:?}")));
        let english = "expected {} as the next line on {}, but it is {}";
        ensure(is_it(&line), english, &[&what, &self.stream, &got]);
        line
    }

    /// Waits until a line contains `part`, whatever comes before it: that line.
    pub fn wait_for(&mut self, part: &str) -> String {
        self.wait_for_parts(&[part])
    }

    /// Waits until a line contains each of `parts`, whatever comes before it: that line.
    pub fn wait_for_parts(&mut self, parts: &[&str]) -> String {
        self.find(parts).unwrap_or_else(|why| self.is_missing(&line_with(parts), &why))
    }

    /// The same, or why there is no such line.
    pub(crate) fn find(&mut self, parts: &[&str]) -> Result<String, String> {
        let until = Instant::now() + DEADLINE;
        loop {
            let line = self.next_line(until)?;
            if parts.iter().all(|part| line.contains(part)) {
                return Ok(line);
            }
        }
    }

    /// Fails the test: the line that is called `what` did not come.
    fn is_missing(&self, what: &str, why: &str) -> ! {
        let english = "expected {} on {}, but {}; its last lines: {}";
        fail(english, &[&shortened(what), &self.stream, &why, &self.last_seen()])
    }

    /// All lines that are still to come until the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.next(Instant::now() + DEADLINE) {
                Ok(Some(line)) => rest.push(line),
                Ok(None) => return rest,
                Err(why) => {
                    let english = "expected {} to end, but {}; its last lines: {}";
                    fail(english, &[&self.stream, &why, &self.last_seen()])
                }
            }
        }
    }

    /// Waits for the end of the stream, before which nothing more may come.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        let got = shortened(&format!("{rest:?}"));
        let english = "expected nothing more on {}, but there is {}";
        ensure(rest.is_empty(), english, &[&self.stream, &got]);
    }

    /// All lines so far, without waiting.
    pub fn seen(&self) -> Vec<String> {
        locked(&self.seen).lines.clone()
    }

    pub(crate) fn last_seen(&self) -> String {
        let seen = self.seen();
        match &seen[seen.len().saturating_sub(3)..] {
            [] => say("nothing", &[]),
            last => shortened(&format!("{last:?}")),
        }
    }
}

/// What to call a line with these `parts`.
fn line_with(parts: &[&str]) -> String {
    say("a line with {}", &[&format!("{parts:?}")])
}

fn collect(source: impl Read, seen: &Mutex<Seen>) {
    let mut source = BufReader::new(source.take(MAX_STREAM));
    let (mut line, mut size) = (Vec::new(), 0);
    while source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        size += line.len() as u64;
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if std::str::from_utf8(&line).is_err() {
            text += &say("(this is not UTF-8: is it the computer's code page?)", &[]);
        }
        // A line without its line feed is another line than one with it.
        let text = text.strip_suffix('\n').map_or(format!("{text}(no line feed)"), str::to_owned);
        let mut seen = locked(seen);
        seen.lines.push(text);
        if size == MAX_STREAM {
            seen.lines.push(say("({} bytes; the rest is not read)", &[&size]));
        }
        line.clear();
    }
}
