//! What a provider says when it refuses, safe to show and to log.

use std::fmt;

use client::printable;
use secret::Secret;
use serde_json::Value;

/// The longest description that is kept, in characters.
const LONGEST: usize = 300;
/// The longest word in it: what is longer may be a token.
const LONGEST_WORD: usize = 30;

/// A provider's refusal: its code, and a bounded description without anything that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The error code (RFC 6749 §5.2), or the HTTP status when there is none.
    pub error: String,
    /// More about it, for people.
    pub description: Option<String>,
}

impl Refusal {
    /// A refusal in the words of a provider. `sent` are the secrets of the request, which a provider may repeat.
    pub(crate) fn new(error: &str, description: Option<&str>, sent: &[&Secret<String>]) -> Self {
        let is_code = !error.is_empty()
            && error.len() <= 64
            && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        Self {
            error: if is_code { error.to_owned() } else { "an error without a code".to_owned() },
            description: description.map(|text| redacted(text, sent)).filter(|text| !text.is_empty()),
        }
    }

    /// An answer that has nothing but its status.
    pub(crate) fn status(status: http::StatusCode) -> Self {
        Self { error: format!("HTTP status {}", status.as_u16()), description: None }
    }

    /// The refusal in a JSON answer, if there is one: `error` as text, or an object with a `code` or `type` in it.
    pub(crate) fn in_answer(answer: &Value, sent: &[&Secret<String>]) -> Option<Self> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let description = text("error_description").or_else(|| text("message"));
        let error = answer.get("error")?;
        match error {
            Value::String(error) => Some(Self::new(error, description, sent)),
            Value::Object(inner) => {
                let inner_text = |name: &str| inner.get(name).and_then(Value::as_str);
                let code = inner_text("code").or_else(|| inner_text("type")).unwrap_or_default();
                Some(Self::new(code, description.or_else(|| inner_text("message")), sent))
            }
            _ => None,
        }
    }
}

/// `text` without control characters, without the secrets of the request and without words as long as a token, cut off
/// after 300 characters.
fn redacted(text: &str, sent: &[&Secret<String>]) -> String {
    let mut text = printable(text);
    for secret in sent.iter().filter(|secret| secret.expose().len() > 3) {
        text = text.replace(secret.expose().as_str(), "…");
    }
    let words = text.split(' ').map(|word| if word.chars().count() > LONGEST_WORD { "…" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
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
    use serde_json::json;

    use super::*;

    #[test]
    fn va_17_refusals_are_bounded_and_without_secrets() {
        let sent = Secret::from("short-rt");
        let refusal = |description: &str| {
            let answer = json!({"error": "invalid_grant", "error_description": description});
            Refusal::in_answer(&answer, &[&sent]).unwrap().to_string()
        };
        assert_eq!(refusal("short-rt is gone"), "invalid_grant (… is gone)");
        assert_eq!(
            refusal("no such token: 1//0gabcdefghijklmnopqrstuvwxyzABC"),
            "invalid_grant (no such token: …)"
        );
        assert_eq!(refusal("a\u{1b}[31m\r\nb\u{202e}"), "invalid_grant (a[31m b)");
        assert!(refusal(&"word ".repeat(1000)).chars().count() < 330);
        let hostile = json!({"error": "<script>alert(1)</script>"});
        assert_eq!(Refusal::in_answer(&hostile, &[]).unwrap().error, "an error without a code");
    }

    #[test]
    fn errors_inside_objects_are_read() {
        let answer = json!({"error": {"code": "bad", "message": "no"}});
        assert_eq!(Refusal::in_answer(&answer, &[]).unwrap().to_string(), "bad (no)");
        assert_eq!(Refusal::in_answer(&json!({"error": null}), &[]), None);
        assert_eq!(Refusal::in_answer(&json!([]), &[]), None);
    }
}
