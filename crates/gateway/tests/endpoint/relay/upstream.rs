//! Servers that are made of a function, on loopback; they remember what reached them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use gateway::ToolScopes;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use oauth::Scope;
use serde_json::{Value, json};

use crate::world::World;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Arrived {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The JSON-RPC method.
    pub(crate) fn rpc(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A running server.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Upstream {
    pub(crate) async fn start(answer: impl Fn(&Arrived) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let (log, answer) = (arrived.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
                let request = Arrived { method: parts.method, headers: parts.headers, text };
                log.lock().unwrap().push(request.clone());
                answer(&request)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, arrived }
    }

    /// A legacy server whose requests after the handshake `answer` answers.
    pub(crate) async fn legacy(answer: impl Fn(&Arrived) -> Response + Send + Sync + 'static) -> Self {
        Self::start(move |request| legacy(request, &answer)).await
    }

    /// A modern server whose requests after discovery `answer` answers.
    pub(crate) async fn modern(answer: impl Fn(&Arrived) -> Response + Send + Sync + 'static) -> Self {
        Self::start(move |request| modern(request, &answer)).await
    }

    /// A modern server that refuses what `refuse` refuses before anything else.
    pub(crate) async fn modern_for(
        refuse: impl Fn(&Arrived) -> Option<Response> + Send + Sync + 'static,
        answer: impl Fn(&Arrived) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request| refuse(request).unwrap_or_else(|| modern(request, &answer))).await
    }

    /// A legacy server that does.
    pub(crate) async fn legacy_for(
        refuse: impl Fn(&Arrived) -> Option<Response> + Send + Sync + 'static,
        answer: impl Fn(&Arrived) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request| refuse(request).unwrap_or_else(|| legacy(request, &answer))).await
    }

    /// What arrived with this JSON-RPC method.
    pub(crate) fn of(&self, method: &str) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap();
        arrived.iter().filter(|request| request.rpc() == method).cloned().collect()
    }

    /// Everything that arrived.
    pub(crate) fn all(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// A gateway in front of it, at `/mcp/far`.
    pub(crate) fn behind(&self, world: &World) -> Router {
        world.gateway_to(&format!("http://{}/mcp", self.address), scopes())
    }
}

/// `delete` needs more than the others, and nobody sees `env`.
pub(crate) fn scopes() -> ToolScopes {
    let scope = |text| Scope::parse(text).unwrap();
    ToolScopes {
        default: scope("use"),
        named: [("delete".to_owned(), scope("use admin"))].into(),
        hidden: ["env".to_owned()].into(),
        ..ToolScopes::default()
    }
}

/// A JSON response.
pub(crate) fn reply(status: u16, body: &str) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.header("x-secret", "canary").body(Body::from(body.to_owned())).unwrap()
}

/// The raw `result` of a request.
pub(crate) fn result(request: &Arrived, result: &str) -> Response {
    reply(200, &format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, request.json()["id"]))
}

/// An event stream.
pub(crate) fn events(body: Body) -> Response {
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

pub(crate) fn accepted() -> Response {
    Response::builder().status(202).body(Body::empty()).unwrap()
}

fn legacy(request: &Arrived, answer: &dyn Fn(&Arrived) -> Response) -> Response {
    match &*request.rpc() {
        "server/discover" => {
            reply(400, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}"#)
        }
        "initialize" => {
            let version = &request.json()["params"]["protocolVersion"];
            let capabilities = json!({ "tools": { "listChanged": true }, "logging": {} });
            let server = json!({ "name": "old", "version": "1" });
            let mut response = result(request, &json!({ "protocolVersion": version, "capabilities": capabilities, "serverInfo": server, "x": 1 }).to_string());
            response.headers_mut().insert("mcp-session-id", "upstream-secret".parse().unwrap());
            response
        }
        "notifications/initialized" => accepted(),
        _ => answer(request),
    }
}

fn modern(request: &Arrived, answer: &dyn Fn(&Arrived) -> Response) -> Response {
    match &*request.rpc() {
        "server/discover" => result(
            request,
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"instructions":"be kind","ttlMs":1,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"2"}},"y":{"b":1,"a":2}}"#,
        ),
        _ => answer(request),
    }
}
