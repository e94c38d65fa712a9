//! The headers that mirror a modern request's body, and the check that they do.
//!
//! 2026-07-28, Streamable HTTP, Request Metadata: a load balancer routes on the headers while the server acts on the
//! body, so a server that reads the body must refuse a request in which the two differ.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

use crate::{Params, ProtocolVersion, json};

/// `MCP-Protocol-Version`: the revision; in the modern era equal to the one in `_meta`.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Mcp-Method`: the JSON-RPC method.
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// `Mcp-Name`: `params.name` or `params.uri`.
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// `Mcp-Session-Id`: the session of the legacy era.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

const SENTINEL_START: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// A header and the body disagree (-32020). Values are not repeated: a header may be long or hostile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderMismatch {
    /// A required header is not there.
    #[error("header mismatch: the {0} header is missing")]
    Missing(HeaderName),
    /// A header is there more than once.
    #[error("header mismatch: the {0} header appears more than once")]
    Repeated(HeaderName),
    /// A header has characters or an encoding it may not have.
    #[error("header mismatch: the {0} header is malformed")]
    Malformed(HeaderName),
    /// A header says something else than the body.
    #[error("header mismatch: the {0} header does not match the body")]
    Different(HeaderName),
}

/// Holds `Mcp-Method` and, where the method names something, `Mcp-Name` of a modern request against its body.
pub fn check(headers: &HeaderMap, method: &str, params: &Params<'_>) -> Result<(), HeaderMismatch> {
    same(&METHOD, one(headers, &METHOD)?, method)?;
    let Some(name) = name_of(method, params) else {
        // Without a name in the body there is nothing to mirror; where one is needed, the method refuses its parameters.
        return Ok(());
    };
    let header = one(headers, &NAME)?;
    let decoded = decode(header).ok_or(HeaderMismatch::Malformed(NAME))?;
    same(&NAME, &decoded, &name)
}

/// Holds `MCP-Protocol-Version` of a modern request against the version in its `_meta`.
pub fn check_version(headers: &HeaderMap, version: &str) -> Result<(), HeaderMismatch> {
    same(&PROTOCOL_VERSION, one(headers, &PROTOCOL_VERSION)?, version)
}

/// Holds one `Mcp-Param-*` header against the argument it mirrors (the parameter's `x-mcp-header`). An argument that
/// is absent or null has no header to compare, so pass `None`.
pub fn check_parameter(
    headers: &HeaderMap,
    header: &HeaderName,
    argument: Option<&RawValue>,
) -> Result<(), HeaderMismatch> {
    let argument = argument.filter(|argument| argument.get() != "null");
    match (headers.contains_key(header), argument) {
        (false, None) => Ok(()),
        (true, None) => Err(HeaderMismatch::Different(header.clone())),
        (_, Some(argument)) => {
            let decoded =
                decode(one(headers, header)?).ok_or_else(|| HeaderMismatch::Malformed(header.clone()))?;
            if mirrors(&decoded, argument) { Ok(()) } else { Err(HeaderMismatch::Different(header.clone())) }
        }
    }
}

/// The headers a client sends with a modern request.
pub fn compose(version: ProtocolVersion, method: &str, name: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers =
        vec![(PROTOCOL_VERSION, HeaderValue::from_static(version.as_str())), (METHOD, encode(method))];
    headers.extend(name.map(|name| (NAME, encode(name))));
    headers
}

/// The same, put into the headers of a request.
pub fn mirror(headers: &mut HeaderMap, version: ProtocolVersion, method: &str, name: Option<&str>) {
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version.as_str()));
    headers.insert(METHOD, encode(method));
    if let Some(name) = name {
        headers.insert(NAME, encode(name));
    }
}

/// A value as it may stand in a header: plain when it is visible ASCII with inner spaces at most, else in the Base64
/// sentinel (Value Encoding).
pub fn encode(value: &str) -> HeaderValue {
    let plain = value.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
        && !value.is_empty()
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.starts_with(SENTINEL_START);
    let header = if plain {
        HeaderValue::from_str(value)
    } else {
        HeaderValue::try_from(format!("{SENTINEL_START}{}{SENTINEL_END}", STANDARD.encode(value)))
    };
    header.expect("visible ASCII is a header value")
}

/// The value that a header mirrors; `None` when the sentinel holds no canonical Base64 of UTF-8. The markers are
/// case-sensitive: anything else is a plain value.
pub fn decode(header: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = header.strip_prefix(SENTINEL_START).and_then(|rest| rest.strip_suffix(SENTINEL_END))
    else {
        return Some(Cow::Borrowed(header));
    };
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned)
}

/// The value that `Mcp-Name` mirrors, where the method names something and the body has it.
pub fn name_of<'a>(method: &str, params: &Params<'a>) -> Option<Cow<'a, str>> {
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return None,
    };
    params.get(member).and_then(json::string)
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, HeaderMismatch> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| HeaderMismatch::Missing(name.clone()))?;
    if values.next().is_some() {
        return Err(HeaderMismatch::Repeated(name.clone()));
    }
    value.to_str().map_err(|_| HeaderMismatch::Malformed(name.clone()))
}

fn same(name: &HeaderName, header: &str, body: &str) -> Result<(), HeaderMismatch> {
    if header == body { Ok(()) } else { Err(HeaderMismatch::Different(name.clone())) }
}

/// Strings and booleans compare as text, integers as numbers ("42.0 and 42 are considered equal").
fn mirrors(header: &str, argument: &RawValue) -> bool {
    if let Some(text) = json::string(argument) {
        return header == text;
    }
    match argument.get() {
        text @ ("true" | "false") => header == text,
        number => match (integer(header), integer(number)) {
            (Some(header), Some(body)) => header == body,
            _ => false,
        },
    }
}

/// A decimal integer, also when it is written with a fraction of zeros.
fn integer(text: &str) -> Option<i64> {
    let whole = text
        .split_once('.')
        .filter(|(_, zeros)| !zeros.is_empty())
        .map_or(text, |(whole, zeros)| if zeros.bytes().all(|digit| digit == b'0') { whole } else { text });
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn judge(method: &str, params: &str, pairs: &[(&str, &str)]) -> Result<(), HeaderMismatch> {
        let raw: &RawValue = serde_json::from_str(params).unwrap();
        check(&headers(pairs), method, &Params::read(Some(raw)).unwrap())
    }

    #[test]
    fn method_and_name_must_mirror_the_body() {
        let call = |name: &str| {
            judge("tools/call", r#"{"name":"héllo"}"#, &[("mcp-method", "tools/call"), ("mcp-name", name)])
        };
        assert_eq!(call("=?base64?aMOpbGxv?="), Ok(()));
        assert_eq!(call("=?BASE64?aMOpbGxv?="), Err(HeaderMismatch::Different(NAME)));
        assert_eq!(call("=?base64?PT9iYXNlNjQ/YU1PcGJHeHY/PQ==?="), Err(HeaderMismatch::Different(NAME)));
        assert_eq!(call("=?base64?aMOpbGxv!?="), Err(HeaderMismatch::Malformed(NAME)));
        assert_eq!(call("=?base64?/w==?="), Err(HeaderMismatch::Malformed(NAME)));
        assert_eq!(call("danger"), Err(HeaderMismatch::Different(NAME)));

        let list = |pairs: &[(&str, &str)]| judge("tools/list", "{}", pairs);
        assert_eq!(list(&[("mcp-method", "tools/list")]), Ok(()));
        assert_eq!(list(&[("mcp-method", "TOOLS/LIST")]), Err(HeaderMismatch::Different(METHOD)));
        assert_eq!(list(&[]), Err(HeaderMismatch::Missing(METHOD)));
        let twice = [("mcp-method", "tools/list"), ("mcp-method", "tools/list")];
        assert_eq!(list(&twice), Err(HeaderMismatch::Repeated(METHOD)));

        let read = judge("resources/read", r#"{"uri":"file:///a"}"#, &[("mcp-method", "resources/read")]);
        assert_eq!(read, Err(HeaderMismatch::Missing(NAME)));
        assert_eq!(judge("tools/call", "{}", &[("mcp-method", "tools/call")]), Ok(()));
    }

    #[test]
    fn mirrored_parameters_compare_by_type() {
        let header = HeaderName::from_static("mcp-param-x");
        for (value, argument, matches) in [
            (Some("42.0"), Some("42"), true),
            (Some("42"), Some("42.00"), true),
            (Some("42.5"), Some("42"), false),
            (Some("true"), Some("true"), true),
            (Some("True"), Some("true"), false),
            (Some("=?base64?IHg=?="), Some("\" x\""), true),
            (Some("42"), Some("\"42.0\""), false),
            (None, Some("\"x\""), false),
            (None, Some("null"), true),
            (None, None, true),
            (Some("x"), Some("null"), false),
        ] {
            let headers = value.map_or_else(HeaderMap::new, |value| headers(&[("mcp-param-x", value)]));
            let argument: Option<&RawValue> = argument.map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(
                check_parameter(&headers, &header, argument).is_ok(),
                matches,
                "{value:?} {argument:?}"
            );
        }
    }

    #[test]
    fn values_survive_the_header() {
        for value in ["us-west1", "Hello, 世界", " padded ", "line1\nline2", "=?base64?literal?=", "", "a b"]
        {
            let header = encode(value);
            assert_eq!(decode(header.to_str().unwrap()).as_deref(), Some(value));
        }
        assert_eq!(encode("us-west1"), "us-west1");
        assert_eq!(encode("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
    }

    proptest! {
        #[test]
        fn composed_headers_mirror_any_name(name in any::<String>()) {
            let params = serde_json::json!({ "name": name }).to_string();
            let raw: &RawValue = serde_json::from_str(&params).unwrap();
            let headers: HeaderMap = compose(ProtocolVersion::LATEST, "tools/call", Some(&name)).into_iter().collect();
            prop_assert_eq!(check(&headers, "tools/call", &Params::read(Some(raw)).unwrap()), Ok(()));
            prop_assert_eq!(check_version(&headers, "2026-07-28"), Ok(()));
        }
    }
}
