//! Percent-encoding, and what an encoded segment is to whoever decodes it.

use std::borrow::Cow;
use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stays with `allowReserved`: the reserved characters that separate nothing in a query. `& = + # ;` do, and are
/// encoded all the same (OA-02).
const SEPARATORS: &AsciiSet = &RESERVED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',');
/// What is encoded in the literal text of a path template, where `%` begins what is encoded already.
const LITERAL: &AsciiSet =
    &SEPARATORS.remove(b'%').remove(b'+').remove(b';').remove(b'=').remove(b'&').remove(b'\'').add(b'?');
/// Names of query parameters: `$top` is one.
const NAME: &AsciiSet = &RESERVED.remove(b'$').remove(b'@').remove(b':');

/// How often something may have been encoded.
const ROUNDS: usize = 8;

pub(super) fn encoded(text: &str) -> impl Display {
    utf8_percent_encode(text, RESERVED)
}

pub(super) fn encoded_but_reserved(text: &str) -> impl Display {
    utf8_percent_encode(text, SEPARATORS)
}

pub(super) fn encoded_literal(text: &str) -> String {
    utf8_percent_encode(text, LITERAL).to_string()
}

pub(super) fn encoded_name(text: &str) -> String {
    utf8_percent_encode(text, NAME).to_string()
}

/// Why a segment is refused; `None` when it is one segment to everybody, however often they decode it (OA-01).
pub(super) fn unsafe_segment(encoded: &str) -> Option<&'static str> {
    if encoded.is_empty() {
        return Some("it must not be empty");
    }
    if encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')) {
        return None;
    }
    let mut text = encoded.to_owned();
    for _ in 0..ROUNDS {
        if text.chars().any(|character| character.is_control() || character == '\\') {
            return Some("a part of a path has no control characters and no backslash");
        }
        if text.split(is_slash).any(is_dots) {
            return Some("a part of a path is not . or .., encoded or not");
        }
        match percent_decode_str(&text).decode_utf8_lossy() {
            Cow::Owned(decoded) if decoded != text => text = decoded,
            _ => return None,
        }
    }
    Some("it is percent-encoded too often")
}

/// `/` and the characters that some take for it.
fn is_slash(character: char) -> bool {
    matches!(character, '/' | '\\' | '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' | '\u{ff3c}')
}

/// Whether a segment is `.` or `..` to somebody: encoded, with parameters behind it, with spaces around it, or of other
/// full stops.
pub(super) fn is_dots(segment: &str) -> bool {
    if segment.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return false;
    }
    let segment = percent_decode_str(segment).decode_utf8_lossy();
    let name = segment.split([';', '?', '#']).next().unwrap_or_default().trim();
    let mut dots = 0;
    let are_dots = name.chars().all(|character| {
        dots += if character == '\u{2025}' { 2 } else { 1 };
        matches!(character, '.' | '\u{2024}' | '\u{2025}' | '\u{ff0e}' | '\u{3002}')
    });
    are_dots && (1..=2).contains(&dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oa_01_segments_that_are_more_than_one_to_somebody_are_refused() {
        for segment in [
            "",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            ".%2e",
            "%252e%252e",
            "..%2Fadmin",
            "a%2F..%2Fb",
            "a%2f%2e%2e",
            "%2F..",
            "..;x",
            "..%3Bx",
            "%20..%20",
            "a%00b",
            "a%0Ab",
            "a%5Cb",
            "%5C..%5C",
            "a%255Cb",
            "..%EF%BC%8Fadmin",
            "%EF%BC%8E%EF%BC%8E",
            "%25252525252525252525252e",
            "%E2%80%A5",
        ] {
            assert!(unsafe_segment(segment).is_some(), "{segment}");
        }
        for segment in [
            "a",
            "...",
            "a%2Fb",
            "a%3Fx%3D1",
            "100%25",
            "%EF%BC%8F",
            "v1..2",
            ".git",
            "a%3Bb",
            "%25zz",
            "a%2E",
        ] {
            assert_eq!(unsafe_segment(segment), None, "{segment}");
        }
    }

    #[test]
    fn only_what_separates_nothing_stays() {
        assert_eq!(encoded("a-._~/?&=+#;%ü").to_string(), "a-._~%2F%3F%26%3D%2B%23%3B%25%C3%BC");
        assert_eq!(encoded_but_reserved("a:/?@,&=+#;'[]").to_string(), "a:/?@,%26%3D%2B%23%3B%27%5B%5D");
        assert_eq!(encoded_literal("a b/%20?x"), "a%20b/%20%3Fx");
        assert_eq!(encoded_name("$top[x]"), "$top%5Bx%5D");
    }
}
