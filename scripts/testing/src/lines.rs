//! What a program prints: awaited line by line, with a deadline and a limit.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{an_end, is_on_stdout};
use crate::{A_WHILE, DEADLINE, ensure, fail, shortened, words};

/// Bytes that are read of one line and of one stream: more than any program has to say, and few
/// enough for the memory when one prints without end.
const MOST_OF_LINE: u64 = 1 << 20;
const MOST_OF_STREAM: u64 = 1 << 24;

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines that a program writes on one stream, as they come.
#[derive(Clone)]
pub struct Lines {
    stream: &'static str,
    next: usize,
    shared: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    pub(crate) fn of(stream: &'static str, source: impl Read + Send + 'static) -> Lines {
        let lines = Lines { stream, next: 0, shared: Arc::default() };
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            collect(source, &shared);
            locked(&shared.0).ended = true;
            shared.1.notify_all();
        });
        lines
    }

    /// No lines, of a stream that somebody else reads.
    pub(crate) fn none(stream: &'static str) -> Lines {
        let lines = Lines { stream, next: 0, shared: Arc::default() };
        locked(&lines.shared.0).ended = true;
        lines
    }

    /// The next line, or `None` at the end of the stream; or why nothing has come `until` then.
    fn awaited(&mut self, until: Instant) -> Result<Option<String>, String> {
        let (seen, arrived) = &*self.shared;
        let waiting = |seen: &mut Seen| seen.lines.len() <= self.next && !seen.ended;
        let patience = until.saturating_duration_since(Instant::now());
        let (seen, timeout) = arrived
            .wait_timeout_while(locked(seen), patience, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let line = seen.lines.get(self.next).cloned();
        let is_first = seen.lines.is_empty();
        drop(seen);
        if timeout.timed_out() {
            let hint = match self.stream {
                "stdout" if is_first => {
                    words(" (is each line flushed?)", "（每行都刷新输出了吗？）", &[])
                }
                _ => String::new(),
            };
            let seconds = DEADLINE.as_secs();
            let parts: [&dyn std::fmt::Display; 2] = [&seconds, &hint];
            return Err(words("nothing came for {} seconds{}", "在 {} 秒内没有出现{}", &parts));
        }
        self.next += 1;
        Ok(line)
    }

    /// Fails the test: `what` was expected, in both languages, `but` something else happened.
    fn is_missing(&self, what: [&str; 2], but: &str) -> ! {
        fail(
            "expected {} on {}, but {}; it had: {}",
            "{} 应出现在 {} 上，但{}；最后几行：{}",
            &[&words(what[0], what[1], &[]), &self.stream, &but, &self.last_seen()],
        )
    }

    /// Says that the stream has ended, which as a rule is the end of the program.
    fn its_end() -> String {
        thread::sleep(Duration::from_millis(100)); // the program may take a moment for it
        an_end().unwrap_or_else(|| words("it was closed", "它被关闭了", &[]))
    }

    /// Waits for the next line, which has to be `expected`.
    pub fn expect(&mut self, expected: &str) {
        let quoted = shortened(&format!("{expected:?}"));
        let what = [&format!("the line {quoted}"), &format!("这一行 {quoted}")];
        self.find_line(what.map(String::as_str), true, |line| line == expected);
    }

    /// Waits for the next line, which has to contain each of `parts`: that line.
    pub fn expect_parts(&mut self, parts: &[&str]) -> String {
        self.find(parts, true)
    }

    /// Waits until a line contains `part`, whatever comes before it: that line.
    pub fn wait_for(&mut self, part: &str) -> String {
        self.find(&[part], false)
    }

    /// Waits until a line contains each of `parts`, which may have to be the `next` one: that line.
    pub fn find(&mut self, parts: &[&str], next: bool) -> String {
        let quoted = shortened(&format!("{parts:?}"));
        let what = [&format!("a line with {quoted}"), &format!("含有 {quoted} 的一行")];
        self.find_line(what.map(String::as_str), next, |line| {
            parts.iter().all(|part| line.contains(part))
        })
    }

    fn find_line(&mut self, what: [&str; 2], next: bool, is_it: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        let mut end = None;
        loop {
            // Who has ended says no more, though what it has started may still hold the stream.
            let line = self.awaited(until.min(Instant::now() + A_WHILE));
            if line.is_err() && end.is_none() && Instant::now() < until {
                end = an_end();
                continue;
            }
            match line {
                Ok(Some(line)) if is_it(&line) => return line,
                Ok(Some(line)) if next || Instant::now() > until => {
                    let line = shortened(&format!("{line:?}"));
                    self.is_missing(what, &words("got {}", "得到 {}", &[&line]))
                }
                Ok(Some(_)) => {}
                _ => {
                    let why = line.err().map(|why| end.unwrap_or(why));
                    let why = why.unwrap_or_else(Lines::its_end);
                    let is_elsewhere = what[0].contains("listening on") && is_on_stdout(is_it);
                    let elsewhere = words("it is on stdout", "它写在了 stdout 上", &[]);
                    self.is_missing(what, if is_elsewhere { &elsewhere } else { &why })
                }
            }
        }
    }

    /// Whether such a line comes `until` then.
    pub(crate) fn has(&mut self, until: Instant, is_it: impl Fn(&str) -> bool) -> bool {
        let coming = || self.awaited(until).ok().flatten();
        std::iter::from_fn(coming).any(|line| is_it(&line))
    }

    /// All lines that are still to come until the end of the stream.
    pub fn rest(&mut self) -> Vec<String> {
        let until = Instant::now() + 6 * DEADLINE;
        let next = || {
            let line = self.awaited(until.min(Instant::now() + DEADLINE));
            line.unwrap_or_else(|why| {
                self.is_missing(["the end of all output", "全部输出的结尾"], &why)
            })
        };
        std::iter::from_fn(next).collect()
    }

    /// Waits for the end of the stream, before which nothing more may come.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        ensure(
            rest.is_empty(),
            "expected nothing more on {}, but got {}",
            "{} 上不应再有内容，但得到 {}",
            &[&self.stream, &shortened(&format!("{rest:?}"))],
        );
    }

    /// All lines so far, without waiting.
    pub fn seen(&self) -> Vec<String> {
        locked(&self.shared.0).lines.clone()
    }

    pub(crate) fn last_seen(&self) -> String {
        let seen = self.seen();
        shortened(&format!("{:?}", &seen[seen.len().saturating_sub(3)..]))
    }
}

fn collect(source: impl Read, (seen, arrived): &(Mutex<Seen>, Condvar)) {
    let mut source = BufReader::new(source.take(MOST_OF_STREAM));
    let mut line = Vec::new();
    let mut one = |line: &mut Vec<u8>| source.by_ref().take(MOST_OF_LINE).read_until(b'\n', line);
    let mut size = 0;
    while one(&mut line).is_ok_and(|size| size > 0) {
        size += line.len() as u64;
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if std::str::from_utf8(&line).is_err() {
            let hint =
                ["(not UTF-8: in the machine's code page?)", "（不是 UTF-8，是本机代码页？）"];
            text += &words(hint[0], hint[1], &[]);
        }
        // A line that lacks its line feed shows that it does.
        let text = text.strip_suffix('\n').map_or(format!("{text}(no line feed)"), str::to_owned);
        let mut seen = locked(seen);
        seen.lines.push(text);
        if size == MOST_OF_STREAM {
            seen.lines.push(format!("({size} bytes, and nobody reads any further)"));
        }
        arrived.notify_all();
        line.clear();
    }
}

/// The line with PORT for each ephemeral port of 127.0.0.1, of five digits, which is another one each time.
pub fn without_ports(line: &str) -> String {
    let without = |part: &str| match part.get(..5).map(str::parse::<u16>) {
        Some(Ok(_)) => format!("PORT{}", &part[5..]),
        _ => part.to_owned(),
    };
    line.split("127.0.0.1:").map(without).collect::<Vec<_>>().join("127.0.0.1:")
}
