//! Answers that are no success: said to the model, so that it can do better.

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use mcp::CallToolResult;

use super::media_type::{Kind, MediaType};
use super::{Answered, of_content, text};
use crate::arguments::{compact, respelled, shown};
use crate::text::{is_hidden, plain};

/// As much of a body as is told, in bytes.
const TOLD: usize = 4096;

pub(super) fn result(answered: &Answered<'_>) -> CallToolResult {
    let Answered { status, headers, .. } = *answered;
    let number = status.as_u16();
    let mut said = match status {
        _ if status.is_redirection() => redirected(status, headers),
        StatusCode::UNAUTHORIZED => {
            "The API does not take the credential of this gateway, or wants one (HTTP 401).".to_owned()
        }
        StatusCode::FORBIDDEN => "The API does not allow it (HTTP 403).".to_owned(),
        StatusCode::NOT_FOUND => "The API has no such thing (HTTP 404).".to_owned(),
        StatusCode::TOO_MANY_REQUESTS => "The API was asked too often (HTTP 429).".to_owned(),
        _ if status.is_server_error() => {
            format!("The API failed (HTTP {number}). Whether the call had an effect is not known.")
        }
        _ => format!("The API refused the call (HTTP {number})."),
    };
    said.push_str(&wait(headers));
    if !status.is_redirection() {
        let body = body(answered);
        if !body.is_empty() {
            said.push_str(" It says: ");
            said.push_str(&body);
        }
    }
    of_content(vec![text(said)], true)
}

/// Where it leads is told without its query, which may be a credential.
fn redirected(status: StatusCode, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(|location| location.split(['?', '#']).next().unwrap_or_default());
    let to = location.map(|location| format!(" to {}", shown(location))).unwrap_or_default();
    format!(
        "The API redirects{to} (HTTP {}), and redirects are not followed. There is no result.",
        status.as_u16()
    )
}

/// When to come again (RFC 9110 §10.2.3), in words.
fn wait(headers: &HeaderMap) -> String {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return format!(" Try again in {seconds} seconds, not before.");
    }
    if let Some(date) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) {
        return format!(" Try again after {}, not before.", &date[..date.len().min(40)]);
    }
    match (number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
        (Some(0), Some(at)) => format!(" No more calls are allowed until {at} (Unix time)."),
        _ => String::new(),
    }
}

/// The beginning of what the API says, as far as it is text that can be seen.
fn body(answered: &Answered<'_>) -> String {
    let media_type = MediaType::of(answered.headers);
    let head = &answered.body[..answered.body.len().min(4 * TOLD)];
    let decoded = media_type.decoded(head);
    let said = match media_type.kind() {
        Kind::Json => respelled(&compact(&decoded)).into_owned(),
        Kind::Text if media_type.is_html() => plain(&decoded),
        Kind::Text => decoded,
        Kind::Bytes if media_type.name.is_empty() && std::str::from_utf8(head).is_ok() => decoded,
        _ => return String::new(),
    };
    let seen: String = said.trim().chars().filter(|character| !is_hidden(*character)).collect();
    if seen.len() <= TOLD && !answered.is_cut && answered.body.len() == head.len() {
        return seen;
    }
    format!("{}…", &seen[..seen.floor_char_boundary(TOLD)])
}
