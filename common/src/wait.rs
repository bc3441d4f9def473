//! What a call on a socket returns when it has waited in vain: the same on every system.

use std::io::{ErrorKind, Result};
use std::{thread, time::Duration};

/// How long a client waits for what may never come.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Receives by which a client takes what has come too late, at the most: who floods holds up nobody.
pub const MOST_LATE: usize = 10_000;

// Elsewhere than on Windows, `TimedOut` is told of a peer that is dead (tcp(7)).
const TIME_OUT: ErrorKind = if cfg!(windows) { ErrorKind::TimedOut } else { ErrorKind::WouldBlock };

/// What `call` returns, or `None` when nothing has come in time or, on a socket that does not block,
/// nothing is there or no room for more. It fails as the call does.
pub fn unless_in_vain(mut call: impl FnMut() -> Result<usize>) -> Result<Option<usize>> {
    loop {
        match call().map_err(|error| (error.kind(), error)) {
            Ok(size) => return Ok(Some(size)),
            Err((ErrorKind::Interrupted, _)) => {} // by Ctrl-Z and fg: signal(7)
            Err((kind, _)) if [ErrorKind::WouldBlock, TIME_OUT].contains(&kind) => return Ok(None),
            Err((_, error)) => return Err(error),
        }
    }
}

/// Waits 10 ms, so that who tries something again and again does not keep a processor busy.
pub fn a_moment() {
    thread::sleep(Duration::from_millis(10));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of a call that is interrupted once and then fails with that kind of error.
    fn outcome(kind: ErrorKind) -> Result<Option<usize>> {
        let mut errors = [ErrorKind::Interrupted, kind].into_iter();
        unless_in_vain(|| errors.next().map_or(Ok(7), |kind| Err(kind.into())))
    }

    #[test]
    fn a_wait_in_vain_is_nothing_and_a_dead_peer_is_an_error() {
        assert_eq!(outcome(ErrorKind::Interrupted).unwrap(), Some(7));
        assert_eq!(outcome(ErrorKind::WouldBlock).unwrap(), None);
        // A receive with a time-out, on Windows; elsewhere nobody has acknowledged what was sent.
        assert_eq!(outcome(ErrorKind::TimedOut).is_err(), !cfg!(windows));
        assert_eq!(
            outcome(ErrorKind::ConnectionReset).unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
    }
}
