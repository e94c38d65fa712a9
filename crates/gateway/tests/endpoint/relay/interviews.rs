//! A modern server asks with results; its legacy client is asked with requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::questions::{ALL, Say, stream_to_say, until};
use super::upstream::{Upstream, accepted, events, result, scopes};
use crate::world::{World, call, initialize, rpc};

fn capable(version: &str) -> Value {
    let mut opening = initialize(version);
    opening["params"]["capabilities"] = json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {} });
    opening
}

fn behind(upstream: &Upstream, world: &World) -> Router {
    world.gateway_allowing(&format!("http://{}/mcp", upstream.address), scopes(), ALL)
}

struct Client<'w> {
    world: &'w World,
    gateway: Router,
    token: String,
    session: String,
}

impl<'w> Client<'w> {
    async fn open(world: &'w World, upstream: &Upstream, opening: Value) -> Self {
        let (gateway, token) = (behind(upstream, world), world.far_token("ada", "use"));
        let opened = world.far(&gateway, &token, opening).send().await;
        let session = opened.header("mcp-session-id").to_owned();
        assert!(!session.is_empty(), "{opened:?}");
        Self { world, gateway, token, session }
    }

    async fn send(&self, body: Value) -> crate::world::Answer {
        let sent = self.world.far(&self.gateway, &self.token, body);
        sent.header("mcp-session-id", &self.session).send().await
    }

    /// A call whose stream is read as it comes.
    async fn begin(&self, body: Value) -> Body {
        let sent = self.world.far(&self.gateway, &self.token, body).header("mcp-session-id", &self.session);
        self.gateway.clone().oneshot(sent.build()).await.unwrap().into_body()
    }
}

async fn next(body: &mut Body) -> Value {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap();
    let event = frame.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&event).unwrap();
    serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap()
}

#[tokio::test]
async fn the_questions_of_a_result_are_requests_and_their_answers_are_sent_again() {
    let world = World::new().await;
    let upstream = Upstream::modern(|request| {
        let params = &request.json()["params"];
        match (&params["requestState"], &params["inputResponses"]) {
            (Value::Null, _) => result(request, r#"{"resultType":"input_required","inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Who?","z":1.0}},"text":{"method":"sampling/createMessage","params":{}}},"requestState":"one"}"#),
            (state, responses) if state == "one" => result(request, &json!({ "resultType": "complete", "content": [], "got": responses }).to_string()),
            _ => accepted(),
        }
    })
    .await;
    let client = Client::open(&world, &upstream, capable("2025-06-18")).await;
    let mut stream = client.begin(call("echo", json!({ "a": 1 }))).await;
    let (first, second) = (next(&mut stream).await, next(&mut stream).await);
    assert_eq!(
        (&first["method"], &first["params"]),
        (&json!("elicitation/create"), &json!({ "message": "Who?", "z": 1.0 }))
    );
    assert_eq!(second["method"], "sampling/createMessage");
    assert_ne!(first["id"], second["id"]);

    let stranger = Client {
        token: world.far_token("bob", "use"),
        session: client.session.clone(),
        gateway: client.gateway.clone(),
        world: &world,
    };
    let answer = json!({ "jsonrpc": "2.0", "id": first["id"], "result": { "action": "accept", "content": { "name": "Eve" } } });
    assert_eq!(stranger.send(answer).await.status, 404, "a session is nobody else's");

    let answer = json!({ "jsonrpc": "2.0", "id": first["id"], "result": { "action": "accept", "content": { "name": "Ada" } } });
    assert_eq!(client.send(answer).await.status, 202);
    let answer = json!({ "jsonrpc": "2.0", "id": second["id"], "result": { "role": "assistant" } });
    assert_eq!(client.send(answer).await.status, 202);
    let response = next(&mut stream).await;
    assert_eq!(response["id"], 1);
    assert_eq!(
        response["result"]["got"],
        json!({ "name": { "action": "accept", "content": { "name": "Ada" } }, "text": { "role": "assistant" } })
    );
    let again = &upstream.of("tools/call")[1];
    assert_eq!(again.json()["params"]["arguments"], json!({ "a": 1 }));
    assert_eq!((again.header("mcp-method"), again.header("mcp-name")), ("tools/call", "echo"));
    let told = &again.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*told, json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {} }));
}

#[tokio::test]
async fn errors_silence_and_endless_questions_have_an_end() {
    let world = World::new().await;
    let upstream = Upstream::modern(|request| match request.json()["params"]["arguments"]["how"].as_str() {
        Some("sample") => result(request, r#"{"resultType":"input_required","inputRequests":{"s":{"method":"sampling/createMessage","params":{}}}}"#),
        Some("roots") => result(request, r#"{"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}}}"#),
        _ => result(request, r#"{"resultType":"input_required","inputRequests":{"e":{"method":"elicitation/create","params":{}}},"requestState":"s"}"#),
    })
    .await;
    let client = Client::open(&world, &upstream, capable("2025-11-25")).await;

    let undeclared = client.send(call("echo", json!({ "how": "roots" }))).await;
    assert_eq!(undeclared.code(), -32603, "{undeclared:?}");

    let mut stream = client.begin(call("echo", json!({ "how": "sample" }))).await;
    let id = next(&mut stream).await["id"].clone();
    client.send(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "no" } })).await;
    assert_eq!(next(&mut stream).await["error"]["code"], -32603);

    let mut stream = client.begin(call("echo", json!({ "how": "sample" }))).await;
    next(&mut stream).await;
    assert_eq!(next(&mut stream).await["error"]["code"], -32603, "nobody answered in time");

    let mut stream = client.begin(call("echo", json!({}))).await;
    let mut rounds = 0;
    let end = loop {
        let message = next(&mut stream).await;
        if message["method"].is_null() {
            break message;
        }
        rounds += 1;
        client.send(json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "action": "accept" } })).await;
    };
    assert_eq!((rounds, &end["error"]["code"]), (16, &json!(-32603)));
}

#[tokio::test]
async fn links_of_a_modern_server_reach_every_client() {
    const LINK: &str = r#"{"resultType":"input_required","inputRequests":{"l":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/x","message":"Connect"}}},"requestState":"s"}"#;
    let world = World::new().await;
    let upstream = Upstream::modern(|request| result(request, LINK)).await;
    let client = Client::open(&world, &upstream, capable("2025-11-25")).await;
    let mut stream = client.begin(call("echo", json!({}))).await;
    let asked = next(&mut stream).await;
    assert_eq!(
        (&asked["params"]["url"], &asked["params"]["mode"]),
        (&json!("https://a.example/x"), &json!("url"))
    );
    assert!(asked["params"]["elicitationId"].is_string(), "{asked}");
    client.send(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "action": "accept" } })).await;
    let end = next(&mut stream).await;
    assert_eq!(end["error"]["code"], -32042, "the same link is not shown again and again: {end}");
    assert_eq!(end["error"]["data"]["elicitations"][0]["url"], "https://a.example/x");

    let older = Client::open(&world, &upstream, capable("2025-06-18")).await;
    let answer = older.send(call("echo", json!({}))).await.json();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("https://a.example/x"));
}

#[tokio::test]
async fn a_legacy_client_cancels_by_name_and_not_by_leaving() {
    let world = World::new().await;
    let (alive, calls) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
    let (life, count) = (alive.clone(), calls.clone());
    let upstream = Upstream::modern(move |request| {
        if request.rpc() != "tools/call" {
            return result(request, r#"{"resultType":"complete","tools":[]}"#);
        }
        count.fetch_add(1, Ordering::Relaxed);
        let (say, stream): (Say, Body) = stream_to_say();
        say.send(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": {} })).unwrap();
        let life = life.clone();
        tokio::spawn(async move {
            say.closed().await;
            drop(life);
        });
        events(stream)
    })
    .await;
    let client = Client::open(&world, &upstream, capable("2025-11-25")).await;
    let mut stream = client.begin(call("echo", json!({}))).await;
    next(&mut stream).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(Arc::strong_count(&alive), 3, "who leaves has not cancelled");

    let mut body = call("echo", json!({}));
    body["id"] = json!("second");
    let mut stream = client.begin(body).await;
    next(&mut stream).await;
    let cancel = |id: Value| json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    client.send(cancel(json!("other"))).await;
    assert_eq!(client.send(cancel(json!("second"))).await.status, 202);
    let rest = tokio::time::timeout(Duration::from_secs(5), stream.collect()).await.unwrap().unwrap();
    assert!(rest.to_bytes().is_empty(), "a cancelled request has no response");
    until("the server hears of it", || Arc::strong_count(&alive) == 3).await;
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn levels_of_log_messages_are_remembered() {
    let world = World::new().await;
    let upstream =
        Upstream::modern(|request| result(request, r#"{"resultType":"complete","content":[]}"#)).await;
    let client = Client::open(&world, &upstream, initialize("2025-11-25")).await;
    client.send(call("echo", json!({}))).await;
    let wrong = client.send(rpc("logging/setLevel", json!({ "level": "loud" }))).await;
    assert_eq!(wrong.code(), -32602);
    let set = client.send(rpc("logging/setLevel", json!({ "level": "error" }))).await;
    assert_eq!(set.json()["result"], json!({}));
    client.send(call("echo", json!({}))).await;
    let levels: Vec<_> = upstream
        .of("tools/call")
        .iter()
        .map(|call| call.json()["params"]["_meta"]["io.modelcontextprotocol/logLevel"].clone())
        .collect();
    assert_eq!(levels, ["info", "error"]);
    assert!(upstream.of("logging/setLevel").is_empty());
}
