//! The wire's encoding: GBK, as every codec of that name reads it.
//!
//! encoding_rs has that of the WHATWG Encoding Standard, which encodes more characters, and decodes
//! GB 18030. So sending is narrowed to what all codecs read; receiving stays wide: anything decodes.

use anyhow::{Result, anyhow, ensure};
pub use encoding_rs::Decoder;
use encoding_rs::GBK;

use crate::message::EXIT;
use crate::screen::printable;

/// Encodes a line of text with nothing replaced or left out. The error names the first byte that is
/// not UTF-8, by its place, or the first character outside GBK, by its U+ number.
pub fn encode(utf8: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(utf8).map_err(|error| {
        let place = error.valid_up_to();
        anyhow!("byte {} (0x{:02X}) is not UTF-8", place + 1, utf8[place])
    })?;
    for character in text.chars() {
        let alone = character.to_string();
        let is_in_gbk = !GBK.encode(&alone).2 && !is_later_than_gbk(character);
        ensure!(is_in_gbk, "'{}' (U+{:04X}) is not in GBK", printable(&alone), character as u32);
    }
    Ok(GBK.encode(text).0.into_owned())
}

/// What the WHATWG encoder takes beyond GBK: the euro sign as 0x80 (WHATWG, gb18030 encoder,
/// step 4), the private-use area, and what GB 18030 gave two bytes later: radicals, description
/// characters, extension A and others of CJK, vertical forms.
fn is_later_than_gbk(character: char) -> bool {
    matches!(character, '€' | 'ǹ' | 'ḿ' | '〾' | '\u{2E80}'..='\u{2EFF}' | '\u{2FF0}'..='\u{2FFF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{9FB4}'..='\u{9FBB}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FE10}'..='\u{FE19}')
}

/// Decodes a whole message. Malformed bytes become U+FFFD, as WHATWG's gb18030 decoder says, and no
/// byte-order mark is looked for: on this wire `EF BB BF` is GBK like any other bytes.
pub fn decode(message: &[u8]) -> String {
    GBK.decode_without_bom_handling(message).0.into_owned()
}

/// A decoder for one direction of one connection.
pub fn stream_decoder() -> Decoder {
    GBK.new_decoder_without_bom_handling()
}

/// The text that `received` completes: half a character waits for its other half, until the `end`
/// of the connection makes it U+FFFD, as malformed bytes are.
pub fn decode_next(decoder: &mut Decoder, received: &[u8], end: bool) -> String {
    // Four bytes of UTF-8 for each byte would do for anything, the pending ones included.
    let mut text = String::with_capacity(4 * received.len() + 16);
    let _ = decoder.decode_to_string(received, &mut text, end);
    if end {
        *decoder = stream_decoder(); // a decoder that has ended is not to be used again
    }
    text
}

/// Cuts an encoded message into pieces of at most `most` bytes (6 or more). None ends within a
/// character, as a peer may decode each alone, and the last of several is not the exit message.
pub fn pieces(message: &[u8], most: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < message.len() {
        // What `encode` makes has one byte of ASCII, or two with the first one outside.
        let mut width = if message[end].is_ascii() { 1 } else { 2 };
        if &message[end + width..] == EXIT {
            width += EXIT.len(); // alone, these four letters would be the exit message
        }
        if end + width - start > most {
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
    fn text_is_encoded_as_it_stands() {
        assert_eq!(encode("a你好\r\0".as_bytes()).unwrap(), b"a\xc4\xe3\xba\xc3\r\0");
    }

    #[test]
    fn the_first_character_outside_gbk_or_byte_that_is_not_utf_8_is_named() {
        let lines: [(&[u8], &str); 6] = [
            ("你好€😀".as_bytes(), "'€' (U+20AC) is not in GBK"),
            ("\u{9b}".as_bytes(), r"'\u{9b}' (U+009B) is not in GBK"),
            (b"\xff", "byte 1 (0xFF) is not UTF-8"),
            (b"ab\xc4\xe3", "byte 3 (0xC4) is not UTF-8"),
            (b"\xe4\xbd\xa0\xa0\xff", "byte 4 (0xA0) is not UTF-8"), // after three bytes of 你
            (b"\n\xe4\xbd", "byte 2 (0xE4) is not UTF-8"),           // the end is missing
        ];
        for (line, named) in lines {
            assert_eq!(encode(line).unwrap_err().to_string(), named);
        }
    }

    #[test]
    fn a_stream_cut_anywhere_decodes_to_the_same_text() {
        // Characters of one, two and four bytes, malformed ones, and half a one at the end.
        let bytes = b"a\xc4\xe3\x94\x39\xfc\x36\xff\xc4\x7fb\x81\x30\xba\xc3\x84\x31";
        for one in 0..=bytes.len() {
            for two in one..=bytes.len() {
                let mut decoder = stream_decoder();
                let mut text = decode_next(&mut decoder, &bytes[..one], false);
                text += &decode_next(&mut decoder, &bytes[one..two], false);
                text += &decode_next(&mut decoder, &bytes[two..], false);
                text += &decode_next(&mut decoder, &[], true);
                assert_eq!(text, decode(bytes), "cut at {one} and {two}");
            }
        }
    }

    #[test]
    fn a_receive_of_nothing_but_malformed_bytes_is_decoded_to_its_end() {
        let text = decode_next(&mut stream_decoder(), &[0xff; 1024], false);
        assert_eq!(text, "\u{fffd}".repeat(1024));
    }

    #[test]
    fn no_piece_of_a_longer_message_is_the_exit_message() {
        assert_eq!(pieces(EXIT, 6), [EXIT]);
        assert_eq!(pieces(b"aaaaaaexit", 6), [b"aaaaa".as_slice(), b"aexit"]);
        assert_eq!(pieces(b"aaaa\xc4\xe3exit", 6), [b"aaaa".as_slice(), b"\xc4\xe3exit"]);
        assert_eq!(pieces(b"exitaaexit", 6), [b"exita".as_slice(), b"aexit"]);
        assert_eq!(pieces(b"aaaaaaexits", 6), [b"aaaaaa".as_slice(), b"exits"]);
        assert_eq!(pieces(b"exitexit", 6), [b"exi".as_slice(), b"texit"]);
    }

    #[test]
    fn no_byte_order_mark_is_looked_for() {
        for mark in [b"\xef\xbb\xbfa".as_slice(), b"\xff\xfea", b"\xfe\xffa"] {
            assert_eq!(decode_next(&mut stream_decoder(), mark, true), decode(mark));
        }
        assert_eq!(decode(b"\xef\xbb\xbfa"), "锘縜");
    }

    #[test]
    fn pieces_are_full_whole_and_in_order() {
        // Every message of up to ten characters of either width, with and without the exit message.
        for number in 1..1_u32 << 11 {
            let characters =
                (0..number.ilog2()).map(|bit| if number >> bit & 1 == 0 { 'a' } else { '你' });
            let text: String = characters.collect();
            for text in [text.clone(), text + "exit"] {
                let message = encode(text.as_bytes()).unwrap();
                for most in 6..=9 {
                    check_pieces(&message, most);
                }
            }
        }
    }

    fn check_pieces(message: &[u8], most: usize) {
        let pieces = pieces(message, most);
        assert_eq!(pieces.concat(), message);
        for (index, piece) in pieces.iter().enumerate() {
            assert!(piece.len() <= most && !decode(piece).contains('\u{fffd}'), "{pieces:02x?}");
            // The last but one leaves the exit message, and the character before it, to the last.
            let left = pieces.len() - 1 - index;
            let kept = if left == 1 && message.ends_with(EXIT) { EXIT.len() } else { 0 };
            assert!(left == 0 || piece.len() + 1 + kept >= most, "{pieces:02x?}");
            let is_alone = pieces.len() == 1;
            assert!(is_alone || (*piece != EXIT && !piece.is_empty()), "{pieces:02x?}");
        }
    }
}
