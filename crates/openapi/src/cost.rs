//! What a definition costs in a model's context.

use std::ops::AddAssign;

use serde_json::Value;

/// An estimate of tokens.
///
/// No two models count alike, so this is a count of what all of them count: pieces of words, of numbers and of
/// punctuation. `docs/openapi.md` says how far it is from real tokenizers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Tokens of the definition as it is listed.
    pub tokens: usize,
    /// Tokens that the same would have as the document has it.
    pub unslimmed: usize,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.unslimmed += other.unslimmed;
    }
}

/// Tokens of a text.
pub(crate) fn of_text(text: &str) -> usize {
    let mut counter = Counter::default();
    counter.count(text);
    counter.tokens()
}

/// Tokens of a value, written as JSON.
pub(crate) fn of_json(value: &Value) -> usize {
    of_text(&value.to_string())
}

// Fitted to the tokenizer `o200k_base` over the definitions of five real documents: within 4 % of it for each.

/// Letters of a word that make one token; few words are longer.
const LETTERS: usize = 12;
/// Digits that make one token.
const DIGITS: usize = 3;
/// Marks between words that make one token: `":"` and `},"` are mostly one.
const MARKS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Digits,
    Marks,
}

#[derive(Default)]
struct Counter {
    tokens: usize,
    run: Option<(Kind, usize)>,
}

impl Counter {
    fn count(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                'a'..='z' => self.add(Kind::Letters),
                'A'..='Z' => {
                    // A capital begins a word.
                    self.end();
                    self.add(Kind::Letters);
                }
                '0'..='9' => self.add(Kind::Digits),
                // A space belongs to the word behind it.
                ' ' => self.end(),
                _ if character.is_ascii() => self.add(Kind::Marks),
                _ => {
                    self.end();
                    self.tokens += 1;
                }
            }
        }
    }

    fn add(&mut self, kind: Kind) {
        match &mut self.run {
            Some((same, length)) if *same == kind => *length += 1,
            _ => {
                self.end();
                self.run = Some((kind, 1));
            }
        }
    }

    fn end(&mut self) {
        if let Some((kind, length)) = self.run.take() {
            self.tokens += length.div_ceil(match kind {
                Kind::Letters => LETTERS,
                Kind::Digits => DIGITS,
                Kind::Marks => MARKS,
            });
        }
    }

    fn tokens(mut self) -> usize {
        self.end();
        self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_counted_as_tokenizers_do() {
        for (text, expected) in [
            ("", 0),
            ("Lists all repositories.", 4),
            ("listPullRequests", 3),
            (r#"{"type":"string"}"#, 5),
            ("1234567", 3),
            ("internationalization", 2),
            ("名前", 2),
        ] {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }
}
