//! A gateway with the demo server on a temporary `SQLite` file, and requests to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use gateway::lock::Locks;
use gateway::policy::Policy;
use gateway::quota::{LimitSettings, Quotas};
use gateway::{
    AllowedRequests, BuiltInServer, DemoSettings, EventStreams, RemoteServer, RemoteServerSettings,
    RemoteSettings, ServerCredentials, Settings, ToolScopes, Transport, Way,
};
use guard::{Guard, Keys, RevokedTokens};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use oauth::access_token::AccessTokenClaims;
use oauth::jwk::JwkSet;
use oauth::jws::SigningKey;
use oauth::{ClientId, Clock, GrantId, Issuer, JwtId, ResourceIndicator, Scope, Timestamp};
use outbound::Egress;
use secret::{Random, Secret};
use serde_json::{Value, json};
use store::{Location, Store};
use tower::ServiceExt;

use crate::recorded::AuditLog;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) clock: Arc<Settable>,
    pub(crate) revoked: RevokedTokens,
    pub(crate) audit_log: Arc<AuditLog>,
    pub(crate) event_streams: EventStreams,
    /// How messages travel to the server at `/mcp/far`.
    pub(crate) transport: Transport,
    /// The rules of the operator.
    pub(crate) policy: Policy,
    /// What servers must not tell.
    pub(crate) secrets: Vec<Secret<String>>,
    /// What the operator has approved.
    pub(crate) locks: Locks,
    /// Whose credential the server at `/mcp/far` takes.
    pub(crate) credentials: Option<Arc<ServerCredentials>>,
    /// The limits of the operator.
    pub(crate) rates: Vec<LimitSettings>,
    key: SigningKey,
    pub(crate) store: Store,
    session_key: [u8; 32],
    _directory: tempfile::TempDir,
}

pub(crate) struct Settable(AtomicI64);

impl Settable {
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
pub(crate) struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(count.iter().cycle()).for_each(|(byte, count)| *byte = *count);
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON-RPC error code; 0 when there is none.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The JSON that a tool answered as text.
    pub(crate) fn tool(&self) -> Value {
        let result = &self.json()["result"];
        serde_json::from_str(result["content"][0]["text"].as_str().unwrap_or("null")).unwrap()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::open(Location::parse(&url).unwrap()).unwrap();
        store.migrate().await.unwrap();
        let (key, _) = SigningKey::generate();
        let mut world = Self {
            router: Router::new(),
            clock: Arc::new(Settable(AtomicI64::new(1_800_000_000_000))),
            revoked: RevokedTokens::default(),
            audit_log: Arc::default(),
            event_streams: EventStreams::default(),
            transport: Transport::Detected,
            policy: Policy::default(),
            secrets: Vec::new(),
            locks: Locks::default(),
            credentials: None,
            rates: Vec::new(),
            key,
            store,
            session_key: [7; 32],
            _directory: directory,
        };
        world.router = world.another_node();
        world
    }

    /// A second gateway on the same database, keys and clock.
    pub(crate) fn another_node(&self) -> Router {
        gateway::router(&self.settings())
    }

    /// A gateway with a further server at `/mcp/far`, whose endpoint is `url`. It waits for one second.
    pub(crate) fn gateway_to(&self, url: &str, tools: ToolScopes) -> Router {
        self.gateway_allowing(url, tools, AllowedRequests::default())
    }

    /// The same, for a server that may ask `allowed` of its clients.
    pub(crate) fn gateway_allowing(&self, url: &str, tools: ToolScopes, allowed: AllowedRequests) -> Router {
        let egress = Egress::public().with_loopback();
        let way = Way::Http { url: url.parse().unwrap(), egress, transport: self.transport };
        self.gateway_through(way, tools, allowed)
    }

    /// A gateway with a further server at `/mcp/far` that is reached in this way.
    pub(crate) fn gateway_by(&self, way: Way, allowed: AllowedRequests) -> Router {
        let default = Scope::parse("use").unwrap();
        self.gateway_through(way, ToolScopes { default, ..ToolScopes::default() }, allowed)
    }

    fn gateway_through(&self, way: Way, tools: ToolScopes, allowed: AllowedRequests) -> Router {
        let server = RemoteServerSettings {
            name: "far".to_owned(),
            way,
            answer_time: Duration::from_secs(1),
            idle_time: Duration::from_secs(1),
            allowed,
            question_time: Duration::from_secs(2),
            answer_size: 1024 * 1024,
            secrets: self.secrets.clone(),
        };
        let server = RemoteServer::new(&server, &Secret::new(self.session_key));
        let far = RemoteSettings {
            guard: self.guard("/mcp/far", &[], true),
            server,
            tools,
            credentials: self.credentials.clone(),
        };
        gateway::router(&Settings { remote: vec![far], ..self.settings() })
    }

    pub(crate) fn guard(&self, path: &str, also: &[&str], is_primary: bool) -> Guard {
        let keys = Keys::default();
        keys.replace(&JwkSet { keys: vec![self.key.jwk().clone()] });
        Guard::new(guard::Settings {
            issuer: Issuer::parse(ORIGIN).unwrap(),
            issuers: guard::TrustedIssuers::default(),
            resource: resource(path),
            announced: None,
            accepted_audiences: also.iter().map(|path| resource(path)).collect(),
            tenant: None,
            is_primary,
            name: None,
            scope: Scope::parse("read").unwrap(),
            keys,
            revoked: self.revoked.clone(),
            clock: self.clock.clone(),
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Settings {
            public_url: ORIGIN.parse().unwrap(),
            allowed_hosts: Vec::new(),
            allowed_origins: vec!["https://app.example".to_owned()],
            body_size: Settings::BODY_SIZE,
            body_time: Duration::from_secs(30),
            clock: self.clock.clone(),
            random: Arc::new(Counted(AtomicU64::new(1))),
            auditor: self.audit_log.clone(),
            policy: self.policy.clone(),
            locks: self.locks.clone(),
            quotas: Arc::new(Quotas::new(&self.rates, &clock, None)),
            signed_requests: None,
            demo: Some(DemoSettings {
                name: "demo".to_owned(),
                guard: self.guard("/mcp/demo", &["/mcp/v1"], true),
                compatible_guard: self.guard("/mcp/v1", &["/mcp/demo"], false),
                server: BuiltInServer::demo(&self.store, &clock, &Secret::new(self.session_key)),
            }),
            event_streams: self.event_streams.clone(),
            remote: Vec::new(),
            virtual_servers: Vec::new(),
        }
    }

    /// A token of `subject` with `scope` for the server at `/mcp/far`.
    pub(crate) fn far_token(&self, subject: &str, scope: &str) -> String {
        self.token_with(subject, scope, |claims| claims.aud = resource("/mcp/far"))
    }

    /// A JSON-RPC message in a POST to `/mcp/far` of `gateway`.
    pub(crate) fn far<'w>(&'w self, gateway: &'w Router, token: &str, body: impl ToString) -> Builder<'w> {
        self.request("POST", "/mcp/far").to(gateway).bearer(token).json(body)
    }

    /// A request of the modern era to `/mcp/far` of `gateway`, whose headers mirror its body.
    pub(crate) fn far_modern<'w>(
        &'w self,
        gateway: &'w Router,
        token: &str,
        method: &str,
        params: Value,
    ) -> Builder<'w> {
        let named = params.get("name").or(params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let builder = self
            .far(gateway, token, modern_body(method, params))
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        match named {
            Some(name) => builder.header("mcp-name", &name),
            None => builder,
        }
    }

    /// A token of `subject` with `scope` for the demo server.
    pub(crate) fn token(&self, subject: &str, scope: &str) -> String {
        self.token_with(subject, scope, |_| {})
    }

    pub(crate) fn token_with(
        &self,
        subject: &str,
        scope: &str,
        change: impl FnOnce(&mut AccessTokenClaims),
    ) -> String {
        let now = self.clock.now().seconds();
        let mut claims = AccessTokenClaims {
            iss: Issuer::parse(ORIGIN).unwrap(),
            sub: subject.to_owned(),
            aud: resource("/mcp/demo"),
            exp: now + 600,
            iat: now,
            jti: JwtId::from_unverified(format!("{subject}-{scope}")),
            client_id: ClientId::from_unverified("client_1"),
            scope: Scope::parse(scope).unwrap(),
            grant_id: Some(GrantId::from_unverified(format!("grant-{subject}"))),
            preferred_username: Some(format!("{subject} by name")),
            roles: Vec::new(),
            groups: Vec::new(),
        };
        change(&mut claims);
        claims.sign(&self.key).expose().clone()
    }

    /// A request with the headers of an ordinary client.
    pub(crate) fn request(&self, method: &str, path: &str) -> Builder<'_> {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
        Builder { router: &self.router, request, body: Body::empty() }
    }

    /// A JSON-RPC message in a POST to `/mcp/demo`.
    pub(crate) fn post(&self, token: &str, body: impl ToString) -> Builder<'_> {
        self.request("POST", "/mcp/demo").bearer(token).json(body)
    }

    /// A session of the newest legacy revision.
    pub(crate) async fn session(&self, token: &str) -> String {
        let answer = self.post(token, initialize("2025-11-25")).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("mcp-session-id").to_owned()
    }

    /// A request of the modern era, whose headers mirror its body.
    pub(crate) fn modern(&self, token: &str, method: &str, params: Value) -> Builder<'_> {
        let name = params["name"].as_str().map(str::to_owned);
        let builder = self
            .post(token, modern_body(method, params))
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        match name {
            Some(name) => builder.header("mcp-name", &name),
            None => builder,
        }
    }
}

pub(crate) struct Builder<'w> {
    router: &'w Router,
    request: http::request::Builder,
    body: Body,
}

impl<'w> Builder<'w> {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: impl ToString) -> Self {
        self.header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Body::from(body.to_string()))
    }

    pub(crate) fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Sends it to another node.
    pub(crate) fn to(self, router: &'w Router) -> Self {
        Self { router, ..self }
    }

    pub(crate) fn build(self) -> Request<Body> {
        self.request.body(self.body).unwrap()
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

pub(crate) fn resource(path: &str) -> ResourceIndicator {
    ResourceIndicator::parse(&format!("{ORIGIN}{path}")).unwrap()
}

pub(crate) fn initialize(version: &str) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    rpc("initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client }))
}

pub(crate) fn rpc(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

pub(crate) fn call(tool: &str, arguments: Value) -> Value {
    rpc("tools/call", json!({ "name": tool, "arguments": arguments }))
}

pub(crate) fn modern_body(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    rpc(method, params)
}
