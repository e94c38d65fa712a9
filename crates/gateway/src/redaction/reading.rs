//! A text as somebody reads it who takes it for JSON: tools quote the JSON of others in their texts, some of it quoted
//! again. Pure.

use std::ops::Range;

/// A piece of a text: as it is read, and where it stands.
enum Piece<'a> {
    Plain(&'a str),
    Escape(char),
}

/// The text without its escapes (RFC 8259 §7). It need not be JSON: what is no escape is read as it stands.
pub(super) fn read(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    for (_, piece) in pieces(text) {
        match piece {
            Piece::Plain(plain) => read.push_str(plain),
            Piece::Escape(character) => read.push(character),
        }
    }
    read
}

/// Turns positions in what is [`read`] of the text into positions in the text. They ascend, and are boundaries of
/// characters.
pub(super) fn places(text: &str, positions: &mut [usize]) {
    let (mut at, mut placed) = (0, 0);
    for (stands, piece) in pieces(text) {
        let (length, is_plain) = match piece {
            Piece::Plain(plain) => (plain.len(), true),
            Piece::Escape(character) => (character.len_utf8(), false),
        };
        while let Some(position) = positions.get_mut(placed).filter(|position| **position < at + length) {
            *position = stands.start + if is_plain { *position - at } else { 0 };
            placed += 1;
        }
        at += length;
    }
    positions[placed..].fill(text.len());
}

fn pieces(text: &str) -> impl Iterator<Item = (Range<usize>, Piece<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (start, rest) = (at, text.get(at..).filter(|rest| !rest.is_empty())?);
        let piece = match escape(rest) {
            Some((character, length)) => {
                at += length;
                Piece::Escape(character)
            }
            None => {
                // A backslash that escapes nothing stands for itself.
                let next = rest.as_bytes()[1..].iter().position(|byte| *byte == b'\\');
                at += next.map_or(rest.len(), |next| next + 1);
                Piece::Plain(&text[start..at])
            }
        };
        Some((start..at, piece))
    })
}

/// The escape that a text begins with: what it stands for, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let character = match text.strip_prefix('\\')?.bytes().next()? {
        escaped @ (b'"' | b'\\' | b'/') => char::from(escaped),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return by_number(text),
        _ => return None,
    };
    Some((character, 2))
}

/// `\uXXXX`, or two of them for a character beyond the first plane. A half of such a pair stands for nothing.
fn by_number(text: &str) -> Option<(char, usize)> {
    const LENGTH: usize = r"\uXXXX".len();
    let first = unit(text)?;
    let second = text.get(LENGTH..).and_then(unit);
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match (char::from_u32(first.into()), pair) {
        (Some(character), _) => Some((character, LENGTH)),
        (None, Some(character)) => Some((character, 2 * LENGTH)),
        (None, None) => Some((char::REPLACEMENT_CHARACTER, LENGTH)),
    }
}

fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_read_and_nothing_else_is() {
        for (text, expected) in [
            (r#"{\"a\":\"\u0041\/\\b\"}"#, r#"{"a":"A/\b"}"#),
            (r"C:\users\new \x \u12 \", "C:\\users\new \\x \\u12 \\"),
            (r"\ud83d\ude00 \ud83d! \ude00\u00E9é\é", "😀 \u{fffd}! \u{fffd}éé\\é"),
            ("", ""),
            ("é", "é"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn positions_lead_back() {
        let text = r"ab\u0041c\\d\";
        assert_eq!(read(text), r"abAc\d\");
        let mut positions = [0, 1, 2, 3, 4, 5, 6, 7];
        places(text, &mut positions);
        assert_eq!(positions, [0, 1, 2, 8, 9, 11, 12, 13]);
    }

    proptest! {
        #[test]
        fn what_json_spells_is_read_as_it_is_meant(text in r#"[a-zé😀"\\/\n\t\u{1}]{0,30}"#, before in r"[a-z\\é]{0,5}") {
            let spelled = serde_json::to_string(&text).unwrap();
            let spelled = &spelled[1..spelled.len() - 1];
            prop_assert_eq!(read(spelled), text.clone());
            let whole = format!("{before}|{spelled}");
            let start = read(&whole).len() - text.len();
            let mut positions = [start, read(&whole).len()];
            places(&whole, &mut positions);
            prop_assert_eq!(&whole[positions[0]..positions[1]], spelled);
        }
    }
}
