//! The URIs of resources, as a server may read them.

use std::borrow::Cow;

/// The URI with its escapes decoded and its dot segments resolved: what a server could take it for (RFC 3986 §6.2.2).
/// Decoding is repeated, because servers have been seen to decode twice.
pub(super) fn plain(uri: &str) -> Cow<'_, str> {
    const DECODINGS: usize = 4;
    if !uri.contains(['%', '\\']) && !uri.contains("/.") {
        return Cow::Borrowed(uri);
    }
    let mut decoded = uri.to_owned();
    for _ in 0..DECODINGS {
        match decode(&decoded) {
            Some(further) => decoded = further,
            None => break,
        }
    }
    Cow::Owned(without_dots(&decoded.replace('\\', "/")))
}

/// The text with its escapes decoded; `None` when it has none. Bytes that are no UTF-8 become replacement characters,
/// which no rule names.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| first == b'%').and_then(byte);
        bytes.push(escape.unwrap_or(first));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    (bytes.len() < text.len()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn byte(digits: &[u8]) -> Option<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let (high, low) = (digit(digits.first()?)?, digit(digits.get(1)?)?);
    u8::try_from(high * 16 + low).ok()
}

/// Dot segments after the authority, resolved; a `..` that leads above the root stays there.
fn without_dots(uri: &str) -> String {
    let authority = uri.find("://").map_or(0, |at| at + 3);
    let root = uri[authority..].find('/').map_or(uri.len(), |at| authority + at);
    let (begin, path) = uri.split_at(root);
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
    format!("{begin}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gw_23_a_uri_is_what_a_server_takes_it_for() {
        for (uri, expect) in [
            ("file:///pub/a.txt", "file:///pub/a.txt"),
            ("file:///pub/../etc/passwd", "file:///etc/passwd"),
            ("file:///pub/%2e%2e/etc/passwd", "file:///etc/passwd"),
            ("file:///pub/%252e%252e%252fetc/passwd", "file:///etc/passwd"),
            ("file:///pub\\..\\etc/passwd", "file:///etc/passwd"),
            ("file:///../../etc/./passwd", "file:///etc/passwd"),
            ("demo://host/a/%C3%A9", "demo://host/a/é"),
            ("memo:100%", "memo:100%"),
            ("", ""),
        ] {
            assert_eq!(plain(uri), expect, "{uri}");
        }
    }
}
