use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scope tokens (RFC 6749 §3.3), kept in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(BTreeSet<String>);

/// Why a text is not a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside RFC 6749's `scope-token`.
    #[error("a scope consists of printable ASCII characters other than space, quotation mark and backslash")]
    Character,
    /// More than [`Scope::MAXIMUM_LENGTH`] bytes.
    #[error("the scope is longer than 2048 characters")]
    TooLong,
}

impl Scope {
    /// The longest accepted text, in bytes.
    pub const MAXIMUM_LENGTH: usize = 2048;

    /// Reads space-separated scope tokens; empty text is the empty scope.
    ///
    /// # Errors
    /// [`ScopeError`] on a character outside the grammar or on excessive length.
    pub fn parse(unverified: &str) -> Result<Self, ScopeError> {
        if unverified.len() > Self::MAXIMUM_LENGTH {
            return Err(ScopeError::TooLong);
        }
        let tokens = unverified.split(' ').filter(|token| !token.is_empty());
        tokens
            .map(
                |token| if is_scope_token(token) { Ok(token.to_owned()) } else { Err(ScopeError::Character) },
            )
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the single token is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of this scope is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The tokens of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens of this scope that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// The tokens, in alphabetical order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope_token(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.0.iter().enumerate() {
            if position > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn reads_as_a_set() {
        assert_eq!(scope("write  read write").to_string(), "read write");
        assert!(scope("").is_empty());
        assert!(scope("read").is_subset_of(&scope("read write")));
        assert_eq!(scope("a b").union(&scope("b c")), scope("a b c"));
        assert_eq!(scope("a b").difference(&scope("b c")), scope("a"));
        assert_eq!(scope("a b").intersection(&scope("b c")), scope("b"));
    }

    #[test]
    fn az_34_hostile_scopes() {
        for text in ["re\"ad", "re\\ad", "rëad", "read\twrite", "read\0"] {
            assert_eq!(Scope::parse(text), Err(ScopeError::Character), "{text:?}");
        }
        assert_eq!(Scope::parse(&"a ".repeat(25_000)), Err(ScopeError::TooLong));
    }
}
