//! How long the programs wait: for the other side, and before they try something again.

use std::io::{Error, ErrorKind, Result};
use std::{thread, time::Duration};

/// How long a client waits: for the reply to a datagram, for one send, at the end for more data.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns what `call` returns, but `None` at its socket's time-out. A lost connection is an error.
/// A call that a signal has interrupted (on Linux Ctrl-Z, then `fg`: signal(7)) is made again.
pub fn none_on_timeout<T>(mut call: impl FnMut() -> Result<T>) -> Result<Option<T>> {
    loop {
        match call() {
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == SOCKET_TIMEOUT => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// How a socket's time-out is reported. On Linux and macOS `TimedOut` is a dead connection (tcp(7)).
const SOCKET_TIMEOUT: ErrorKind =
    if cfg!(windows) { ErrorKind::TimedOut } else { ErrorKind::WouldBlock };

/// Pauses for 0.1 s after a failed accept or receive, so that a server does not spin. Not after a
/// reset, which is how Windows tells a UDP server that an earlier reply reached nobody.
pub fn pause_before_retry(error: &Error) {
    if error.kind() != ErrorKind::ConnectionReset {
        thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of a call that is interrupted once and then fails with an error of that kind.
    fn outcome(kind: ErrorKind) -> Result<Option<u8>> {
        let mut errors = [ErrorKind::Interrupted, kind].into_iter();
        none_on_timeout(|| errors.next().map_or(Ok(7), |kind| Err(kind.into())))
    }

    #[test]
    fn a_timeout_gives_none_and_a_lost_connection_is_an_error() {
        assert_eq!(outcome(ErrorKind::Interrupted).unwrap(), Some(7));
        assert_eq!(outcome(ErrorKind::WouldBlock).is_err(), cfg!(windows));
        assert_eq!(outcome(ErrorKind::TimedOut).is_err(), !cfg!(windows));
        assert_eq!(outcome(SOCKET_TIMEOUT).unwrap(), None);
        let lost = outcome(ErrorKind::ConnectionReset).unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::ConnectionReset);
    }
}
