//! `multipart/form-data` (RFC 7578).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use http::HeaderValue;
use serde_json::value::RawValue;

use super::body::{Member, decoded, is_short};
use crate::Encoding;
use crate::arguments::{Exact, InvalidArguments, compact, written};

/// Parts of one body.
const MOST: usize = 1000;
/// How often another boundary is tried.
const TRIES: u64 = 8;

/// One part.
struct Part {
    head: String,
    content: Vec<u8>,
}

/// Writes the members: bytes as files, objects as JSON, a list as one part for each element.
pub(super) fn write(
    members: &[Member<'_>],
    encoding: &BTreeMap<String, Encoding>,
    binary: &BTreeSet<String>,
    argument: &str,
) -> Result<(HeaderValue, Vec<u8>), InvalidArguments> {
    let mut parts = Vec::new();
    for (name, value) in members {
        is_short(name, argument)?;
        let values = match Exact::read(value) {
            Exact::Null => continue,
            Exact::List(elements) => elements,
            Exact::Scalar(_) | Exact::Members(_) => vec![*value],
        };
        let content_type = encoding.get(name.as_ref()).and_then(content_type);
        if parts.len() + values.len() > MOST {
            return Err(InvalidArguments::of(argument, format_args!("it has more than {MOST} parts")));
        }
        for value in values {
            parts.push(part(name, value, content_type, binary.contains(name.as_ref()))?);
        }
    }
    let boundary =
        boundary(&parts).ok_or_else(|| InvalidArguments::of(argument, "its parts cannot be told apart"))?;
    let mut body = Vec::new();
    for part in &parts {
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Ok((HeaderValue::from_str(&content_type).expect("a boundary is hexadecimal"), body))
}

fn part(
    name: &str,
    value: &RawValue,
    content_type: Option<&str>,
    is_binary: bool,
) -> Result<Part, InvalidArguments> {
    let (content, own) = match Exact::read(value) {
        Exact::Scalar(text) if is_binary => (decoded(name, &text)?, Some("application/octet-stream")),
        Exact::Members(_) | Exact::List(_) => {
            (compact(value.get()).as_bytes().to_vec(), Some("application/json"))
        }
        Exact::Null | Exact::Scalar(_) => (written(value).as_bytes().to_vec(), None),
    };
    let quoted = quoted(name);
    // Without a name of a file a server takes the part for text.
    let file = if is_binary { format!("; filename=\"{quoted}\"") } else { String::new() };
    let kind = content_type.or(own).map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let head = format!("Content-Disposition: form-data; name=\"{quoted}\"{file}\r\n{kind}");
    Ok(Part { head, content })
}

/// The media type that the document gives a part: the first one that is one, not a range, and no second header.
fn content_type(encoding: &Encoding) -> Option<&str> {
    let is_plain = |name: &&str| {
        !name.is_empty() && !name.contains('*') && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    encoding.content_type.as_deref()?.split(',').map(str::trim).find(is_plain)
}

/// A name between quotes, as browsers write it: it ends where we say (WHATWG HTML, multipart form data).
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
        .replace(|character: char| character.is_control(), "")
}

/// Text that stands in no part. It is made of the parts, so that whoever writes one does not know it.
fn boundary(parts: &[Part]) -> Option<String> {
    (0..TRIES).find_map(|attempt| {
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (attempt, salt).hash(&mut hasher);
            for part in parts {
                (&part.head, &part.content).hash(&mut hasher);
            }
            hasher.finish()
        };
        let boundary = format!("{:016x}{:016x}", half(0), half(1));
        let is_in =
            |content: &[u8]| content.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        let is_free = !parts.iter().any(|part| is_in(&part.content) || is_in(part.head.as_bytes()));
        is_free.then_some(boundary)
    })
}
