//! What holds for any input whatever: random bytes and random text, cut at random places.

use common::gbk::{decode, decode_next, encode, pieces, stream_decoder};
use common::message::EXIT;
use common::screen::printable;
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that are often the beginning or the middle of a character, and often none of either.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), 0x81..=0xfe_u8, 0x30..=0x39_u8, Just(b'\n'), Just(0x80)];
    vec(byte, 0..200)
}

/// Text of which most is in GBK: hanzi, ASCII with its control characters, and anything.
fn typed() -> impl Strategy<Value = String> {
    let hanzi = prop::char::range('\u{4e00}', '\u{9fa5}');
    let ascii = prop::char::range('\0', '\x7f');
    let character = prop_oneof![20 => hanzi, 20 => ascii, 1 => any::<char>()];
    vec(character, 0..200).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_shown_is_one_line_without_control_characters(message in wire()) {
        let text = decode(&message);
        prop_assert!(!printable(&text).contains(char::is_control));
    }

    #[test]
    fn a_stream_reads_as_the_whole_wherever_it_is_cut(message in wire(), cuts in vec(0..200_usize, 0..20)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(message.len())).collect();
        cuts.extend([0, message.len()]);
        cuts.sort_unstable();
        let mut decoder = stream_decoder();
        let mut text: String =
            cuts.windows(2).map(|cut| decode_next(&mut decoder, &message[cut[0]..cut[1]], false)).collect();
        text += &decode_next(&mut decoder, &[], true);
        prop_assert_eq!(text, decode(&message));
    }

    #[test]
    fn text_arrives_as_it_was_sent_or_is_refused(text in typed()) {
        match encode(text.as_bytes()) {
            Ok(message) => prop_assert_eq!(decode(&message), text),
            Err(error) => prop_assert!(error.to_string().ends_with("is not in GBK"), "{}", error),
        }
    }

    #[test]
    fn pieces_are_whole_and_as_full_as_can_be(text in typed(), most in 6..30_usize) {
        let message = [encode(text.as_bytes()).unwrap_or_default(), EXIT.to_vec()].concat();
        let pieces = pieces(&message, most);
        prop_assert_eq!(&pieces.concat(), &message);
        for (index, piece) in pieces.iter().enumerate() {
            prop_assert!(*piece != EXIT || message == EXIT);
            prop_assert!(!decode(piece).contains(char::REPLACEMENT_CHARACTER));
            prop_assert!((1..=most).contains(&piece.len()));
            let room_for_exit = if index + 2 == pieces.len() { EXIT.len() } else { 0 };
            prop_assert!(piece.len() + 1 + room_for_exit >= most || index + 1 == pieces.len());
        }
    }

    #[test]
    fn input_that_is_not_utf_8_is_refused_at_its_first_bad_byte(line in vec(any::<u8>(), 0..50)) {
        if let Err(bad) = std::str::from_utf8(&line) {
            let place = bad.valid_up_to();
            let error = encode(&line).unwrap_err().to_string();
            prop_assert_eq!(error, format!("byte {} (0x{:02X}) is not UTF-8", place + 1, line[place]));
        }
    }
}
