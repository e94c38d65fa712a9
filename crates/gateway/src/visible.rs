//! Text that people and models read, without what a model alone would read (UP-03). Pure.
//!
//! Nobody who looks at a description sees tag characters (U+E0000…), zero-width characters, marks that turn the direction
//! of writing, or the control sequences of a terminal; a model reads them all. So what is not visible is taken out. What
//! belongs to a visible character stays: one joiner between two letters that are not ASCII, as Persian and the emoji of
//! families have it, and one selector behind an emoji.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest text of a definition that is passed on, in bytes.
pub(crate) const LONGEST: usize = 4096;

const ESCAPE: char = '\u{1b}';
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
const SELECTORS: [char; 2] = ['\u{fe0e}', '\u{fe0f}'];
const KEYCAP: char = '\u{20e3}';

/// Whether nobody sees the character. Line feed and tabulator are no text, and seen all the same.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether something in the text is not visible.
pub(crate) fn has_hidden(text: &str) -> bool {
    matches!(visible(text), Cow::Owned(_))
}

/// What is visible of the text.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let behind = &rest[character.len_utf8()..];
        let length = if character == ESCAPE {
            sequence(rest)
        } else {
            if !is_hidden(character) || belongs(seen.chars().next_back(), character, behind) {
                seen.push(character);
            }
            character.len_utf8()
        };
        rest = &rest[length..];
    }
    if seen.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(seen) }
}

/// The visible text, cut where it is longer than [`LONGEST`], with a mark that says so.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    let seen = visible(text);
    if seen.len() <= LONGEST {
        return seen;
    }
    let mark = |rest: usize| format!(" [cut by the gateway: {rest} bytes more]");
    let end = seen.floor_char_boundary(LONGEST - mark(seen.len()).len());
    Cow::Owned(format!("{}{}", &seen[..end], mark(seen.len() - end)))
}

/// The text for an operator: what is hidden in it is written out, as `\u{e0041}`.
pub fn written_out(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            write!(written, "\\u{{{:x}}}", u32::from(character)).expect("a string takes everything");
        } else {
            written.push(character);
        }
    }
    written
}

/// A JSON text in which everything hidden is escaped, as JSON does it.
pub(crate) fn escaped(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(written, "\\u{unit:04x}").expect("a string takes everything");
            }
        } else {
            written.push(character);
        }
    }
    written
}

/// Whether a hidden character is a part of the visible one before it.
fn belongs(before: Option<char>, character: char, behind: &str) -> bool {
    let is_letter = |found: char| !found.is_ascii() && !is_hidden(found);
    let (Some(before), next) = (before, behind.chars().next()) else { return false };
    if JOINERS.contains(&character) {
        let is_joined = is_letter(before) || SELECTORS.contains(&before);
        return is_joined && next.is_some_and(is_letter);
    }
    if SELECTORS.contains(&character) {
        return is_letter(before) || next == Some(KEYCAP);
    }
    character == '\r' && next == Some('\n')
}

/// The length of the control sequence that `text` begins with (ECMA-48); the escape alone when there is no more to it.
fn sequence(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
            bytes.get(2 + parameters).filter(|last| matches!(last, 0x40..=0x7e)).map(|_| 3 + parameters)
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let bell = text.find('\u{7}').map(|at| at + 1);
            let terminator = text[1..].find("\u{1b}\\").map(|at| at + 3);
            bell.into_iter().chain(terminator).min()
        }
        _ => None,
    };
    end.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected, "{}", written_out(text));
    }

    #[test]
    fn up_03_what_nobody_sees_is_taken_out() {
        let tagged: String =
            "ignore".bytes().filter_map(|byte| char::from_u32(0xe0000 + u32::from(byte))).collect();
        check(&format!("Reads{tagged} a file"), "Reads a file");
        check("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{ad}", "abcde");
        check("\u{1b}[31mred\u{1b}[0m \u{1b}]8;;http://evil\u{7}link\u{1b}]8;;\u{1b}\\", "red link");
        check("\u{1b}[ \u{1b}c\u{9b}2J\u{8}\u{0}", "[ c2J");
        check("\r", "");
        check("g\u{fe01}\u{e0101}\u{fe0f}o", "go");
        check("a\u{200d}b", "ab");
        check("क\u{200d}\u{200d}\u{200c}ष", "क\u{200c}ष");
    }

    #[test]
    fn what_is_seen_stays() {
        for text in [
            "Reads a file.\r\n\tAs it is: <IMPORTANT> **bold** ![x](y)\n",
            "⚠\u{fe0f} careful",
            "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष 漢字 שלום",
        ] {
            check(text, text);
            assert!(!has_hidden(text));
        }
    }

    #[test]
    fn up_03_long_texts_are_cut_with_a_mark() {
        let fits = "é".repeat(LONGEST / 2);
        assert_eq!(readable(&fits), fits);
        let long = "é".repeat(512 * 1024);
        let cut = readable(&long);
        assert!(cut.len() <= LONGEST && cut.ends_with("bytes more]"), "{}", cut.len());
        assert_eq!(readable(&cut), cut);
    }

    #[test]
    fn operators_see_everything() {
        assert_eq!(written_out("a\u{e0041}\u{1b}"), "a\\u{e0041}\\u{1b}");
        let json = escaped("\"a\u{e0041}\u{200b}\"");
        assert_eq!(json, r#""a\udb40\udc41\u200b""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "a\u{e0041}\u{200b}");
    }

    fn text() -> impl Strategy<Value = String> {
        let hidden = prop::sample::select(vec![
            '\u{1b}',
            '[',
            'm',
            ']',
            '\u{7}',
            '\\',
            '\u{200d}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{202e}',
            '❤',
            'a',
            '\r',
            '\n',
        ]);
        prop::collection::vec(prop_oneof![hidden, any::<char>()], 0..40)
            .prop_map(|text| text.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_once_is_enough(text in text()) {
            let seen = visible(&text).into_owned();
            let mut rest = text.chars();
            prop_assert!(seen.chars().all(|kept| rest.any(|found| found == kept)), "in their order");
            prop_assert_eq!(visible(&seen), seen.as_str());
        }

        #[test]
        fn what_remains_hidden_belongs_to_something_seen(text in text()) {
            let seen: Vec<char> = visible(&text).chars().collect();
            for (at, character) in seen.iter().enumerate().filter(|(_, found)| is_hidden(**found)) {
                prop_assert!("\r\u{200c}\u{200d}\u{fe0e}\u{fe0f}".contains(*character), "{:?}", character);
                prop_assert!(at > 0);
                prop_assert!(!is_hidden(seen[at - 1]) || SELECTORS.contains(&seen[at - 1]));
            }
        }

        #[test]
        fn plain_text_stays(text in "[ -~\n\t]{0,80}") {
            prop_assert_eq!(visible(&text), text.as_str());
        }
    }
}
