//! Modern clients who listen to one modern server: whoever asks for the same hears it on one stream of the server.

mod apart;
mod ends;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::listening::{next, open, told};
use super::questions::{Say, stream_to_say, until};
use super::upstream::{Upstream, accepted, events, reply};
use crate::world::{Answer, World, initialize, modern_body};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A modern server that tells what the test says, behind a gateway.
struct Telling {
    world: World,
    upstream: Upstream,
    gateway: Router,
    /// What was asked for, and the stream that it was answered with.
    streams: Arc<Mutex<Vec<(Value, Say)>>>,
}

impl Telling {
    async fn new() -> Self {
        Self::before(World::new().await).await
    }

    async fn before(world: World) -> Self {
        let streams = Arc::<Mutex<Vec<(Value, Say)>>>::default();
        let opened = streams.clone();
        let upstream = Upstream::modern(move |request| match &*request.rpc() {
            "subscriptions/listen" => {
                let (say, stream) = stream_to_say();
                let body = request.json();
                let filter = body["params"]["notifications"].clone();
                if filter["promptsListChanged"] == true {
                    let error =
                        json!({ "code": -32000, "message": "no prompts", "data": { "id": body["id"] } });
                    return reply(
                        400,
                        &json!({ "jsonrpc": "2.0", "id": body["id"], "error": error }).to_string(),
                    );
                }
                say.send(told(
                    "notifications/subscriptions/acknowledged",
                    json!({ "notifications": filter, "x": 1.5, "_meta": { "y": [], ID: body["id"] } }),
                ))
                .unwrap();
                opened.lock().unwrap().push((filter, say));
                events(stream)
            }
            _ => accepted(),
        })
        .await;
        let gateway = upstream.behind(&world);
        Self { world, upstream, gateway, streams }
    }

    /// The body of a request, whose id is `id`.
    fn request(id: &Value, filter: &Value) -> Value {
        let mut body = modern_body("subscriptions/listen", json!({ "notifications": filter }));
        body["id"] = id.clone();
        body
    }

    /// What a user is answered to this request.
    async fn send(&self, user: &str, body: Value) -> http::Response<Body> {
        let token = self.world.far_token(user, "use");
        let request = self.world.far(&self.gateway, &token, body);
        let request = request.header("mcp-protocol-version", "2026-07-28");
        let request = request.header("mcp-method", "subscriptions/listen").build();
        self.gateway.clone().oneshot(request).await.unwrap()
    }

    /// The stream of a user who listens.
    async fn listen(&self, user: &str, id: Value, filter: Value) -> Body {
        let response = self.send(user, Self::request(&id, &filter)).await;
        assert_eq!(response.status(), 200, "{response:?}");
        response.into_body()
    }

    /// What a user is answered who hears nothing.
    async fn refused(&self, user: &str, id: Value, filter: Value) -> Answer {
        let (parts, body) = self.send(user, Self::request(&id, &filter)).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// How many streams the server was asked for.
    fn count(&self) -> usize {
        self.upstream.of("subscriptions/listen").len()
    }

    /// The stream of the server that was opened as the `number`th.
    fn say(&self, number: usize) -> Say {
        self.streams.lock().unwrap()[number].1.clone()
    }
}

/// The notification as the server tells it of its own request.
fn tools_changed() -> Value {
    told("notifications/tools/list_changed", json!({ "z": 1, "_meta": { ID: 1, "a": 1 } }))
}

/// As a client gets it.
fn tools_changed_for(id: &Value) -> Value {
    told("notifications/tools/list_changed", json!({ "z": 1, "_meta": { ID: id, "a": 1 } }))
}

fn tools() -> Value {
    json!({ "toolsListChanged": true })
}

async fn has_ended(body: &mut Body) -> bool {
    tokio::time::timeout(std::time::Duration::from_secs(10), body.frame()).await.unwrap().is_none()
}

#[tokio::test]
async fn those_who_listen_to_the_same_share_one_stream_of_the_server() {
    let telling = Telling::new().await;
    let (one, two, three) = (json!(7), json!("a \"name\"\n\ndata: {}"), json!("7"));
    let mut first = telling.listen("ada", one.clone(), tools()).await;
    let mut second = telling
        .listen("bob", two.clone(), json!({ "resourceSubscriptions": [], "toolsListChanged": true }))
        .await;
    let acknowledged = |id: &Value| {
        let params = json!({ "notifications": tools(), "x": 1.5, "_meta": { "y": [], ID: id } });
        told("notifications/subscriptions/acknowledged", params)
    };
    assert_eq!([next(&mut first).await, next(&mut second).await], [acknowledged(&one), acknowledged(&two)]);
    telling.say(0).send(tools_changed()).unwrap();
    assert_eq!([next(&mut first).await, next(&mut second).await], [&one, &two].map(tools_changed_for));

    // One who comes later begins with the same.
    let mut third = telling.listen("ada", three.clone(), tools()).await;
    assert_eq!(next(&mut third).await, acknowledged(&three));
    telling.say(0).send(tools_changed()).unwrap();
    for (body, id) in [(&mut first, &one), (&mut second, &two), (&mut third, &three)] {
        assert_eq!(next(body).await, tools_changed_for(id));
    }
    assert_eq!(telling.count(), 1);

    drop((first, third));
    telling.say(0).send(tools_changed()).unwrap();
    assert_eq!(next(&mut second).await, tools_changed_for(&two), "one who stays goes on");
    let say = telling.say(0);
    assert!(!say.is_closed());
    drop(second);
    until("the stream is closed behind the last", || say.is_closed()).await;

    let mut again = telling.listen("ada", one.clone(), tools()).await;
    assert_eq!(next(&mut again).await, acknowledged(&one));
    assert_eq!(telling.count(), 2, "and opened again for the next");
}

#[tokio::test]
async fn the_server_sees_a_request_of_the_gateway_and_nothing_of_those_who_listen() {
    let telling = Telling::new().await;
    let mut body = Telling::request(&json!("the id of a client"), &tools());
    let meta = &mut body["params"]["_meta"];
    meta["io.modelcontextprotocol/clientInfo"]["name"] = json!("canary");
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {}, "sampling": {} });
    meta["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let mut stream = telling.send("ada", body).await.into_body();
    next(&mut stream).await;
    let asked = &telling.upstream.of("subscriptions/listen")[0];
    assert_eq!(asked.json()["params"]["notifications"], tools());
    assert_eq!(
        asked.json()["params"]["_meta"],
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "vestibule", "version": env!("CARGO_PKG_VERSION") },
            "io.modelcontextprotocol/clientCapabilities": {},
        })
    );
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
        ("authorization", ""),
    ] {
        assert_eq!(asked.header(name), value, "{name}");
    }
    assert!(!asked.text.contains("the id of a client") && !asked.text.contains("canary"));
}

#[tokio::test]
async fn whoever_comes_while_the_stream_is_opened_waits_for_the_same() {
    let telling = Telling::new().await;
    // So that the era is known, and all that is left to wait for is the stream.
    drop(telling.listen("ada", json!(0), json!({ "resourcesListChanged": true })).await);
    let asked = telling.count();
    let ids = [json!(1), json!(2), json!(3)];
    let (mut one, mut two, mut three) = tokio::join!(
        telling.listen("ada", ids[0].clone(), tools()),
        telling.listen("bob", ids[1].clone(), tools()),
        telling.listen("eve", ids[2].clone(), tools()),
    );
    assert_eq!(telling.count(), asked + 1);
    let say = telling.say(1);
    say.send(tools_changed()).unwrap();
    for (body, id) in [&mut one, &mut two, &mut three].into_iter().zip(&ids) {
        let first = next(body).await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        assert_eq!(&first["params"]["_meta"][ID], id);
        assert_eq!(next(body).await, tools_changed_for(id));
    }
}

#[tokio::test]
async fn an_older_client_listens_with_the_others() {
    let telling = Telling::new().await;
    let mut modern = telling.listen("ada", json!("modern"), tools()).await;
    next(&mut modern).await;
    let (world, gateway) = (&telling.world, &telling.gateway);
    let token = world.far_token("bob", "use");
    let opening = world.far(gateway, &token, initialize("2025-11-25")).send().await;
    let session = opening.header("mcp-session-id").to_owned();
    let listen = world.request("GET", "/mcp/far").to(gateway).bearer(&token);
    let mut legacy = open(gateway, listen.header("mcp-session-id", &session)).await;
    let (heard, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(async move { while heard.send(next(&mut legacy).await).is_ok() {} });
    let say = telling.say(0);
    until("the older client listens", || {
        say.send(tools_changed()).unwrap();
        !messages.is_empty()
    })
    .await;
    let changed = told("notifications/tools/list_changed", json!({ "z": 1, "_meta": { "a": 1 } }));
    assert_eq!(messages.recv().await.unwrap(), changed, "as its revision has it");
    assert_eq!(next(&mut modern).await, tools_changed_for(&json!("modern")));
    assert_eq!(telling.count(), 1);
    drop(modern);
    while messages.try_recv().is_ok() {}
    say.send(tools_changed()).unwrap();
    assert_eq!(messages.recv().await.unwrap(), changed, "and goes on when the other has left");
    reading.abort();
    until("the stream is closed behind the last", || say.is_closed()).await;
}
