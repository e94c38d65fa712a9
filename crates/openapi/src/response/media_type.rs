//! What a body says that it is.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The kinds of bodies that make different results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Text,
    Image,
    Audio,
    Bytes,
}

/// A media type without parameters, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) name: String,
    /// Whether it says that its text is Latin-1.
    is_latin: bool,
}

impl MediaType {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (name, parameters) = value.split_once(';').unwrap_or((value, ""));
        let name = name.trim().to_ascii_lowercase();
        let is_name = name.len() <= 100
            && name.split_once('/').is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte));
        let parameters = parameters.to_ascii_lowercase();
        let is_latin =
            ["iso-8859-1", "latin1", "windows-1252"].iter().any(|charset| parameters.contains(charset));
        Self { name: if is_name { name } else { String::new() }, is_latin }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.name.as_str() {
            "application/json" | "text/json" => Kind::Json,
            name if name.ends_with("+json") => Kind::Json,
            "image/svg+xml"
            | "application/xml"
            | "application/yaml"
            | "application/x-yaml"
            | "application/javascript"
            | "application/x-www-form-urlencoded"
            | "application/x-ndjson"
            | "application/graphql"
            | "application/sql"
            | "application/toml"
            | "application/jsonl"
            | "application/json-seq" => Kind::Text,
            name if name.starts_with("text/") || name.ends_with("+xml") || name.ends_with("+yaml") => {
                Kind::Text
            }
            name if name.starts_with("image/") => Kind::Image,
            name if name.starts_with("audio/") => Kind::Audio,
            _ => Kind::Bytes,
        }
    }

    pub(super) fn is_html(&self) -> bool {
        self.name == "text/html" || self.name == "application/xhtml+xml"
    }

    /// The text of a body.
    pub(super) fn decoded(&self, body: &[u8]) -> String {
        match std::str::from_utf8(body) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) if self.is_latin => body.iter().map(|byte| char::from(*byte)).collect(),
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        }
    }
}

/// What a name has beside letters and digits (RFC 6838 §4.2).
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'/' | b'!' | b'#' | b'$' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+')
}
