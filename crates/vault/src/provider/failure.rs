//! Why a provider gave no tokens, by what it means for the grant. Pure.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::provider::{quirks::Quirks, refusal::Refusal};

/// The longest time that a provider may ask us to wait.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why there are no tokens. Only [`Failure::Gone`] ends a grant; everything else may be over the next time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The grant is gone, said clearly (`invalid_grant`, RFC 6749 §5.2): only a new connection helps.
    #[error("the provider has ended the grant: {0}")]
    Gone(Refusal),
    /// The provider does not accept us as its client: the operator has to look at identifier and secret.
    #[error("the provider does not accept this installation as its client: {0}")]
    Client(Refusal),
    /// Another refusal.
    #[error("the provider refused: {0}")]
    Refused(Refusal),
    /// 403 without a clear code.
    #[error("the provider does not allow it: {0}")]
    Forbidden(Refusal),
    /// 429: too many requests.
    #[error("the provider asks for fewer requests")]
    Limited {
        /// How long to wait, if it said so; an hour at most.
        retry_after: Option<Duration>,
    },
    /// 5xx.
    #[error("the provider has a fault of its own ({status})")]
    Server {
        /// The status.
        status: u16,
        /// How long to wait, if it said so; an hour at most.
        retry_after: Option<Duration>,
    },
    /// The answer is not one that the standard describes. Something may have happened.
    #[error("the provider's answer cannot be used: {0}")]
    Unreadable(&'static str),
    /// The request was sent, and no complete answer came: nobody knows whether the provider has acted on it.
    #[error("the provider did not answer completely: {0}")]
    OutcomeUnknown(outbound::Error),
    /// The request did not leave: nothing has happened.
    #[error("the provider cannot be reached: {0}")]
    NotSent(outbound::Error),
}

impl Failure {
    /// What an error of sending means.
    pub(crate) fn of_sending(error: outbound::Error) -> Self {
        match error {
            outbound::Error::InvalidUrl(_)
            | outbound::Error::Refused { .. }
            | outbound::Error::Unresolved { .. }
            | outbound::Error::Connect { .. } => Self::NotSent(error),
            outbound::Error::Timeout { .. }
            | outbound::Error::TooLarge { .. }
            | outbound::Error::Broken { .. } => Self::OutcomeUnknown(error),
        }
    }

    /// Whether the provider may have acted on the request although we hold nothing.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_) | Self::Unreadable(_))
    }

    /// How long the provider wants us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What an answer without tokens means. `refusal` is what its JSON says, if it is JSON and says anything.
pub(crate) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    refusal: Option<Refusal>,
    quirks: &Quirks,
) -> Failure {
    let retry_after = retry_after(headers);
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Failure::Limited { retry_after };
    }
    if status.is_server_error() {
        return Failure::Server { status: status.as_u16(), retry_after };
    }
    if status.is_redirection() {
        return Failure::Unreadable("it sends us elsewhere, which is not followed");
    }
    match refusal {
        Some(refusal) if is_gone(status, &refusal, quirks) => Failure::Gone(refusal),
        Some(refusal) if matches!(refusal.error.as_str(), "invalid_client" | "unauthorized_client") => {
            Failure::Client(refusal)
        }
        Some(refusal) if status == StatusCode::FORBIDDEN => Failure::Forbidden(refusal),
        Some(refusal) => Failure::Refused(refusal),
        None if status == StatusCode::FORBIDDEN => Failure::Forbidden(Refusal::status(status)),
        None if status.is_client_error() => Failure::Refused(Refusal::status(status)),
        None => Failure::Unreadable("it is no JSON object with an access token"),
    }
}

/// Only a clear word ends a grant: `invalid_grant` or the provider's own code for it, with a status that fits.
fn is_gone(status: StatusCode, refusal: &Refusal, quirks: &Quirks) -> bool {
    let description = refusal.description.as_deref().unwrap_or_default();
    let says = |words: &String| match words.split_once(": ") {
        Some((code, more)) => refusal.error == code && description == more,
        None => refusal.error == *words,
    };
    let is_code = refusal.error == "invalid_grant" || quirks.grant_gone.iter().any(says);
    let is_status = matches!(status.as_u16(), 400 | 401) || quirks.gone_statuses.contains(&status.as_u16());
    is_code && is_status
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3); a date is left alone, our own back-off does for it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expect: &str, status: u16, error: Option<(&str, &str)>, quirks: &Quirks) {
        let answer = |(error, description)| json!({"error": error, "error_description": description});
        let refusal = error.and_then(|error| Refusal::in_answer(&answer(error), &[]));
        let status = StatusCode::from_u16(status).unwrap();
        let failure = judge(status, &HeaderMap::new(), refusal, quirks);
        let name = format!("{failure:?}");
        assert!(name.starts_with(expect), "{status} {error:?}: {name}");
    }

    #[test]
    fn va_13_only_a_clear_word_ends_a_grant() {
        let standard = Quirks::default();
        let check = |expect: &str, status: u16, error: Option<&str>| {
            check(expect, status, error.map(|error| (error, "x")), &standard);
        };
        check("Gone", 400, Some("invalid_grant"));
        check("Gone", 401, Some("invalid_grant"));
        check("Forbidden", 403, Some("invalid_grant"));
        check("Refused", 404, Some("invalid_grant"));
        check("Server", 500, Some("invalid_grant"));
        check("Limited", 429, Some("invalid_grant"));
        check("Refused", 200, Some("invalid_grant"));
        check("Client", 401, Some("invalid_client"));
        check("Client", 400, Some("invalid_client"));
        check("Client", 400, Some("unauthorized_client"));
        check("Refused", 400, Some("invalid_request"));
        check("Refused", 400, Some("temporarily_unavailable"));
        check("Refused", 400, None);
        check("Refused", 401, None);
        check("Forbidden", 403, None);
        check("Limited", 429, None);
        check("Server", 503, None);
        check("Unreadable", 200, None);
        check("Unreadable", 302, None);
        check("Unreadable", 302, Some("invalid_grant"));
    }

    #[test]
    fn va_13_a_provider_may_have_other_clear_words() {
        let quirks = Quirks {
            grant_gone: vec![
                "bad_refresh_token".into(),
                "unauthorized_client: refresh_token is invalid".into(),
            ],
            gone_statuses: vec![200, 403],
            ..Quirks::default()
        };
        check("Gone", 200, Some(("bad_refresh_token", "x")), &quirks);
        check("Gone", 403, Some(("unauthorized_client", "refresh_token is invalid")), &quirks);
        check("Client", 403, Some(("unauthorized_client", "wrong secret")), &quirks);
        check("Server", 502, Some(("bad_refresh_token", "x")), &quirks);
    }

    #[test]
    fn a_provider_may_ask_for_an_hour_at_most() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            judge(StatusCode::TOO_MANY_REQUESTS, &headers, None, &Quirks::default()).retry_after()
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("999999999999"), Some(LONGEST_WAIT));
        for other in ["-1", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999999"] {
            assert_eq!(wait(other), None, "{other}");
        }
    }

    #[test]
    fn va_13_a_request_that_left_may_have_done_something() {
        let host = || "p.test".to_owned();
        let unknown = |error| Failure::of_sending(error).is_unknown();
        assert!(!unknown(outbound::Error::InvalidUrl("x")));
        assert!(!unknown(outbound::Error::Unresolved { host: host() }));
        assert!(!unknown(outbound::Error::Connect { host: host(), reason: "refused".into() }));
        assert!(unknown(outbound::Error::Timeout { host: host(), limit: Duration::from_secs(1) }));
        assert!(unknown(outbound::Error::Broken { host: host() }));
        assert!(unknown(outbound::Error::TooLarge { host: host(), limit: 1 }));
    }
}
