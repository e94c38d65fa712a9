//! A server of the older transport, on loopback, made of a function; it remembers what reached it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::relay::upstream::{Arrived, scopes};
use crate::world::World;

/// The messages that the server says when a message arrives.
type Answer = dyn Fn(&Arrived) -> Vec<String> + Send + Sync;

/// A running server.
#[derive(Clone)]
pub(crate) struct OldServer(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    /// What the endpoint is called; `N` stands for the number of the stream.
    endpoint: String,
    answer: Box<Answer>,
    state: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    opened: u64,
    streams: HashMap<u64, UnboundedSender<String>>,
    arrived: Vec<(u64, Arrived)>,
}

impl OldServer {
    /// A server whose requests after the handshake `answer` answers.
    pub(crate) async fn start(answer: impl Fn(&Arrived) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self::start_with("/message?sessionId=N", answer).await
    }

    /// The same, with another name for its endpoint.
    pub(crate) async fn start_with(
        endpoint: &str,
        answer: impl Fn(&Arrived) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Box::new(answer);
        let endpoint = endpoint.replace("ADDRESS", &address.to_string());
        let server = Self(Arc::new(Inner { address, endpoint, answer, state: Mutex::default() }));
        let router =
            Router::new().route("/sse", get(listen)).route("/message", post(take)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// Where its streams are opened.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/sse", self.0.address)
    }

    /// A gateway in front of it, at `/mcp/far`.
    pub(crate) fn behind(&self, world: &World) -> Router {
        world.gateway_to(&self.url(), scopes())
    }

    /// The messages with this JSON-RPC method, each with the number of its stream.
    pub(crate) fn of(&self, method: &str) -> Vec<(u64, Arrived)> {
        let arrived = &self.state().arrived;
        arrived.iter().filter(|(_, request)| request.rpc() == method).cloned().collect()
    }

    /// Every request, the opening of streams included.
    pub(crate) fn all(&self) -> Vec<(u64, Arrived)> {
        self.state().arrived.clone()
    }

    /// How many streams have been opened.
    pub(crate) fn opened(&self) -> u64 {
        self.state().opened
    }

    /// Says something on a stream, if somebody listens to it.
    pub(crate) fn say(&self, stream: u64, message: &str) -> bool {
        let said = format!("event: message\ndata: {message}\n\n");
        self.state().streams.get(&stream).is_some_and(|sender| sender.send(said).is_ok())
    }

    /// Ends every stream.
    pub(crate) fn end_streams(&self) {
        self.state().streams.clear();
    }

    fn state(&self) -> MutexGuard<'_, Running> {
        self.0.state.lock().unwrap()
    }
}

async fn listen(State(server): State<OldServer>, request: Request) -> Response {
    let (sender, waiting) = mpsc::unbounded_channel();
    let mut state = server.state();
    state.opened += 1;
    let number = state.opened;
    let (parts, _) = request.into_parts();
    state
        .arrived
        .push((number, Arrived { method: parts.method, headers: parts.headers, text: String::new() }));
    let endpoint = server.0.endpoint.replace('N', &number.to_string());
    sender.send(format!(": welcome\n\nevent: endpoint\ndata: {endpoint}\n\n")).unwrap();
    state.streams.insert(number, sender);
    let said = stream::unfold(waiting, async |mut waiting| Some((waiting.recv().await?, waiting)));
    let said = said.map(Ok::<_, std::convert::Infallible>);
    Response::builder()
        .header("content-type", "text/event-stream; charset=utf-8")
        .body(Body::from_stream(said))
        .unwrap()
}

async fn take(State(server): State<OldServer>, request: Request) -> Response {
    let number = request.uri().query().and_then(|query| query.strip_prefix("sessionId=")?.parse().ok());
    let number: u64 = number.expect("the endpoint is used as it was named");
    let (parts, body) = request.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let arrived = Arrived { method: parts.method, headers: parts.headers, text };
    server.state().arrived.push((number, arrived.clone()));
    let answers = match &*arrived.rpc() {
        "initialize" => {
            let version = &arrived.json()["params"]["protocolVersion"];
            let server = json!({ "name": "old", "version": "1" });
            vec![result(
                &arrived,
                &json!({ "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": server, "x": 1 }),
            )]
        }
        "notifications/initialized" => Vec::new(),
        _ => (server.0.answer)(&arrived),
    };
    // What is said overtakes the 202.
    if !server.state().streams.contains_key(&number) {
        return (StatusCode::NOT_FOUND, "canary").into_response();
    }
    for answer in answers {
        server.say(number, &answer);
    }
    (StatusCode::ACCEPTED, "Accepted").into_response()
}

/// The response to a request.
pub(crate) fn result(request: &Arrived, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": request.json()["id"], "result": result }).to_string()
}
