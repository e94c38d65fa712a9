//! Regular expressions of schemas: only such as are matched in linear time (OA-15).

use std::collections::HashMap;

use regex::RegexBuilder;

/// The longest expression, in bytes.
const LONGEST: usize = 1000;
/// Distinct expressions of one document; compiling one takes time.
const MOST: usize = 5_000;
/// Bytes that a compiled expression may take.
const SIZE: usize = 256 * 1024;

/// Which expressions are understood.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, bool>);

impl Patterns {
    /// Whether the expression can be matched in linear time: look-around and references to groups cannot.
    pub(super) fn is_linear(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.0.get(pattern) {
            return *known;
        }
        if pattern.len() > LONGEST || self.0.len() >= MOST {
            return false;
        }
        let is_linear = RegexBuilder::new(pattern).size_limit(SIZE).dfa_size_limit(SIZE).build().is_ok();
        self.0.insert(pattern.to_owned(), is_linear);
        is_linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oa_15_only_linear_expressions_are_kept() {
        let mut patterns = Patterns::default();
        for linear in ["^[a-z]+$", "(a+)+$", r"^\d{4}-\d\d$", r"^https?:\/\/", r"^\p{L}+$", ""] {
            assert!(patterns.is_linear(linear), "{linear}");
        }
        for other in ["(?=a)b", "(?<!a)b", r"(a)\1", "[", "(?i", &"a".repeat(LONGEST + 1), "(a{1000}){1000}"]
        {
            assert!(!patterns.is_linear(other), "{other}");
        }
        for number in 0..MOST {
            patterns.is_linear(&number.to_string());
        }
        assert!(!patterns.is_linear("one more"));
    }
}
