//! Protocol revisions.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Era;

/// A published revision of the protocol, ordered by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// The first revision; HTTP+SSE transport.
    V2024_11_05,
    /// Streamable HTTP.
    V2025_03_26,
    /// `MCP-Protocol-Version`, structured tool results; no batches any more.
    V2025_06_18,
    /// URL elicitation; the last revision with a handshake.
    V2025_11_25,
    /// Stateless: no handshake, no session.
    V2026_07_28,
}

impl ProtocolVersion {
    /// Every revision, newest first: the order in which a server lists what it supports.
    pub const ALL: [Self; 5] =
        [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18, Self::V2025_03_26, Self::V2024_11_05];
    /// The newest revision that opens with `initialize`.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest revision of all.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The revision named by `text`, when it is one of these.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// The date that names the revision on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era the revision belongs to.
    pub fn era(self) -> Era {
        if self > Self::LATEST_LEGACY { Era::Modern } else { Era::Legacy }
    }

    /// What a server answers to an `initialize` that asks for `requested` (Lifecycle, Version Negotiation): that
    /// version when it is a legacy one it knows, else its latest legacy version.
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested).filter(|version| version.era() == Era::Legacy).unwrap_or(Self::LATEST_LEGACY)
    }

    /// Whether tool results of this revision may carry `structuredContent` (since 2025-06-18).
    pub fn has_structured_content(self) -> bool {
        self >= Self::V2025_06_18
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ProtocolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initialize_is_answered_with_a_legacy_version() {
        for (requested, answered) in [
            ("2024-11-05", ProtocolVersion::V2024_11_05),
            ("2025-03-26", ProtocolVersion::V2025_03_26),
            ("2025-06-18", ProtocolVersion::V2025_06_18),
            ("2025-11-25", ProtocolVersion::V2025_11_25),
            ("2026-07-28", ProtocolVersion::V2025_11_25),
            ("1999-01-01", ProtocolVersion::V2025_11_25),
            ("", ProtocolVersion::V2025_11_25),
        ] {
            assert_eq!(ProtocolVersion::negotiate(requested), answered, "{requested}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for version in ProtocolVersion::ALL {
            assert_eq!(ProtocolVersion::parse(version.as_str()), Some(version));
        }
        assert_eq!(ProtocolVersion::parse("2025-11-25 "), None);
    }
}
