//! The wire's encoding: GBK, as every codec of that name reads it.
//!
//! encoding_rs follows the WHATWG Encoding Standard, whose GBK encoder knows more characters than
//! the others' do, and whose decoder is that of GB 18030. Sending is therefore narrowed to what
//! all of them read, and receiving is left wide: anything decodes.

use anyhow::{Result, anyhow, bail};
use encoding_rs::GBK;

use crate::message::EXIT;
use crate::screen::printable;

/// Encodes `utf8`, a line of text as bytes, or says what stands in the way.
///
/// # Errors
/// Bytes that are not UTF-8, with the place of the first; a character outside GBK, with its
/// U+ number. Nothing is replaced or left out.
pub fn encode(utf8: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(utf8).map_err(|error| {
        let place = error.valid_up_to();
        anyhow!("byte {} (0x{:02X}) is not UTF-8", place + 1, utf8[place])
    })?;
    let mut message = Vec::with_capacity(text.len());
    for character in text.chars() {
        let mut utf8 = [0; 4];
        let utf8 = character.encode_utf8(&mut utf8);
        let (bytes, _, unmappable) = GBK.encode(utf8);
        if unmappable || is_later_than_gbk(character) {
            bail!("'{}' (U+{:04X}) is not in GBK", printable(utf8), character as u32);
        }
        message.extend_from_slice(&bytes);
    }
    Ok(message)
}

/// What the WHATWG encoder takes beyond GBK: the euro sign as 0x80 (WHATWG, gb18030 encoder,
/// step 4), the private-use area, and the characters that GB 18030 gave two bytes later.
fn is_later_than_gbk(character: char) -> bool {
    matches!(character,
        '€' | 'ǹ' | 'ḿ' | '〾'
        | '\u{2E80}'..='\u{2EFF}' // CJK radicals
        | '\u{2FF0}'..='\u{2FFF}' // ideographic description characters
        | '\u{3400}'..='\u{4DBF}' // CJK extension A
        | '\u{9FB4}'..='\u{9FBB}' // CJK, added in Unicode 4.1
        | '\u{E000}'..='\u{F8FF}' // private use
        | '\u{FE10}'..='\u{FE19}') // vertical forms
}

/// Decodes a whole message. Malformed bytes become U+FFFD, as WHATWG's gb18030 decoder says.
///
/// Without sniffing for a byte-order mark: on this wire `EF BB BF` is GBK like any other bytes.
pub fn decode(message: &[u8]) -> String {
    GBK.decode_without_bom_handling(message).0.into_owned()
}

/// Decodes a connection as one stream: half a character waits for its other half.
pub struct StreamDecoder(encoding_rs::Decoder);

impl StreamDecoder {
    /// A decoder for one direction of one connection. No byte-order mark is looked for.
    #[allow(clippy::new_without_default)] // one way to make one is enough
    pub fn new() -> Self {
        Self(GBK.new_decoder_without_bom_handling())
    }

    /// The text that `received` completes. Malformed bytes become U+FFFD.
    pub fn decode(&mut self, received: &[u8]) -> String {
        self.feed(received, false)
    }

    /// What the end of the connection leaves: U+FFFD for half a character, else nothing.
    pub fn finish(mut self) -> String {
        self.feed(&[], true)
    }

    fn feed(&mut self, bytes: &[u8], last: bool) -> String {
        // Four bytes of UTF-8 for each byte would do for anything, the pending ones included.
        let room = self.0.max_utf8_buffer_length(bytes.len());
        let mut text = String::with_capacity(room.unwrap_or(4 * bytes.len() + 16));
        let _ = self.0.decode_to_string(bytes, &mut text, last);
        text
    }
}

/// Cuts an encoded message into pieces of at most `most` bytes (6 or more), none of which ends
/// within a character: a peer that decodes each piece alone reads them all. Nor is the last of
/// several the exit message, which would end the conversation.
pub fn pieces(message: &[u8], most: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    // A piece begins at `start`, its last character at `last`, and it ends before `end`.
    let (mut start, mut last, mut end) = (0, 0, 0);
    while end < message.len() {
        // What `encode` makes has one byte below 0x80, or two with the first one above.
        let width = if message[end] < 0x80 { 1 } else { 2 };
        if end + width - start > most {
            // Alone, these four letters would be the exit message: a character goes with them.
            let cut = if &message[end..] == EXIT { last } else { end };
            pieces.push(&message[start..cut]);
            start = cut;
        }
        last = end;
        end += width;
    }
    if start < message.len() {
        pieces.push(&message[start..]);
    }
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
    fn the_first_character_outside_gbk_is_named() {
        let error = encode("你好€😀".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "'€' (U+20AC) is not in GBK");
        let error = encode("\u{9b}".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), r"'\u{9b}' (U+009B) is not in GBK");
    }

    #[test]
    fn the_first_byte_that_is_not_utf_8_is_named() {
        let error = encode(b"ab\xc4\xe3").unwrap_err();
        assert_eq!(error.to_string(), "byte 3 (0xC4) is not UTF-8");
    }

    #[test]
    fn a_stream_cut_anywhere_decodes_to_the_same_text() {
        // Characters of one, two and four bytes, malformed ones, and half a one at the end.
        let bytes = b"a\xc4\xe3\x94\x39\xfc\x36\xff\xc4\x7fb\x81\x30\xba\xc3\x84\x31";
        for one in 0..=bytes.len() {
            for two in one..=bytes.len() {
                let mut decoder = StreamDecoder::new();
                let mut text = decoder.decode(&bytes[..one]);
                text += &decoder.decode(&bytes[one..two]);
                text += &decoder.decode(&bytes[two..]);
                text += &decoder.finish();
                assert_eq!(text, decode(bytes), "cut at {one} and {two}");
            }
        }
    }

    #[test]
    fn no_piece_of_a_longer_message_is_the_exit_message() {
        assert_eq!(pieces(EXIT, 6), [EXIT]);
        assert_eq!(pieces(b"aaaaaaexit", 6), [b"aaaaa".as_slice(), b"aexit"]);
        assert_eq!(pieces(b"aaaa\xc4\xe3exit", 6), [b"aaaa".as_slice(), b"\xc4\xe3exit"]);
        assert_eq!(pieces(b"exitaaexit", 6), [b"exita".as_slice(), b"aexit"]);
        assert_eq!(pieces(b"aaaaaaexits", 6), [b"aaaaaa".as_slice(), b"exits"]);
        assert_eq!(pieces(b"exitexit", 6), [b"exitex".as_slice(), b"it"]);
    }

    #[test]
    fn no_byte_order_mark_is_looked_for() {
        for mark in [b"\xef\xbb\xbfa".as_slice(), b"\xff\xfea", b"\xfe\xffa"] {
            let mut decoder = StreamDecoder::new();
            assert_eq!(decoder.decode(mark) + &decoder.finish(), decode(mark));
        }
        assert_eq!(decode(b"\xef\xbb\xbfa"), "锘縜");
    }

    #[test]
    fn pieces_are_full_whole_and_in_order() {
        for text in ["", "a", "你", "a你", "你a你a你a你a", "你你你你你", "aaaaaaaa你", "aaa你好a你"]
        {
            let message = encode(text.as_bytes()).unwrap();
            for most in 6..=9 {
                let pieces = pieces(&message, most);
                assert_eq!(pieces.concat(), message);
                for (index, piece) in pieces.iter().enumerate() {
                    assert!((1..=most).contains(&piece.len()), "{pieces:02x?}");
                    assert!(!decode(piece).contains('\u{fffd}'), "{pieces:02x?}");
                    let is_last = index + 1 == pieces.len();
                    assert!(is_last || piece.len() + 1 >= most, "{pieces:02x?}");
                }
            }
        }
    }
}
