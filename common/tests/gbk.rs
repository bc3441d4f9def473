//! All of GBK, against what Python's codec knows of it: `gbk.txt`, a row for each first byte, made by
//!
//!     python3 -X utf8 -c 'for first in range(0x80, 0x100): print("%02X " % first + "".join(
//!         bytes([first, second]).decode("gbk", "replace")[0] for second in range(0x40, 0xFF)))'

use std::collections::HashMap;

use common::gbk::{decode, encode};

/// The two-byte sequences that Python's codec decodes, and to what.
fn python() -> HashMap<[u8; 2], char> {
    let mut table = HashMap::new();
    for (first, row) in (0x80..=0xff).zip(include_str!("gbk.txt").lines()) {
        for (second, character) in (0x40..=0xfe).zip(row.chars().skip("80 ".len())) {
            table.insert([first, second], character);
        }
    }
    table.retain(|_, character| *character != '\u{fffd}');
    assert_eq!(table.len(), 21_791, "gbk.txt is not whole");
    table
}

#[test]
fn every_character_is_encoded_as_python_does_or_refused_by_name() {
    let table: HashMap<_, _> = python().into_iter().map(|(bytes, text)| (text, bytes)).collect();
    for character in '\0'..=char::MAX {
        let encoded = encode(character.to_string().as_bytes());
        let number = format!("(U+{:04X}) is not in GBK", character as u32);
        match (encoded, table.get(&character)) {
            (Ok(bytes), _) if character.is_ascii() => assert_eq!(bytes, [character as u8]),
            (Ok(bytes), Some(expected)) => assert_eq!(bytes, expected, "{character:?}"),
            (Err(error), None) => assert!(error.to_string().ends_with(&number), "{error}"),
            (encoded, expected) => panic!("{character:?}: {encoded:?}, Python: {expected:?}"),
        }
    }
}

#[test]
fn every_sequence_of_one_or_two_bytes_is_decoded_as_python_does_or_never_sent() {
    let table = python();
    for bytes in (0..=0xff_u8).flat_map(|first| (0..=0xff).map(move |second| [first, second])) {
        let (text, first) = (decode(&bytes), decode(&bytes[..1]));
        match table.get(&bytes) {
            Some(character) => assert_eq!(text, character.to_string()),
            None if bytes[0].is_ascii() => {
                assert_eq!(first, char::from(bytes[0]).to_string());
                assert!(text.starts_with(&first), "{text:?}");
            }
            // Malformed, or what WHATWG's GBK has beyond the others'.
            None => assert_ne!(encode(text.as_bytes()).unwrap_or_default(), bytes, "{text:?}"),
        }
    }
}
