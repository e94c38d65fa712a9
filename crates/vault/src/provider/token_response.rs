//! Judges the answers of token endpoints (RFC 6749 §5), with the liberties that providers take. Pure.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, header};
use oauth::{Scope, Timestamp, parameters::Parameters};
use secret::Secret;
use serde_json::{Map, Value};

use crate::provider::{
    account::{Account, AccountSource},
    failure::{self, Failure},
    quirks::Quirks,
    refusal::Refusal,
};

/// The longest token that is accepted, in bytes.
const LONGEST: usize = 16 * 1024;
/// No access token is believed to live longer than this.
const LONGEST_LIFETIME: u64 = 365 * 24 * 60 * 60;

/// What a provider gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token.
    pub access_token: Secret<String>,
    /// The refresh token, if one came. Without one, the one before stays valid (RFC 6749 §6).
    pub refresh_token: Option<Secret<String>>,
    /// When the access token came, which with `expires_at` says how long it lives.
    pub received_at: Timestamp,
    /// When the access token ends. `None` when nobody knows: it is used until it is refused.
    pub expires_at: Option<Timestamp>,
    /// What may be done with it.
    pub scope: Scope,
    /// Whose it is, when the answer itself says so.
    pub account: Option<Account>,
    /// An ID token that came along, not yet looked at.
    pub id_token: Option<Secret<String>>,
}

/// What an answer is judged by.
pub(crate) struct Expected<'a> {
    /// The provider's peculiarities.
    pub(crate) quirks: &'a Quirks,
    /// What was asked for; an answer that names no scope grants it (RFC 6749 §5.1).
    pub(crate) asked: &'a Scope,
    /// Where the account is told.
    pub(crate) accounts: &'a AccountSource,
    /// The secrets of the request, which are not repeated in a refusal.
    pub(crate) sent: &'a [&'a Secret<String>],
}

/// Judges an answer that came at `now`.
pub(crate) fn judge(
    response: &Response<Bytes>,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Tokens, Failure> {
    let answer = read(response, expected.quirks);
    let refusal = answer.as_ref().and_then(|answer| Refusal::in_answer(answer, expected.sent));
    match answer {
        Some(Value::Object(answer)) if response.status().is_success() && refusal.is_none() => {
            tokens(&answer, expected, now)
        }
        _ => Err(failure::judge(response.status(), response.headers(), refusal, expected.quirks)),
    }
}

/// The body as JSON; a form, where the provider answers so, becomes an object of texts.
fn read(response: &Response<Bytes>, quirks: &Quirks) -> Option<Value> {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return serde_json::from_slice(response.body()).ok();
    }
    if !quirks.form_answer {
        return None;
    }
    let form = Parameters::parse(response.body()).ok()?;
    let members =
        ["access_token", "token_type", "expires_in", "refresh_token", "scope", "error", "error_description"];
    let member = |name: &str| Some((name.to_owned(), Value::from(form.one(name).ok()??)));
    Some(Value::Object(members.into_iter().filter_map(member).collect()))
}

fn tokens(answer: &Map<String, Value>, expected: &Expected<'_>, now: Timestamp) -> Result<Tokens, Failure> {
    let quirks = expected.quirks;
    let whole = Value::Object(answer.clone());
    let inner = quirks.token_object.as_deref().and_then(|pointer| whole.pointer(pointer));
    let inner = inner.and_then(Value::as_object).filter(|inner| inner.contains_key("access_token"));
    let members = inner.unwrap_or(answer);
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let secret = |name: &str| text(name).map(Secret::from);

    let access_token =
        secret("access_token").ok_or(Failure::Unreadable("it is no JSON object with an access token"))?;
    if !is_token(access_token.expose()) {
        return Err(Failure::Unreadable("its access token does not fit into a header"));
    }
    if !text("token_type").is_none_or(|kind| is_usable_type(kind, quirks)) {
        return Err(Failure::Unreadable("its token is of a type that is not used here"));
    }
    let refresh_token = secret("refresh_token");
    if refresh_token.as_ref().is_some_and(|token| !is_printable(token.expose())) {
        return Err(Failure::Unreadable("its refresh token has other characters than printable ASCII"));
    }
    Ok(Tokens {
        access_token,
        refresh_token,
        received_at: now,
        expires_at: lifetime(members.get("expires_in"), quirks).map(|lifetime| now + lifetime),
        scope: granted(members.get(&quirks.granted_member), expected),
        account: expected.accounts.in_answer(&whole),
        id_token: secret("id_token").filter(|token| token.expose().len() <= LONGEST),
    })
}

/// RFC 6749 §7.1: "The client MUST NOT use an access token if it does not understand the token type." A type that is
/// left out is `Bearer`: some providers leave it out.
fn is_usable_type(kind: &str, quirks: &Quirks) -> bool {
    kind.eq_ignore_ascii_case("Bearer") || quirks.token_types.iter().any(|known| known == kind)
}

/// How long the token lives. Zero and less say nothing that could be meant, like a text that is no number.
fn lifetime(expires_in: Option<&Value>, quirks: &Quirks) -> Option<Duration> {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_u64().or_else(|| number.as_f64().and_then(whole_seconds)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let said = seconds.filter(|seconds| *seconds > 0).map(|seconds| seconds.min(LONGEST_LIFETIME));
    said.map(Duration::from_secs).or(quirks.default_lifetime)
}

/// The whole seconds of a number with a fraction.
fn whole_seconds(seconds: f64) -> Option<u64> {
    Duration::try_from_secs_f64(seconds).ok().map(|seconds| seconds.as_secs())
}

/// What was granted, as a text with spaces or commas or as a list; all that was asked for when nothing is said.
fn granted(member: Option<&Value>, expected: &Expected<'_>) -> Scope {
    let quirks = expected.quirks;
    let text = match member {
        Some(Value::String(text)) if quirks.granted_by_comma => text.replace(',', " "),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return expected.asked.clone(),
    };
    match Scope::parse(&text) {
        Ok(granted) if !granted.is_empty() => quirks.effective(&granted, expected.asked),
        _ => expected.asked.clone(),
    }
}

/// Visible ASCII without spaces: neither a header nor its scheme can be broken out of.
fn is_token(token: &str) -> bool {
    token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 6749 Appendix A.17: `1*VSCHAR`.
fn is_printable(token: &str) -> bool {
    token.len() <= LONGEST && token.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests;
