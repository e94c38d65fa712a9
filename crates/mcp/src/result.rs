//! What the modern era adds to results.

use serde::{Deserialize, Serialize};

/// Whether a result is the end of its request (2026-07-28, `ResultType`); absent in the legacy era, where it counts
/// as complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// The final result.
    Complete,
    /// The client must answer `inputRequests` and send the request again.
    InputRequired,
}

/// Who may share a cached result (2026-07-28, Caching).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Everybody.
    Public,
    /// Only the authorization it was made for.
    Private,
}
