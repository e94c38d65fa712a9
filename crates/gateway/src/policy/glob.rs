//! Names and patterns of names.

use std::borrow::Cow;

/// A name in which `*` stands for any characters, also for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    exact: String,
    folded: String,
}

impl Glob {
    pub(crate) fn new(text: &str) -> Self {
        // The star is its own fold, so that a folded pattern is a pattern.
        Self { exact: text.to_owned(), folded: fold(text).into_owned() }
    }

    /// Whether `name` is meant, character by character.
    pub(crate) fn matches(&self, name: &str) -> bool {
        matches(&self.exact, name)
    }

    /// Whether `name` is meant, or a name that a careless server could take for one that is.
    pub(crate) fn matches_alike(&self, name: &str) -> bool {
        matches(&self.folded, &fold(name))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(prefix) else { return false };
    let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(suffix)
}

/// What all names have in common that a careless server could take for one another: without regard to case, to wide
/// forms of ASCII, and to characters that nobody sees.
pub(crate) fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    // To upper case first: `ſ` has no lower case of its own, and is an `s` to those who compare in upper case.
    let folded = name.chars().filter(|character| !is_invisible(*character)).map(narrow);
    Cow::Owned(folded.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
}

fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).expect("a wide form less 0xfee0 is ASCII")
        }
        other => other,
    }
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters() {
        for (pattern, name, is_meant) in [
            ("get", "get", true),
            ("get", "get_data", false),
            ("*", "", true),
            ("get_*", "get_", true),
            ("get_*", "forget_x", false),
            ("*_data", "get_data", true),
            ("*_data", "get_data_x", false),
            ("a*b*c", "aXbbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("**", "x", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), is_meant, "{pattern} {name}");
        }
    }

    #[test]
    fn gw_11_names_that_look_alike_are_alike() {
        let delete = Glob::new("delete_*s");
        for name in
            ["DELETE_items", "delete_item\u{17f}", "de\u{200b}lete_items", " delete_items\n", "ｄelete_items"]
        {
            assert!(delete.matches_alike(name), "{name:?}");
            assert!(!delete.matches(name), "{name:?}");
        }
        assert!(!delete.matches_alike("delate_items"));
        assert_eq!(fold("K\u{212a}ı"), "kki");
    }
}
