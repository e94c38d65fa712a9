//! Systems at which users have accounts.

use std::{fmt, sync::Arc};

use oauth::Scope;

/// A system at which users have accounts, from the configuration.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What servers call it.
    pub name: ProviderName,
    /// What people call it.
    pub title: String,
    /// What is always asked for.
    pub scope: Scope,
}

/// The name of a provider: lower-case letters, digits and hyphens, at most 64. Its callback path is
/// `/connect/callback/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

/// The text is not a provider's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a provider has 1 to 64 of the characters a-z, 0-9 and -")]
pub struct ProviderNameError;

impl ProviderName {
    /// Reads a name.
    pub fn parse(unverified: &str) -> Result<Self, ProviderNameError> {
        if is_plain_name(unverified) { Ok(Self(unverified.into())) } else { Err(ProviderNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether it is a name as the configuration has them.
pub(crate) fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
