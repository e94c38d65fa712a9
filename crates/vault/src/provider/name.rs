//! What a provider is called in the configuration, in paths and in the database.

use std::{fmt, sync::Arc};

/// The name of a provider: 1 to 64 of `a`–`z`, `0`–`9` and `-`. It is the last part of the provider's callback path, which
/// is what keeps the answers of two providers apart (RFC 9700 §4.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

impl ProviderName {
    /// `None` unless it is such a name.
    pub fn parse(unverified: &str) -> Option<Self> {
        is_plain_name(unverified).then(|| Self(unverified.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below the public URL to which this provider, and no other, sends people back.
    pub fn callback_path(&self) -> String {
        format!("/connect/callback/{self}")
    }

    /// The path below the public URL of our client ID metadata document for this provider.
    pub fn client_path(&self) -> String {
        format!("/connect/client/{self}")
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether it is a name as the configuration has them.
fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_06_names_cannot_leave_their_path() {
        for name in ["github", "a", "my-idp-2", &"x".repeat(64)] {
            assert_eq!(ProviderName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "GitHub", "a/b", "..", "a b", "a%2fb", "ä", "a\0", &"x".repeat(65)] {
            assert_eq!(ProviderName::parse(name), None, "{name:?}");
        }
        assert_eq!(ProviderName::parse("github").unwrap().callback_path(), "/connect/callback/github");
    }
}
