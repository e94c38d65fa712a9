//! The error answers of authorization servers (RFC 6749 §5.2, RFC 7591 §3.2.2), safe to show.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

use crate::printable::printable;

/// What an authorization server says when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code, or the HTTP status when the answer has none.
    pub error: String,
    /// More about it, without control characters.
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
    error_description: Option<String>,
}

impl Refusal {
    /// Whether the server does not know the client, or not as one that may do this (RFC 6749 §4.1.2.1, §5.2).
    pub(crate) fn doubts_client(&self) -> bool {
        matches!(self.error.as_str(), "invalid_client" | "unauthorized_client")
    }

    /// Takes code and description from an authorization response.
    pub(crate) fn new(error: &str, description: Option<&str>) -> Self {
        Self { error: printable(error), description: description.map(printable) }
    }

    /// Reads an error answer. A body of another form is not repeated.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<ErrorResponse>(body) {
            Ok(answer) => Self::new(&answer.error, answer.error_description.as_deref()),
            Err(_) => Self { error: format!("HTTP status {}", status.as_u16()), description: None },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) => write!(formatter, "{} ({description})", self.error),
            None => formatter.write_str(&self.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_error_answers_are_repeated() {
        let read = |body: &str| Refusal::read(StatusCode::BAD_GATEWAY, body.as_bytes()).to_string();
        assert_eq!(read(r#"{"error":"invalid_grant"}"#), "invalid_grant");
        assert_eq!(read(r#"{"error":"invalid_grant","error_description":"gone"}"#), "invalid_grant (gone)");
        assert_eq!(read("<html>hunter2"), "HTTP status 502");
    }
}
