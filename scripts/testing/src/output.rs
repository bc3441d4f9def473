//! What a program prints on one stream, awaited line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{iter, thread};

use crate::constants::{A_WHILE, DEADLINE};
use crate::failure::{ensure, fail, say, shortened};
use crate::process::{last_end, locked};

/// How many bytes are read: a program may print without end.
const MAX_SIZE: u64 = 1 << 24;

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
        loop {
            let seen = locked(&self.seen);
            let line = seen.lines.get(self.next).cloned();
            if line.is_some() || seen.ended {
                self.next += 1;
                return Ok(line);
            }
            let is_unflushed = self.stream == "stdout" && seen.lines.is_empty();
            drop(seen);
            let end = last_end();
            // A program that has ended prints no more, even if one that it has started still could. Its
            // last lines come immediately, or a little later on a busy machine.
            if end.is_some() {
                until = until.min(Instant::now() + 10 * A_WHILE);
            }
            if Instant::now() > until {
                let seconds = DEADLINE.as_secs();
                return Err(match end {
                    Some(end) => end,
                    None if is_unflushed => {
                        say("nothing came for {} seconds (is each line flushed?)", &[&seconds])
                    }
                    None => say("nothing came for {} seconds", &[&seconds]),
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The first line from here on that contains each of `parts`, or why there is none.
    pub(crate) fn find(&mut self, parts: &[&str]) -> Result<String, String> {
        let until = Instant::now() + DEADLINE;
        while let Some(line) = self.next(until)? {
            if parts.iter().all(|part| line.contains(part)) {
                return Ok(line);
            }
        }
        thread::sleep(Duration::from_millis(100)); // the program may still be ending
        Err(last_end().unwrap_or_else(|| say("the program has closed it", &[])))
    }

    /// Waits until a line contains each of `parts`, whatever comes before it: that line.
    pub fn wait_for(&mut self, parts: &[&str]) -> String {
        let what = || say("a line with {}", &[&format!("{parts:?}")]);
        self.find(parts).unwrap_or_else(|why| self.is_missing(&what(), &why))
    }

    /// Waits for the next line, which has to be `expected`.
    pub fn expect(&mut self, expected: &str) {
        let what = format!("{expected:?}");
        let line = self.find(&[]).unwrap_or_else(|why| self.is_missing(&what, &why));
        let got = shortened(&format!("{line:?}"));
        let english = "expected {} as the next line on {}, but it is {}";
        ensure(line == expected, english, &[&shortened(&what), &self.stream, &got]);
    }

    /// Fails the test: the line that is called `what` did not come.
    fn is_missing(&self, what: &str, why: &str) -> ! {
        let english = "expected {} on {}, but {}; its last lines: {}";
        fail(english, &[&shortened(what), &self.stream, &why, &self.last_seen()])
    }

    /// All lines that are still to come until the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        let until = Instant::now() + DEADLINE;
        let next = || {
            self.next(until).unwrap_or_else(|why| {
                let english = "expected {} to end, but {}; its last lines: {}";
                fail(english, &[&self.stream, &why, &self.last_seen()])
            })
        };
        iter::from_fn(next).collect()
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

fn collect(source: impl Read, seen: &Mutex<Seen>) {
    let mut source = BufReader::new(source.take(MAX_SIZE));
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).is_ok_and(|size| size > 0) {
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if std::str::from_utf8(&line).is_err() {
            text += &say("(this is not UTF-8: is it the computer's code page?)", &[]);
        }
        // A line without its line feed is another line than one with it.
        let text = text.strip_suffix('\n').map_or(format!("{text}(no line feed)"), str::to_owned);
        locked(seen).lines.push(text);
        line.clear();
    }
    if source.get_ref().limit() == 0 {
        let end = say("({} bytes; the rest is not read)", &[&MAX_SIZE]);
        locked(seen).lines.push(end);
    }
}
