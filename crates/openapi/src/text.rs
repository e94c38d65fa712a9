//! Text of a document for a model: without the marks that only a page shows, and not longer than it is worth.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is cut from definitions to save a model's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slimming {
    /// The longest description of a tool, in bytes; 1,000 by default.
    pub tool_description: usize,
    /// The longest description inside of a schema, in bytes; 300 by default.
    pub parameter_description: usize,
    /// Enumerations with more values are left out; 100 by default.
    pub enum_values: usize,
    /// Whether schemas keep their titles; not by default.
    pub titles: bool,
}

impl Default for Slimming {
    fn default() -> Self {
        Self { tool_description: 1000, parameter_description: 300, enum_values: 100, titles: false }
    }
}

/// The longest value that stands behind `default` or `const`, in bytes.
const LONGEST_VALUE: usize = 500;

/// The text as plain text, cut at the end of a sentence or word where it is longer than `limit` bytes.
pub(crate) fn slim(text: &str, limit: usize) -> String {
    cut(&plain(text), limit)
}

/// Whether a value is short enough to be shown.
pub(crate) fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= LONGEST_VALUE,
        Value::Array(_) | Value::Object(_) => value.to_string().len() <= LONGEST_VALUE,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Without HTML, links, images, emphasis, code fences and characters that nobody sees.
pub(crate) fn plain(text: &str) -> String {
    let seen: String = text.chars().filter(|character| !is_hidden(*character)).collect();
    let mut text = Cow::Owned(seen);
    for (pattern, replacement) in MARKS.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&text, *replacement) {
            text = Cow::Owned(replaced);
        }
    }
    if text.contains('&') {
        for (entity, character) in ENTITIES {
            text = Cow::Owned(text.replace(entity, character));
        }
    }
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

static MARKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?s)<!--.*?-->", ""),
        (r"(?i)<br\s*/?>|</(?:p|li|tr|h[1-6]|div|ul|ol)>", "\n"),
        (
            r"(?i)</?(?:a|abbr|b|blockquote|body|center|code|dd|del|details|div|dl|dt|em|fieldset|font|h[1-6]|hr|html|i|iframe|img|important|kbd|legend|li|link|note|ol|p|pre|s|script|small|span|strong|style|sub|summary|sup|table|tbody|td|th|thead|tr|tt|u|ul|var)(?:\s[^<>]*)?/?>",
            "",
        ),
        (r"!\[[^\]]*\]\([^)\s]*(?:\s[^)]*)?\)", ""),
        (r"\[([^\]]+)\]\([^)\s]*(?:\s[^)]*)?\)", "$1"),
        (r"(?m)^\s{0,3}#{1,6}\s+", ""),
        (r"(?m)^\s*(?:```|~~~).*$", ""),
        (r"\*\*|__", ""),
        (r"[ \t\u{a0}]{2,}", " "),
    ]
    .map(|(pattern, replacement)| (Regex::new(pattern).expect("a test compiles each"), replacement))
    .into()
});

const ENTITIES: [(&str, &str); 7] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    ("&nbsp;", " "),
    // Last, so that what it makes is not read again.
    ("&amp;", "&"),
];

/// Characters that a model reads and nobody sees (UP-03), and control characters.
pub(crate) fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || matches!(character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Cuts behind the last sentence that fits, when that keeps at least half, else behind the last word.
fn cut(text: &str, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit.saturating_sub(MARK.len()));
    let head = &text[..end];
    let sentence =
        [". ", ".\n", "! ", "? "].iter().filter_map(|stop| head.rfind(stop)).max().map(|at| at + 1);
    match sentence.filter(|at| at * 2 >= end) {
        Some(at) => head[..at].to_owned(),
        None => {
            let is_whole = text[end..].starts_with(char::is_whitespace);
            let word = head.rfind(char::is_whitespace).filter(|at| !is_whole && at * 2 >= end).unwrap_or(end);
            format!("{}{MARK}", head[..word].trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_pages_go_and_the_words_stay() {
        for (given, expected) in [
            (
                "<p>Creates a <b>bucket</b>.</p><p>See <a href=\"https://x\">more</a></p>",
                "Creates a bucket.\nSee more",
            ),
            (
                "Lists **all** [repositories](https://docs.example/x \"t\") of `<owner>`.",
                "Lists all repositories of `<owner>`.",
            ),
            ("![logo](https://x/y.png) Hi", "Hi"),
            ("# Title\n\n\nText\n```json\n{\"a\":1}\n```\n", "Title\nText\n{\"a\":1}"),
            ("a &lt;b&gt; &amp;lt;", "a <b> &lt;"),
            ("a\u{200b}b\u{e0041}\u{1b}[31mc\u{202e}", "ab[31mc"),
            ("snake_case stays, 2 < 3 > 1", "snake_case stays, 2 < 3 > 1"),
        ] {
            assert_eq!(plain(given), expected, "{given}");
        }
    }

    #[test]
    fn long_text_is_cut_where_it_reads_well() {
        assert_eq!(cut("One. Two and three. Four is longer.", 26), "One. Two and three.");
        assert_eq!(cut("words without any stop at all", 20), "words without any…");
        assert_eq!(cut(&"ü".repeat(40), 21), format!("{}…", "ü".repeat(9)));
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("ab", 1), "…");
    }
}
