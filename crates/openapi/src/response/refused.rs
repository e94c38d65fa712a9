//! Answers that say which scopes would do.

use http::HeaderMap;

/// The scope that is missing, as a refusal tells it in headers of its own: `X-Accepted-OAuth-Scopes` names scopes of which
/// each suffices, and `X-OAuth-Scopes` those that the token has (GitHub). `None` when they say nothing, or the token has
/// one of them.
pub fn missing_scope(headers: &HeaderMap) -> Option<&str> {
    let list = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(scopes);
    let (mut accepted, granted) = (list("x-accepted-oauth-scopes")?, list("x-oauth-scopes")?);
    let granted: Vec<&str> = granted.collect();
    let first = accepted.next()?;
    let has = |scope: &str| granted.contains(&scope);
    (!has(first) && !accepted.any(has)).then_some(first)
}

/// Scope tokens (RFC 6749 §3.3), a few of them.
fn scopes(text: &str) -> impl Iterator<Item = &str> {
    let is_token = |scope: &&str| {
        (1..=256).contains(&scope.len())
            && scope.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
    };
    text.split(',').map(str::trim).filter(is_token).take(32)
}
