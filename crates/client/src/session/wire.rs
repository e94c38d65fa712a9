//! How one request looks in either era, and what an answer means. Pure.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use mcp::{Implementation, ProtocolVersion, RequestId, RequestMeta, headers};
use serde_json::{Map, Value, json};

use crate::challenge::Challenge;

/// What both sides agreed on, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    /// Nothing was sent yet: the modern era is tried first.
    Unknown,
    /// 2026-07-28: no handshake.
    Modern,
    /// After an `initialize`.
    Legacy {
        /// The negotiated revision.
        version: String,
        /// The session, if the server made one.
        session: Option<HeaderValue>,
    },
}

/// One request before it is written for an era.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    /// The value that `Mcp-Name` mirrors.
    pub(super) name: Option<&'a str>,
    /// Headers that mirror arguments (`x-mcp-header`), for the modern era.
    pub(super) mirrored: Vec<(HeaderName, HeaderValue)>,
    pub(super) params: Map<String, Value>,
}

/// A body and the headers that belong to it.
pub(super) struct Written {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Wire {
    /// Writes a request.
    pub(super) fn write(&self, id: i64, call: &Call<'_>, client: &Implementation) -> Written {
        let mut params = call.params.clone();
        let mut headers = self.headers();
        if !matches!(self, Self::Legacy { .. }) {
            headers.extend(headers::compose(ProtocolVersion::LATEST, call.method, call.name));
            headers.extend(call.mirrored.iter().cloned());
            let meta = RequestMeta {
                protocol_version: ProtocolVersion::LATEST,
                client_info: client,
                client_capabilities: &json!({}),
            };
            params.insert("_meta".to_owned(), json!(meta));
        }
        Written { headers, body: mcp::request(&RequestId::Integer(id), call.method, &params) }
    }

    /// The headers of every message of the legacy era; none before it is known.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Self::Legacy { version, session } = self {
            if let Ok(version) = HeaderValue::from_str(version) {
                headers.insert(headers::PROTOCOL_VERSION, version);
            }
            if let Some(session) = session {
                headers.insert(headers::SESSION_ID, session.clone());
            }
        }
        headers
    }
}

/// The parameters of `initialize`.
pub(super) fn initialize_params(client: &Implementation) -> Value {
    json!({
        "protocolVersion": ProtocolVersion::LATEST_LEGACY,
        "capabilities": {},
        "clientInfo": client,
    })
}

/// Puts a message into an HTTP request.
pub(super) fn post(
    url: &str,
    written: Written,
    token: Option<&HeaderValue>,
) -> Result<Request<bytes::Bytes>, http::Error> {
    let mut request = Request::builder().method(Method::POST).uri(url).body(written.body.into())?;
    let headers = request.headers_mut();
    *headers = written.headers;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.extend(token.map(|token| (header::AUTHORIZATION, token.clone())));
    Ok(request)
}

/// What the status of an answer asks of us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Read the answer.
    Read,
    /// The server wants another token.
    Authorize(Challenge),
    /// The server wants a token with more scopes.
    StepUp(Challenge),
    /// A redirect, which is never followed: the token would go where nobody checked (attack CL-10).
    Redirected,
}

/// Judges the head of an answer.
pub(super) fn reaction(status: StatusCode, headers: &HeaderMap) -> Reaction {
    if status.is_redirection() {
        return Reaction::Redirected;
    }
    let challenge = Challenge::read(headers);
    match (status, challenge) {
        (StatusCode::UNAUTHORIZED, challenge) => Reaction::Authorize(challenge.unwrap_or_default()),
        (StatusCode::FORBIDDEN, Some(challenge)) if challenge.is_insufficient_scope() => {
            Reaction::StepUp(challenge)
        }
        _ => Reaction::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_asks_of_us() {
        let mut headers = HeaderMap::new();
        assert_eq!(reaction(StatusCode::OK, &headers), Reaction::Read);
        assert_eq!(reaction(StatusCode::FORBIDDEN, &headers), Reaction::Read);
        assert_eq!(reaction(StatusCode::UNAUTHORIZED, &headers), Reaction::Authorize(Challenge::default()));
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(reaction(StatusCode::from_u16(status).unwrap(), &headers), Reaction::Redirected);
        }
        let insufficient = "Bearer error=\"insufficient_scope\", scope=\"write\"";
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(insufficient));
        assert!(matches!(reaction(StatusCode::FORBIDDEN, &headers), Reaction::StepUp(_)));
        assert!(matches!(reaction(StatusCode::UNAUTHORIZED, &headers), Reaction::Authorize(_)));
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        assert_eq!(reaction(StatusCode::FORBIDDEN, &headers), Reaction::Read);
    }

    #[test]
    fn a_modern_request_says_in_headers_what_its_body_says() {
        let client = Implementation { name: "c".to_owned(), title: None, version: "1".to_owned() };
        let call = Call { method: "tools/call", name: Some("t"), mirrored: Vec::new(), params: Map::new() };
        let written = Wire::Unknown.write(7, &call, &client);
        let body: Value = serde_json::from_slice(&written.body).unwrap();
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(written.headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(
            (&written.headers["mcp-method"], &written.headers["mcp-name"]),
            (&HeaderValue::from_static("tools/call"), &HeaderValue::from_static("t"))
        );
    }

    #[test]
    fn a_legacy_request_carries_version_and_session() {
        let client = Implementation { name: "c".to_owned(), title: None, version: "1".to_owned() };
        let call = Call { method: "tools/list", name: None, mirrored: Vec::new(), params: Map::new() };
        let session = Some(HeaderValue::from_static("s"));
        let written = Wire::Legacy { version: "2025-06-18".to_owned(), session }.write(7, &call, &client);
        let body: Value = serde_json::from_slice(&written.body).unwrap();
        assert_eq!(body["params"], json!({}));
        assert_eq!(written.headers["mcp-protocol-version"], "2025-06-18");
        assert_eq!(written.headers["mcp-session-id"], "s");
        assert!(!written.headers.contains_key("mcp-method"));
    }
}
