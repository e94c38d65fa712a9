//! Text of servers, made safe for people's screens.

/// The longest text that is kept, in characters.
const LONGEST: usize = 2000;

/// `text` without anything that could move a terminal's cursor, change its colours or turn the reading direction
/// around, cut off after 2,000 characters. Line breaks and tabs become spaces.
pub fn printable(text: &str) -> String {
    let mut shown: String =
        text.chars().filter_map(|character| shown_as(character, false)).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Like [`printable`], for text that may have many lines and any length: keeps line breaks and tabs.
pub fn printable_lines(text: &str) -> String {
    text.chars().filter_map(|character| shown_as(character, true)).collect()
}

fn shown_as(character: char, keep_breaks: bool) -> Option<char> {
    match character {
        '\n' | '\t' if keep_breaks => Some(character),
        '\n' | '\t' => Some(' '),
        // Direction overrides and isolates (Unicode Bidirectional Algorithm), invisible joiners, byte order mark.
        '\u{061c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => None,
        control if control.is_control() => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cl_05_control_characters_never_reach_a_terminal() {
        let rows = [
            ("plain", "plain"),
            ("中文 and émigré", "中文 and émigré"),
            ("\u{1b}[31mred\u{1b}[0m", "[31mred[0m"),
            ("\u{9b}2Jgone", "2Jgone"),
            ("one\r\ntwo\tthree", "one two three"),
            ("abc\u{202e}gpj.exe", "abcgpj.exe"),
            ("bell\u{7}back\u{8}", "bellback"),
            ("\u{1b}]0;title\u{7}", "]0;title"),
        ];
        for (text, expected) in rows {
            assert_eq!(printable(text), expected);
        }
        assert_eq!(printable_lines("a\n\tb\u{1b}[1m\r"), "a\n\tb[1m");
        assert_eq!(printable(&"x".repeat(3000)).chars().count(), 2001);
    }
}
