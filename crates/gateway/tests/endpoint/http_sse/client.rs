//! A client of the older transport.

use std::time::Duration;

use axum::Router;
use axum::body::BodyDataStream;
use futures_util::StreamExt;
use http::HeaderMap;
use mcp::EventStream;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::world::{Answer, World, initialize};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client with an open stream.
pub(super) struct Client<'w> {
    world: &'w World,
    router: &'w Router,
    pub(super) token: String,
    /// Where its messages go.
    pub(super) endpoint: String,
    pub(super) headers: HeaderMap,
    body: BodyDataStream,
    events: EventStream,
}

impl<'w> Client<'w> {
    /// Opens a stream below `path` and reads its first event.
    pub(super) async fn connect(world: &'w World, path: &str, token: &str) -> Self {
        Self::connect_to(world, &world.router, path, token).await
    }

    pub(super) async fn connect_to(world: &'w World, router: &'w Router, path: &str, token: &str) -> Self {
        let request = world.request("GET", &format!("{path}/sse")).bearer(token);
        let request = request.header("accept", "text/event-stream").build();
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(head.status, 200);
        let mut client = Self {
            world,
            router,
            token: token.to_owned(),
            endpoint: String::new(),
            headers: head.headers,
            body: body.into_data_stream(),
            events: EventStream::default(),
        };
        let first = client.event().await.unwrap();
        let (name, data) = first.trim_end().split_once('\n').unwrap();
        assert_eq!(name, "event: endpoint");
        data.strip_prefix("data: ").unwrap().clone_into(&mut client.endpoint);
        client
    }

    /// The same with a session: `initialize` has been answered and `initialized` said.
    pub(super) async fn open(world: &'w World, router: &'w Router, path: &str, token: &str) -> Self {
        let mut client = Self::connect_to(world, router, path, token).await;
        let opened = client.ask(initialize("2024-11-05")).await;
        assert_eq!(opened["result"]["protocolVersion"], "2024-11-05", "{opened}");
        let told = client.post(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!(told.status, 202, "{told:?}");
        client
    }

    /// The next event as it came; `None` at the end.
    pub(super) async fn event(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.events.next_event() {
                return Some(String::from_utf8(event.raw).unwrap());
            }
            let chunk = timeout(PATIENCE, self.body.next()).await.expect("the stream says something");
            self.events.push(&chunk?.unwrap());
        }
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Value {
        let event = self.event().await.expect("the stream goes on");
        let data = event.strip_prefix("event: message\ndata: ").unwrap_or_else(|| panic!("{event:?}"));
        serde_json::from_str(data).unwrap()
    }

    /// Nothing more comes.
    pub(super) async fn ends(&mut self) {
        assert_eq!(self.event().await, None);
    }

    /// Sends a message.
    pub(super) async fn post(&self, body: impl ToString) -> Answer {
        let request = self.world.request("POST", &self.endpoint).to(self.router).bearer(&self.token);
        request.header("content-type", "application/json").body(body.to_string().into()).send().await
    }

    /// Sends a request and reads what comes next.
    pub(super) async fn ask(&mut self, body: Value) -> Value {
        let posted = self.post(body).await;
        assert_eq!((posted.status.as_u16(), &*posted.text), (202, ""), "{posted:?}");
        self.message().await
    }
}
