//! What a message is: its largest sizes, and the one that ends a conversation.

use anyhow::{Result, ensure};

/// Bytes that one receive takes from a TCP stream at the most: the tutorial's `recv(1024)`.
pub const RECEIVE_SIZE: usize = 1024;

/// Bytes that hold any UDP datagram: the length field of the UDP header has 16 bits (RFC 768).
pub const DATAGRAM_SIZE: usize = 65_535;

/// Bytes that a datagram carries at the most: less 20 of IPv4 header (RFC 791) and 8 of UDP header.
const MOST: usize = 65_507;

/// Refuses a message that no datagram can carry, with its size and the largest.
pub fn check_datagram(message: &[u8]) -> Result<()> {
    let size = message.len();
    ensure!(size <= MOST, "{size} bytes in GBK, and a datagram carries at most {MOST}");
    Ok(())
}

/// The message that gets no reply and ends the conversation it is sent in (tutorial).
pub const EXIT: &[u8] = b"exit";

/// Whether `message`, which reads `text`, is exactly the exit message. Both count: after half a
/// character, the same four bytes begin with its other half and read as other letters.
pub fn is_exit(message: &[u8], text: &str) -> bool {
    message == EXIT && text.as_bytes() == EXIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_letters_are_the_exit_message() {
        assert!(is_exit(b"exit", "exit"));
        for other in ["", "exi", "exits", "EXIT", "Exit", " exit", "exit\n", "退出"] {
            assert!(!is_exit(other.as_bytes(), other), "{other:?}");
        }
        assert!(!is_exit(b"exit", "膃xit"), "after half a character");
        assert!(!is_exit(b"exit\xc4", "exit"), "before half a character");
    }
}
