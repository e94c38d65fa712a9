//! Whether an answer is only a part, and how to get what follows: in one line for the model, because it does not see
//! headers, and overlooks members of long answers.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::LINK;
use mcp::json::{Object, string};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use super::{Answered, Answers};
use crate::arguments::shown;

/// Members by which APIs tell where the next page begins.
const NEXT: [&str; 16] = [
    "next_page",
    "nextPage",
    "next_page_token",
    "nextPageToken",
    "next_cursor",
    "nextCursor",
    "next_token",
    "nextToken",
    "NextToken",
    "next_offset",
    "nextOffset",
    "next_url",
    "nextLink",
    "@odata.nextLink",
    "next",
    "NextMarker",
];
/// Members that hold such members.
const AROUND: [&str; 7] =
    ["meta", "metadata", "pagination", "paging", "page_info", "response_metadata", "links"];
/// What all of [`NEXT`] have: a body without it need not be read.
const HINT: &str = "ext";
/// The longest body that is read for it, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// The line, if there is more.
pub(super) fn note(answers: &Answers, answered: &Answered<'_>) -> Option<String> {
    if let Some(url) = next_link(answered.headers) {
        return Some(by_url(answers, &url));
    }
    if answered.is_cut || answered.body.len() > LONGEST || answered.body.first() != Some(&b'{') {
        return None;
    }
    let text = std::str::from_utf8(answered.body).ok()?;
    if !text.contains(HINT) {
        return None;
    }
    let object = Object::read(text, &[]).ok()?;
    let inside = || AROUND.iter().find_map(|name| next_in(&Object::read(object.get(name)?.get(), &[]).ok()?));
    let (name, value) = next_in(&object).or_else(inside)?;
    if value.starts_with("http://") || value.starts_with("https://") || value.starts_with('/') {
        return Some(by_url(answers, &value));
    }
    Some(format!("There is more: {name} is {}.", shown(&value)))
}

fn next_in(object: &Object<'_>) -> Option<(&'static str, String)> {
    NEXT.iter().find_map(|name| Some((*name, scalar(object.get(name)?)?)))
}

/// A string or number that is one.
fn scalar(raw: &RawValue) -> Option<String> {
    let text = match raw.get().as_bytes().first()? {
        b'"' => string(raw)?.into_owned(),
        b'0'..=b'9' => raw.get().to_owned(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The arguments that the URL of the next page stands for.
fn by_url(answers: &Answers, url: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').take(64).filter_map(|pair| pair.split_once('='));
    let arguments: BTreeMap<&String, String> = pairs
        .filter_map(|(name, value)| Some((answers.arguments.get(&decoded(name))?, shown(&decoded(value)))))
        .collect();
    if arguments.is_empty() {
        return "There is more on a next page.".to_owned();
    }
    let arguments: Vec<_> = arguments.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("There is more: call again with {}.", arguments.join(", "))
}

/// The target of `Link: <…>; rel="next"` (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.take(16).find_map(|value| {
        let mut rest = value;
        while let Some((_, behind)) = rest.split_once('<') {
            let (target, after) = behind.split_once('>')?;
            let parameters = after.split('<').next().unwrap_or_default();
            if is_next(parameters) {
                return Some(target.to_owned());
            }
            rest = after;
        }
        None
    })
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_the_hint() {
        assert!(NEXT.iter().all(|name| name.contains(HINT)));
    }
}
