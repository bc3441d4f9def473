//! What a message is: how a line becomes one datagram or several pieces, and the exit message.

use anyhow::{Result, ensure};

use crate::gbk;

/// The exit message. It gets no reply; it stops a UDP server (tutorial), or ends a TCP connection.
pub const EXIT: &[u8] = b"exit";

/// Largest number of bytes that one TCP receive returns: the tutorial's `recv(1024)`.
pub const RECEIVE_SIZE: usize = 1024;

/// Size of a buffer for any UDP datagram: the length in the UDP header has 16 bits (RFC 768).
pub const DATAGRAM_SIZE: usize = 65_535;

/// Largest number of bytes that a datagram carries besides its headers: 20 bytes IPv4, 8 UDP.
const MAX_PAYLOAD: usize = 65_507;

/// Encodes a line as the message of one datagram. Fails if the line cannot be encoded, see
/// [`gbk::encode`], or is too long; then the error has its size and the limit.
pub fn encode_datagram(line: &[u8]) -> Result<Vec<u8>> {
    let message = gbk::encode(line)?;
    let size = message.len();
    ensure!(size <= MAX_PAYLOAD, "{size} bytes in GBK, a datagram carries at most {MAX_PAYLOAD}");
    Ok(message)
}

/// Splits an encoded message into pieces of at most `max_size` bytes (10 or more). Each has whole
/// characters, since a peer may decode it alone, and none of several is the exit message.
pub fn pieces(message: &[u8], max_size: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < message.len() {
        // A character outside ASCII has two bytes in GBK.
        let mut width = if message[end].is_ascii() { 1 } else { 2 };
        if &message[end + width..] == EXIT {
            width += EXIT.len(); // alone, these four letters would be the exit message
        }
        if end + width - start > max_size {
            pieces.push(&message[start..end]);
            start = end;
        }
        end += width;
    }
    pieces.push(&message[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_piece_of_a_longer_message_is_the_exit_message() {
        assert_eq!(pieces(EXIT, 10), [EXIT]);
        assert_eq!(pieces(b"aaaaaaaaaaexit", 10), [b"aaaaaaaaa".as_slice(), b"aexit"]);
        assert_eq!(pieces(b"aaaaaaaa\xc4\xe3exit", 10), [b"aaaaaaaa".as_slice(), b"\xc4\xe3exit"]);
        assert_eq!(pieces(b"exit\xc4\xe3exit", 10), [b"exit\xc4\xe3exit"]);
        assert_eq!(pieces(b"aaaaaaaaaaexits", 10), [b"aaaaaaaaaa".as_slice(), b"exits"]);
        assert_eq!(pieces(b"aaaaexitexit", 10), [b"aaaaexi".as_slice(), b"texit"]);
    }

    #[test]
    fn pieces_are_full_whole_and_in_order() {
        // Every message of up to eleven characters of either width, with and without the exit message.
        for number in 1..1_u32 << 12 {
            let characters =
                (0..number.ilog2()).map(|bit| if number >> bit & 1 == 0 { 'a' } else { '你' });
            let text: String = characters.collect();
            for text in [text.clone(), text + "exit"] {
                let message = gbk::encode(text.as_bytes()).unwrap();
                for max_size in 10..=12 {
                    check_pieces(&message, max_size);
                }
            }
        }
    }

    fn check_pieces(message: &[u8], max_size: usize) {
        let pieces = pieces(message, max_size);
        assert_eq!(pieces.concat(), message);
        for (index, piece) in pieces.iter().enumerate() {
            assert!(
                piece.len() <= max_size && !gbk::decode(piece).contains('\u{fffd}'),
                "{pieces:02x?}"
            );
            // The last but one leaves the exit message, and the character before it, to the last.
            let left = pieces.len() - 1 - index;
            let kept = if left == 1 && message.ends_with(EXIT) { EXIT.len() } else { 0 };
            assert!(left == 0 || piece.len() + 1 + kept >= max_size, "{pieces:02x?}");
            let is_alone = pieces.len() == 1;
            assert!(is_alone || (*piece != EXIT && !piece.is_empty()), "{pieces:02x?}");
        }
    }
}
