//! Answers of a call that succeeded.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{CONTENT_ENCODING, LOCATION};
use mcp::CallToolResult;
use serde_json::Value;
use serde_json::value::RawValue;

use super::media_type::{Kind, MediaType};
use super::{Answered, Answers, bytes, of_content, rest, text};
use crate::arguments::{compact, respelled, shown};

/// Levels that a structured result may have: it stands inside of a message that may have 64.
const LEVELS: usize = 58;

pub(super) fn result(answers: &Answers, answered: &Answered<'_>) -> CallToolResult {
    let media_type = MediaType::of(answered.headers);
    let mut result = match media_type.kind() {
        _ if is_encoded(answered) => return unreadable(answered),
        _ if answered.body.is_empty() => nothing(answered),
        Kind::Json => json(&media_type, answered),
        Kind::Text => of_content(vec![text(media_type.decoded(answered.body))], false),
        // Nobody said what it is.
        Kind::Bytes if media_type.name.is_empty() && std::str::from_utf8(answered.body).is_ok() => {
            json(&media_type, answered)
        }
        _ if answered.is_cut => of_content(vec![text("The API answered with a file.")], false),
        Kind::Image | Kind::Audio | Kind::Bytes => {
            of_content(vec![bytes::content(&answers.tool, &media_type, answered.body)], false)
        }
    };
    result.content.extend(notes(answers, answered));
    keep_promise(answers, answered, result)
}

/// Whether the body is compressed. It was not asked for, and is not undone: a few bytes can be very many.
fn is_encoded(answered: &Answered<'_>) -> bool {
    let encoding = answered.headers.get(CONTENT_ENCODING);
    encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn unreadable(answered: &Answered<'_>) -> CallToolResult {
    let number = answered.status.as_u16();
    let said = format!(
        "The call succeeded (HTTP {number}); do not repeat it. Its answer is compressed, though it was not asked for that, and cannot be read."
    );
    of_content(vec![text(said)], true)
}

fn nothing(answered: &Answered<'_>) -> CallToolResult {
    let number = answered.status.as_u16();
    let said = match answered.status {
        StatusCode::ACCEPTED => format!("The API has accepted the call and is still at it (HTTP {number})."),
        _ => format!("Done. The API answered with nothing (HTTP {number})."),
    };
    of_content(vec![text(said)], false)
}

/// Text that is strict JSON is structured too: an object as it is, a list as `items`. Both as the API wrote them.
fn json(media_type: &MediaType, answered: &Answered<'_>) -> CallToolResult {
    let decoded = media_type.decoded(answered.body);
    let structured = if answered.is_cut { None } else { structured(&decoded) };
    // Secrets are looked for in it.
    let said = match respelled(&decoded) {
        Cow::Owned(respelled) => respelled,
        Cow::Borrowed(_) => decoded,
    };
    CallToolResult { structured_content: structured, ..of_content(vec![text(said)], false) }
}

fn structured(text: &str) -> Option<Box<RawValue>> {
    let text = text.trim();
    let is_object = text.starts_with('{');
    if !is_object && !text.starts_with('[') || is_deep(text) {
        return None;
    }
    let text = mcp::json::check(text.as_bytes()).ok()?;
    // It may stand in a stream, whose lines end where lines end.
    let text = compact(text);
    RawValue::from_string(if is_object { text.into_owned() } else { format!("{{\"items\":{text}}}") }).ok()
}

/// Whether the text has more levels of arrays and objects than may be.
fn is_deep(json: &str) -> bool {
    let (mut level, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => level += 1,
            b']' | b'}' if !is_text => level = level.saturating_sub(1),
            _ => {}
        }
        if level > LEVELS {
            return true;
        }
    }
    false
}

/// What the body does not say, in lines of their own.
fn notes(answers: &Answers, answered: &Answered<'_>) -> Option<mcp::Content> {
    let mut notes = Vec::new();
    if answered.is_cut {
        notes.push(format!(
            "The answer was cut after {} bytes, which is as much as this gateway takes. Ask for less: a narrower filter, \
             fewer fields, smaller pages.",
            answered.body.len()
        ));
    }
    let location = answered.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    if let Some(location) = location.filter(|_| matches!(answered.status.as_u16(), 201 | 202)) {
        let path = location.split(['?', '#']).next().unwrap_or_default();
        notes.push(format!("It is at {}.", shown(path)));
    }
    notes.extend(rest::note(answers, answered));
    (!notes.is_empty()).then(|| text(notes.join("\n")))
}

/// A tool with an output schema must answer as it says: clients refuse everything else but a failure. So an answer that
/// is otherwise goes to the model as one, with word that the call succeeded.
fn keep_promise(answers: &Answers, answered: &Answered<'_>, result: CallToolResult) -> CallToolResult {
    let Some(promise) = &answers.promise else { return result };
    let value = result
        .structured_content
        .as_ref()
        .and_then(|content| serde_json::from_str::<Value>(content.get()).ok());
    if value.is_some_and(|value| promise.is_valid(&value)) {
        return result;
    }
    let said = format!(
        "The call succeeded (HTTP {}); do not repeat it. Its answer is not as the description of the API says, so it is \
         here as text:",
        answered.status.as_u16()
    );
    let content = std::iter::once(text(said)).chain(result.content).collect();
    CallToolResult { content, structured_content: None, is_error: true, ..result }
}
