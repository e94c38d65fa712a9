//! What may be shown of a text that a stranger wrote.
//!
//! Escaping keeps such a text from becoming markup; it does not keep it from deceiving the eye. So characters that
//! are invisible or steer the direction of the text are dropped, stacks of accents are cut, white space is made
//! single, and the length is bounded.

/// The longest name of a client, a server or a user that a page shows, in characters.
pub const NAME_LIMIT: usize = 60;
/// The longest host name, scope or address. Host names end at 253, so no host is ever cut: a cut host would hide
/// the very labels that say whose it is.
pub const CODE_LIMIT: usize = 300;
/// The longest sentence that comes from elsewhere.
pub const SENTENCE_LIMIT: usize = 300;

/// Accents that one letter may carry. Living languages need two; more is meant to paint over the line above.
const ACCENT_LIMIT: usize = 2;

/// `unverified`, fit to be read by a person: at most `limit` visible characters, then an ellipsis.
pub fn plain_text(unverified: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut accents = 0;
    let mut space_pending = false;
    for character in unverified.chars() {
        if character.is_whitespace() {
            space_pending = length > 0;
            continue;
        }
        accents = if is_accent(character) { accents + 1 } else { 0 };
        if is_invisible(character) || accents > ACCENT_LIMIT {
            continue;
        }
        if length + usize::from(space_pending) >= limit {
            shown.push('…');
            break;
        }
        if std::mem::take(&mut space_pending) {
            shown.push(' ');
            length += 1;
        }
        shown.push(character);
        length += 1;
    }
    shown
}

/// Control and private-use characters, and all that Unicode calls default-ignorable (`DerivedCoreProperties.txt`),
/// which includes the controls of direction; and two that are not in that list but look like nothing.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        // Annotation controls and the blank Braille cell.
        || matches!(character, '\u{fff9}'..='\u{fffc}' | '\u{2800}')
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

fn is_accent(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::plain_text;

    #[track_caller]
    fn check(unverified: &str, expected: &str) {
        assert_eq!(plain_text(unverified, 12), expected, "{unverified:?}");
    }

    #[test]
    fn honest_names_stay() {
        check("Cursor", "Cursor");
        check("Señor Œuvre", "Señor Œuvre");
        check("e\u{301}diteur", "e\u{301}diteur");
        check("代码助手", "代码助手");
        check("עוזר", "עוזר");
        check("12 exactly!!", "12 exactly!!");
    }

    #[test]
    fn the_invisible_goes() {
        check("Cla\u{200b}ude\u{202e}\u{2066}\u{feff}", "Claude");
        check("a\u{0}b\u{1b}c\u{7f}", "abc");
        check("\u{e000}\u{f8ff}x\u{e0041}\u{10ffff}", "x");
        check("\u{2800}\u{3164}\u{ad}", "");
    }

    #[test]
    fn white_space_is_single_and_inside() {
        check("  a \r\n\t b\u{2028}c\u{a0} ", "a b c");
        check("a \u{200b} b", "a b");
    }

    #[test]
    fn stacked_accents_are_cut() {
        check(&format!("z{}algo", "\u{301}".repeat(50)), "z\u{301}\u{301}algo");
    }

    #[test]
    fn the_length_is_bounded() {
        check("abcdefghijklm", "abcdefghijkl…");
        check("abcdefghijkl     ", "abcdefghijkl");
        check("abcdefghijkl\u{200b}", "abcdefghijkl");
        check("abcdefghijk l", "abcdefghijk…");
        assert_eq!(plain_text(&"x".repeat(500), 60).chars().count(), 61);
    }
}
