//! The wire's encoding: GBK, as every codec of that name reads it.
//! encoding_rs follows the WHATWG Encoding Standard, whose GBK encodes more characters and decodes
//! GB 18030. So what is sent is narrowed to what all codecs read; whatever is received is decoded.

use anyhow::{Result, anyhow, ensure};
pub use encoding_rs::Decoder;
use encoding_rs::GBK;

use crate::screen::escaped;

/// Encodes a line of text with nothing replaced or left out. The error names the first byte that is
/// not UTF-8, by its place, or the first character outside GBK, by its U+ number.
pub fn encode(utf8: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(utf8).map_err(|error| {
        let place = error.valid_up_to();
        anyhow!("byte {} (0x{:02X}) is not UTF-8", place + 1, utf8[place])
    })?;
    for character in text.chars() {
        let alone = character.to_string();
        let (_, _, is_unmappable) = GBK.encode(&alone);
        let is_in_gbk = !is_unmappable && !is_beyond_gbk(character);
        ensure!(is_in_gbk, "'{}' (U+{:04X}) is not in GBK", escaped(&alone), character as u32);
    }
    let (message, _, _) = GBK.encode(text);
    Ok(message.into_owned())
}

/// What the WHATWG encoder has beyond GBK: the euro sign (0x80), the private-use area, and what GB
/// 18030 added: ǹ, ḿ, 〾, radicals, ideographic description characters, more CJK, vertical forms.
fn is_beyond_gbk(character: char) -> bool {
    matches!(character, '€' | 'ǹ' | 'ḿ' | '〾' | '\u{2E80}'..='\u{2EFF}' | '\u{2FF0}'..='\u{2FFF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{9FB4}'..='\u{9FBB}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FE10}'..='\u{FE19}')
}

/// Decodes a whole message. Malformed bytes become U+FFFD, as WHATWG's gb18030 decoder says, and no
/// byte-order mark is looked for: on this wire `EF BB BF` is GBK like any other bytes.
pub fn decode(message: &[u8]) -> String {
    let (text, _) = GBK.decode_without_bom_handling(message);
    text.into_owned()
}

/// A decoder for one direction of one connection.
pub fn stream_decoder() -> Decoder {
    GBK.new_decoder_without_bom_handling()
}

/// Decodes the next bytes. Half a character at the end is kept for the next call. Empty `bytes` end
/// the stream: half a character becomes U+FFFD, and the decoder must not be used again.
pub fn decode_part(decoder: &mut Decoder, bytes: &[u8]) -> String {
    // Four bytes of UTF-8 for each byte are enough for anything, the kept ones included.
    let mut text = String::with_capacity(4 * bytes.len() + 16);
    let _ = decoder.decode_to_string(bytes, &mut text, bytes.is_empty());
    text
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
        for one in 1..bytes.len() - 1 {
            for two in one + 1..bytes.len() {
                let mut decoder = stream_decoder();
                let mut text = decode_part(&mut decoder, &bytes[..one]);
                text += &decode_part(&mut decoder, &bytes[one..two]);
                text += &decode_part(&mut decoder, &bytes[two..]);
                text += &decode_part(&mut decoder, &[]);
                assert_eq!(text, decode(bytes), "cut at {one} and {two}");
            }
        }
    }

    #[test]
    fn a_receive_of_malformed_bytes_alone_is_decoded_to_its_end() {
        let text = decode_part(&mut stream_decoder(), &[0xff; 1024]);
        assert_eq!(text, "\u{fffd}".repeat(1024));
    }

    #[test]
    fn a_byte_order_mark_is_decoded_like_any_other_bytes() {
        assert_eq!(decode(b"\xef\xbb\xbfa"), "锘縜");
        assert_eq!(decode_part(&mut stream_decoder(), b"\xef\xbb\xbfa"), "锘縜");
        let mark = b"\xff\xfea";
        assert_eq!(decode_part(&mut stream_decoder(), mark), decode(mark));
    }
}
