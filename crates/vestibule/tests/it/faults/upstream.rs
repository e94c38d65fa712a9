//! Tiny MCP servers of the stateless revision, good and bad ones.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::{StreamExt as _, stream};
use http::{StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, broadcast},
    task::JoinHandle,
};

/// A running server; it ends with the value.
pub(crate) struct Upstream {
    address: SocketAddr,
    task: JoinHandle<()>,
    controls: Controls,
}

/// What a test can do to a server.
#[derive(Clone)]
pub(crate) struct Controls {
    /// Lets calls of `wait` end.
    go_on: Arc<Notify>,
    /// A call of `wait` has begun.
    waits: Arc<Notify>,
    /// Says something on every open stream.
    say: broadcast::Sender<()>,
}

impl Upstream {
    /// A good one.
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// A good one at this address.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        Self::with(address, |listener, controls| async move {
            axum::serve(listener, router(controls)).await.unwrap();
        })
        .await
    }

    /// Takes connections and closes each with a reset.
    pub(crate) async fn resetting() -> Self {
        Self::for_each(|connection| async move {
            connection.set_zero_linger().unwrap();
        })
        .await
    }

    /// Takes connections and never says anything.
    pub(crate) async fn silent() -> Self {
        Self::for_each(|connection| async move {
            let _kept = connection;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Answers byte by byte, one in a second.
    pub(crate) async fn trickling() -> Self {
        Self::answering(|| {
            let bytes = stream::iter(*b"{\"canary\":").then(|byte| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte]))
            });
            ([(CONTENT_TYPE, "application/json")], Body::from_stream(bytes)).into_response()
        })
        .await
    }

    /// Answers with a page about its failure.
    pub(crate) async fn failing() -> Self {
        Self::answering(|| {
            let page = "<h1>canary: /srv/app.py line 7</h1>";
            (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/html")], page).into_response()
        })
        .await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when a call of `wait` has begun.
    pub(crate) async fn waits(&self) {
        self.controls.waits.notified().await;
    }

    /// Lets one call of `wait` end.
    pub(crate) fn go_on(&self) {
        self.controls.go_on.notify_one();
    }

    /// Says something on every open stream.
    pub(crate) fn say(&self) {
        // Nobody listens: then nobody hears it.
        let _ = self.controls.say.send(());
    }

    /// Ends it with all its connections; its port is free then.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    async fn answering(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Self {
        Self::with(([127, 0, 0, 1], 0).into(), |listener, _| async move {
            let router = Router::new().fallback(move || std::future::ready(answer()));
            axum::serve(listener, router).await.unwrap();
        })
        .await
    }

    async fn for_each<F: Future<Output = ()> + Send + 'static>(
        handle: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        Self::with(([127, 0, 0, 1], 0).into(), |listener, _| async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(handle(connection));
            }
        })
        .await
    }

    async fn with<F: Future<Output = ()> + Send + 'static>(
        address: SocketAddr,
        serve: impl FnOnce(TcpListener, Controls) -> F,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let controls = Controls::default();
        Self { address, task: tokio::spawn(serve(listener, controls.clone())), controls }
    }
}

impl Default for Controls {
    fn default() -> Self {
        Self { go_on: Arc::default(), waits: Arc::default(), say: broadcast::channel(4).0 }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a good one does with requests.
pub(crate) fn router(controls: Controls) -> Router {
    Router::new().route("/mcp", post(answer)).with_state(controls)
}

async fn answer(State(controls): State<Controls>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let params = &request["params"];
    let result = match request["method"].as_str().unwrap() {
        "server/discover" => {
            json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": { "listChanged": true } }, "ttlMs": 60_000, "cacheScope": "public" })
        }
        "tools/list" => json!({ "resultType": "complete", "tools": [], "ttlMs": 0, "cacheScope": "public" }),
        "tools/call" => {
            if params["name"] == "wait" {
                controls.waits.notify_one();
                controls.go_on.notified().await;
            }
            json!({ "resultType": "complete", "content": [{ "type": "text", "text": "hello" }] })
        }
        "subscriptions/listen" => return subscription(&request["id"], controls.say.subscribe()),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response()
}

/// A stream that acknowledges and then tells, whenever the test says so, that the tools are others.
fn subscription(id: &Value, said: broadcast::Receiver<()>) -> Response {
    let id = id.clone();
    let notification = move |method: &str| {
        let params = json!({
            "notifications": { "toolsListChanged": true },
            "_meta": { "io.modelcontextprotocol/subscriptionId": id },
        });
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        Ok::<_, Infallible>(Bytes::from(format!("event: message\ndata: {message}\n\n")))
    };
    let first = notification("notifications/subscriptions/acknowledged");
    let rest = stream::unfold((said, notification), |(mut said, notification)| async move {
        said.recv().await.ok()?;
        Some((notification("notifications/tools/list_changed"), (said, notification)))
    });
    let body = Body::from_stream(stream::iter([first]).chain(rest));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}
