//! What servers tell of their own accord, across the eras.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::Kind;
use axum::body::Body;
use http_body_util::BodyExt;
use secret::Secret;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::questions::{Say, stream_to_say, until};
use super::upstream::{Upstream, accepted, events, reply, result};
use crate::world::{Builder, World, initialize, rpc};

/// Every stream that was opened, with what asked for it.
type Streams = Arc<Mutex<Vec<(Value, Say)>>>;

pub(crate) async fn open(router: &axum::Router, request: Builder<'_>) -> Body {
    let response = router.clone().oneshot(request.build()).await.unwrap();
    assert_eq!(response.status(), 200, "{response:?}");
    response.into_body()
}

pub(crate) async fn next(body: &mut Body) -> Value {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap();
        let event = frame.unwrap().unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&event).unwrap().to_owned();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            return serde_json::from_str(data).unwrap();
        }
    }
}

pub(crate) fn told(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

#[tokio::test]
async fn a_modern_client_listens_to_a_legacy_server() {
    let world = World::new().await;
    let streams = Streams::default();
    let opened = streams.clone();
    let upstream = Upstream::start(move |request| match (request.method.as_str(), &*request.rpc()) {
        (_, "server/discover") => reply(400, "{}"),
        (_, "initialize") => {
            let capabilities = json!({ "tools": { "listChanged": true }, "resources": { "subscribe": true } });
            let description = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": { "name": "old", "version": "1" } });
            let mut response = result(request, &description.to_string());
            response.headers_mut().insert("mcp-session-id", "s".parse().unwrap());
            response
        }
        (_, "resources/subscribe") if request.json()["params"]["uri"] == "a:no" => {
            reply(200, &format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32602,"message":"no"}}}}"#, request.json()["id"]))
        }
        (_, "resources/subscribe") => result(request, "{}"),
        ("GET", _) => {
            let (say, stream) = stream_to_say();
            opened.lock().unwrap().push((Value::Null, say));
            events(stream)
        }
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let wanted = json!({ "toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["a:b", "a:no"] });
    let listen =
        world.far_modern(&gateway, &token, "subscriptions/listen", json!({ "notifications": wanted }));
    let mut stream = open(&gateway, listen).await;
    let first = next(&mut stream).await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        first["params"]["notifications"],
        json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] })
    );
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);

    let say = streams.lock().unwrap()[0].1.clone();
    for message in [
        told("notifications/prompts/list_changed", json!({})),
        told("notifications/resources/updated", json!({ "uri": "a:c" })),
        told("notifications/message", json!({ "level": "error" })),
        json!({ "jsonrpc": "2.0", "id": 5, "method": "roots/list" }),
        told("notifications/resources/updated", json!({ "uri": "a:b", "z": 1 })),
        told("notifications/tools/list_changed", json!({ "_meta": { "x": 1 } })),
    ] {
        say.send(message).unwrap();
    }
    let (updated, changed) = (next(&mut stream).await, next(&mut stream).await);
    assert_eq!((&updated["params"]["uri"], &updated["params"]["z"]), (&json!("a:b"), &json!(1)));
    assert_eq!(updated["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
    assert_eq!(changed["params"]["_meta"], json!({ "x": 1, "io.modelcontextprotocol/subscriptionId": 1 }));
    until("nobody is asked", || upstream.all().iter().any(|sent| sent.json()["id"] == 5)).await;

    drop(say);
    streams.lock().unwrap().clear();
    until("the stream is opened again", || !streams.lock().unwrap().is_empty()).await;
    let say = streams.lock().unwrap()[0].1.clone();
    say.send(told("notifications/tools/list_changed", json!({}))).unwrap();
    assert_eq!(next(&mut stream).await["method"], "notifications/tools/list_changed");
    drop(stream);
    until("the subscription ends", || !upstream.of("resources/unsubscribe").is_empty()).await;
    until("and the stream", || say.is_closed()).await;
    assert_eq!(upstream.of("initialize").len(), 1, "it is heard in the session that calls run in");

    let bare = world.far_modern(&gateway, &token, "subscriptions/listen", json!({})).send().await;
    assert_eq!(bare.code(), -32602);
}

#[tokio::test]
async fn a_legacy_client_listens_to_a_modern_server() {
    let world = World::new().await;
    let streams = Streams::default();
    let opened = streams.clone();
    let upstream = Upstream::start(move |request| match &*request.rpc() {
        "server/discover" => result(request, r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"ttlMs":1,"cacheScope":"private"}"#),
        "subscriptions/listen" => {
            let (say, stream) = stream_to_say();
            let filter = request.json()["params"]["notifications"].clone();
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": 1 });
            say.send(told("notifications/subscriptions/acknowledged", json!({ "notifications": filter, "_meta": meta }))).unwrap();
            opened.lock().unwrap().push((filter, say));
            events(stream)
        }
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let opening = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    assert_eq!(opening.json()["result"]["capabilities"]["resources"], json!({ "subscribe": true }));
    let session = opening.header("mcp-session-id").to_owned();
    let send =
        async |body: Value| world.far(&gateway, &token, body).header("mcp-session-id", &session).send().await;
    let listen =
        world.request("GET", "/mcp/far").to(&gateway).bearer(&token).header("mcp-session-id", &session);
    let mut stream = open(&gateway, listen).await;
    let (heard, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        loop {
            heard.send(next(&mut stream).await).unwrap();
        }
    });
    until("the server is asked", || streams.lock().unwrap().len() == 1).await;
    assert_eq!(streams.lock().unwrap()[0].0, json!({ "toolsListChanged": true }));
    let say = streams.lock().unwrap()[0].1.clone();
    let meta = json!({ "io.modelcontextprotocol/subscriptionId": 1 });
    say.send(told("notifications/tools/list_changed", json!({ "_meta": meta }))).unwrap();
    let first = messages.recv().await.unwrap();
    assert_eq!(
        first,
        json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {} })
    );

    assert_eq!(send(rpc("resources/subscribe", json!({ "uri": "a:b" }))).await.json()["result"], json!({}));
    until("it is asked for more", || streams.lock().unwrap().len() == 2).await;
    let (filter, say) = streams.lock().unwrap()[1].clone();
    assert_eq!(filter, json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] }));
    say.send(told("notifications/resources/updated", json!({ "uri": "a:b", "_meta": meta }))).unwrap();
    assert_eq!(messages.recv().await.unwrap()["params"], json!({ "uri": "a:b" }));
    until("the first stream is let go", || streams.lock().unwrap()[0].1.is_closed()).await;

    assert_eq!(send(rpc("resources/unsubscribe", json!({ "uri": "a:b" }))).await.json()["result"], json!({}));
    reading.abort();
    until("and the last one", || streams.lock().unwrap().iter().all(|(_, say)| say.is_closed())).await;
}

#[tokio::test]
async fn gw_29_what_a_server_tells_of_its_own_accord_holds_no_secret() {
    const SECRET: &str = "hunter2hunter2";
    let mut world = World::new().await;
    world.secrets = vec![Secret::new(SECRET.to_owned())];
    let upstream = Upstream::legacy(|request| {
        if request.method != "GET" {
            return accepted();
        }
        let (say, stream) = stream_to_say();
        for _ in 0..2 {
            let params = json!({ "why": format!("{SECRET}!") });
            say.send(told("notifications/tools/list_changed", params)).unwrap();
        }
        events(stream)
    })
    .await;
    let gateway = upstream.behind(&world);
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let token = world.far_token("ada", "use");
    let listen = world.far_modern(&gateway, &token, "subscriptions/listen", wanted);
    let mut stream = open(&gateway, listen).await;
    next(&mut stream).await;
    for _ in 0..2 {
        assert_eq!(next(&mut stream).await["params"]["why"], "[redacted]!");
    }
    let redactions = world.audit_log.events().iter().filter(|event| event.kind == Kind::Redaction).count();
    assert_eq!(redactions, 1, "once for a stream");
}
