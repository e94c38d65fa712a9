//! A server on loopback that is authorization server and protected resource at once, follows a script, and remembers
//! every request.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use url::form_urlencoded;

/// What the server answers. `{url}` in any text is replaced by the server's own URL.
#[derive(Clone)]
pub(crate) struct Script {
    /// The parameters of the `Bearer` challenge.
    pub(crate) challenge: String,
    pub(crate) resource_metadata: Value,
    pub(crate) server_metadata: Value,
    pub(crate) registration: Value,
    /// The query of the authorization response, behind the state.
    pub(crate) authorization_response: String,
    /// The answers of the token endpoint, the last one again and again; `{n}` is replaced by their number.
    pub(crate) tokens: Vec<(u16, Value)>,
    /// The access tokens that the resource takes; one that ends in `*` is a prefix.
    pub(crate) accepted: String,
    pub(crate) mcp: Mcp,
    pub(crate) tools: Value,
}

/// How the MCP endpoint behaves with a good token.
#[derive(Clone, PartialEq)]
pub(crate) enum Mcp {
    Modern,
    Legacy,
    EventStream,
    Redirect(String),
    /// Asks for this scope, and is never content.
    Insufficient(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            challenge: "resource_metadata=\"{url}/.well-known/oauth-protected-resource/mcp\", scope=\"read\""
                .to_owned(),
            resource_metadata: json!({"resource": "{url}/mcp", "authorization_servers": ["{url}"]}),
            server_metadata: json!({
                "issuer": "{url}",
                "authorization_endpoint": "{url}/authorize",
                "token_endpoint": "{url}/token",
                "registration_endpoint": "{url}/register",
                "revocation_endpoint": "{url}/revoke",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": true,
            }),
            registration: json!({"client_id": "client-at-{url}"}),
            authorization_response: "code=the-code&iss={url}".to_owned(),
            tokens: vec![(
                200,
                json!({"access_token": "access-{n}", "token_type": "Bearer", "expires_in": 600,
                       "refresh_token": "refresh-{n}"}),
            )],
            accepted: "access-*".to_owned(),
            mcp: Mcp::Modern,
            tools: json!([{"name": "echo", "inputSchema": {"type": "object"}}]),
        }
    }
}

impl Fake {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { url, script: Arc::new(Mutex::new(script)), seen: Arc::default() };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// The requests that came to a path so far.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// Everything that was ever sent here, as text to search in.
    pub(crate) fn everything(&self) -> String {
        format!("{:?}", self.seen.lock().unwrap())
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{url}", &self.url)
    }

    fn json(&self, value: &Value) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.fill(&value.to_string())).into_response()
    }
}

impl Seen {
    /// A parameter of the form body or the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let text = if self.body.is_empty() { &self.query } else { &self.body };
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let seen = Seen {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    fake.seen.lock().unwrap().push(seen.clone());
    let script = fake.script().clone();
    match seen.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => fake.json(&script.resource_metadata),
        "/.well-known/oauth-authorization-server" => fake.json(&script.server_metadata),
        "/register" => (StatusCode::CREATED, fake.json(&script.registration)).into_response(),
        "/authorize" => authorize(&fake, &script, &seen),
        "/token" => token(&fake, &script),
        "/revoke" => StatusCode::OK.into_response(),
        "/endless" => Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b' '; 4096]))
        }))
        .into_response(),
        "/mcp" => mcp(&fake, &script, &seen),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn authorize(fake: &Fake, script: &Script, seen: &Seen) -> Response {
    let redirect_uri = seen.parameter("redirect_uri").unwrap();
    let state = seen.parameter("state").unwrap();
    let location = format!("{redirect_uri}?state={state}&{}", fake.fill(&script.authorization_response));
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

fn token(fake: &Fake, script: &Script) -> Response {
    let number = fake.seen("/token").len();
    let (status, body) = script.tokens.get(number - 1).or(script.tokens.last()).unwrap();
    let body = fake.fill(&body.to_string()).replace("{n}", &number.to_string());
    (StatusCode::from_u16(*status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body)
        .into_response()
}

fn mcp(fake: &Fake, script: &Script, seen: &Seen) -> Response {
    let token = seen.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let accepted = match script.accepted.strip_suffix('*') {
        Some(prefix) => token.starts_with(prefix) && !token.is_empty(),
        None => token == script.accepted,
    };
    if !accepted {
        return challenge(fake, StatusCode::UNAUTHORIZED, &script.challenge);
    }
    let request: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let result = match request["method"].as_str() {
        Some("initialize") => json!({"protocolVersion": "2025-06-18", "capabilities": {},
                                     "serverInfo": {"name": "fake", "version": "1"}}),
        Some("tools/list") => json!({"tools": script.tools}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "said"}]}),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
    match &script.mcp {
        Mcp::Modern => fake.json(&answer),
        Mcp::Legacy => legacy(fake, seen, &request, &answer),
        Mcp::EventStream => {
            let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
            let events = format!(": hello\n\ndata: {ping}\n\nevent: message\ndata: {answer}\n\n");
            ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response()
        }
        Mcp::Redirect(location) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location.clone())]).into_response()
        }
        Mcp::Insufficient(scope) => {
            let parameters =
                format!("{}, error=\"insufficient_scope\"", script.challenge.replace("read", scope));
            challenge(fake, StatusCode::FORBIDDEN, &parameters)
        }
    }
}

/// A server of the legacy era: nothing without a session.
fn legacy(fake: &Fake, seen: &Seen, request: &Value, answer: &Value) -> Response {
    if request["method"] == "initialize" {
        return ([("mcp-session-id", "session-1")], fake.json(answer)).into_response();
    }
    match seen.headers.get("mcp-session-id").map(http::HeaderValue::as_bytes) {
        Some(b"session-1") if seen.headers["mcp-protocol-version"] == "2025-06-18" => fake.json(answer),
        _ => (StatusCode::BAD_REQUEST, "no session").into_response(),
    }
}

fn challenge(fake: &Fake, status: StatusCode, parameters: &str) -> Response {
    (status, [(header::WWW_AUTHENTICATE, format!("Bearer {}", fake.fill(parameters)))]).into_response()
}
