//! A legacy server asks; its modern client is asked with results, and the call is held meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::stream;
use gateway::AllowedRequests;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::upstream::{Upstream, accepted, events, reply, result, scopes};
use crate::world::{Answer, World, modern_body};

pub(crate) const ALL: AllowedRequests = AllowedRequests { elicitation: true, sampling: true, roots: true };

/// What may still be said on a stream.
pub(crate) type Say = mpsc::UnboundedSender<Value>;

/// A stream of messages that are said later.
pub(crate) fn stream_to_say() -> (Say, Body) {
    let (say, said) = mpsc::unbounded_channel::<Value>();
    let body = Body::from_stream(stream::unfold(said, async |mut said| {
        let message = said.recv().await?;
        Some((Ok::<_, std::io::Error>(format!("data: {message}\n\n")), said))
    }));
    (say, body)
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A legacy server whose tool asks for a name, then for a completion, then answers with both.
async fn asking_server() -> Upstream {
    let under_way = Arc::new(Mutex::new(None::<(Say, Value, Value)>));
    Upstream::legacy(move |request| {
        let body = request.json();
        let mut under_way = under_way.lock().unwrap();
        match &*request.rpc() {
            "tools/call" => {
                let (say, stream) = stream_to_say();
                let token = &body["params"]["_meta"]["progressToken"];
                say.send(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 1 } })).unwrap();
                say.send(json!({ "jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": { "message": "Who?", "requestedSchema": {} } })).unwrap();
                *under_way = Some((say, body["id"].clone(), token.clone()));
                events(stream)
            }
            "" if body["id"] == 7 => {
                let (say, _, token) = under_way.as_ref().unwrap();
                say.send(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 2 } })).unwrap();
                let name = &body["result"]["content"]["name"];
                say.send(json!({ "jsonrpc": "2.0", "id": "s", "method": "sampling/createMessage", "params": { "about": name } })).unwrap();
                accepted()
            }
            "" if body["id"] == "s" => {
                let (say, id, _) = under_way.take().unwrap();
                let said = json!({ "content": [{ "type": "text", "text": body["result"]["said"] }] });
                say.send(json!({ "jsonrpc": "2.0", "id": id, "result": said })).unwrap();
                accepted()
            }
            _ => accepted(),
        }
    })
    .await
}

/// A call of a client that can do everything.
pub(crate) fn capable(mut params: Value, progress_token: Value) -> Value {
    params["name"] = json!("echo");
    let mut body = modern_body("tools/call", params);
    let meta = &mut body["params"]["_meta"];
    meta["progressToken"] = progress_token;
    meta["io.modelcontextprotocol/clientCapabilities"] =
        json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} });
    body
}

async fn send(world: &World, gateway: &Router, token: &str, body: Value) -> Answer {
    let sent = world.far(gateway, token, body).header("mcp-protocol-version", "2026-07-28");
    sent.header("mcp-method", "tools/call").header("mcp-name", "echo").send().await
}

/// The response in an answer, whether or not it is a stream.
pub(crate) fn response(answer: &Answer) -> Value {
    let last = answer.text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    serde_json::from_str(last.unwrap_or(&answer.text)).unwrap()
}

fn behind(upstream: &Upstream, world: &World) -> Router {
    world.gateway_allowing(&format!("http://{}/mcp", upstream.address), scopes(), ALL)
}

#[tokio::test]
async fn a_call_that_asks_twice_goes_on_with_every_answer() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world);
    let token = world.far_token("ada", "use");
    let first =
        send(&world, &gateway, &token, capable(json!({ "arguments": { "a": 1 } }), json!("t1"))).await;
    assert!(first.text.contains(r#""progressToken":"t1""#), "{first:?}");
    let asked = &response(&first)["result"];
    assert_eq!(asked["resultType"], "input_required", "{first:?}");
    let question = &asked["inputRequests"]["question"];
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!("Who?"))
    );
    let told = &upstream.of("initialize")[0].json()["params"]["capabilities"];
    assert_eq!(*told, json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} }));

    let state = asked["requestState"].as_str().unwrap();
    let unanswered = capable(json!({ "arguments": { "a": 1 }, "requestState": state }), json!("t2"));
    let again = response(&send(&world, &gateway, &token, unanswered).await);
    assert_eq!(
        again["result"]["inputRequests"], asked["inputRequests"],
        "who does not answer is asked again"
    );

    let accepted = json!({ "question": { "action": "accept", "content": { "name": "Ada" } }, "unknown": {} });
    let state = &again["result"]["requestState"];
    let params = json!({ "arguments": { "a": 1 }, "requestState": state, "inputResponses": accepted });
    let second = send(&world, &gateway, &token, capable(params, json!(3))).await;
    assert!(second.text.contains(r#""progressToken":3"#), "progress of the request at hand: {second:?}");
    let asked = &response(&second)["result"];
    let question = &asked["inputRequests"]["question"];
    assert_eq!(
        (&question["method"], &question["params"]["about"]),
        (&json!("sampling/createMessage"), &json!("Ada"))
    );

    let sampled = json!({ "question": { "role": "assistant", "said": "hello" } });
    let params =
        json!({ "arguments": { "a": 1 }, "requestState": asked["requestState"], "inputResponses": sampled });
    let last = send(&world, &gateway, &token, capable(params.clone(), json!(4))).await;
    let answered = &response(&last)["result"];
    assert_eq!(
        (&answered["resultType"], &answered["content"][0]["text"]),
        (&json!("complete"), &json!("hello"))
    );
    assert_eq!(upstream.of("tools/call").len(), 1, "the server was called once");
    let replayed = send(&world, &gateway, &token, capable(params, json!(5))).await;
    assert_eq!(replayed.code(), -32602, "a state is good for one answer: {replayed:?}");
}

#[tokio::test]
async fn gw_19_a_request_state_is_nobody_elses_and_no_other_requests() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world);
    let (ada, bob) = (world.far_token("ada", "use"), world.far_token("bob", "use"));
    let first = send(&world, &gateway, &ada, capable(json!({}), json!(1))).await;
    let state = response(&first)["result"]["requestState"].clone();
    let answers = json!({ "question": { "action": "accept", "content": { "name": "Eve" } } });
    let answer = |arguments: Value| {
        capable(json!({ "arguments": arguments, "requestState": state, "inputResponses": answers }), json!(1))
    };
    let same = capable(json!({ "requestState": state, "inputResponses": answers }), json!(1));
    assert_eq!(send(&world, &gateway, &bob, same.clone()).await.code(), -32602);
    assert_eq!(send(&world, &gateway, &ada, answer(json!({ "x": 1 }))).await.code(), -32602);
    let other_client = world.token_with("ada", "use", |claims| {
        claims.aud = crate::world::resource("/mcp/far");
        claims.client_id = oauth::ClientId::from_unverified("client_2");
    });
    assert_eq!(send(&world, &gateway, &other_client, same.clone()).await.code(), -32602);
    assert!(
        upstream.all().iter().all(|sent| sent.json()["id"] != 7 || !sent.rpc().is_empty()),
        "nothing was answered"
    );
    let mine = send(&world, &gateway, &ada, same).await;
    assert!(mine.text.contains("sampling/createMessage"), "{mine:?}");
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world);
    let token = world.far_token("ada", "use");
    let first = send(&world, &gateway, &token, capable(json!({}), json!(1))).await;
    let state = response(&first)["result"]["requestState"].clone();
    until("the call is cancelled", || !upstream.of("notifications/cancelled").is_empty()).await;
    let id = upstream.of("tools/call")[0].json()["id"].clone();
    assert_eq!(upstream.of("notifications/cancelled")[0].json()["params"]["requestId"], id);
    assert!(upstream.all().iter().any(|sent| sent.json()["id"] == 7 && sent.json()["error"].is_object()));
    let answers = json!({ "question": { "action": "accept" } });
    let late = capable(json!({ "requestState": state, "inputResponses": answers }), json!(1));
    assert_eq!(send(&world, &gateway, &token, late).await.code(), -32602);
}

#[tokio::test]
async fn one_principal_holds_no_more_than_its_share() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world);
    let token = world.far_token("ada", "use");
    let mut held = 0;
    for _ in 0..16 {
        let answer = send(&world, &gateway, &token, capable(json!({}), json!(1))).await;
        held += usize::from(answer.text.contains("input_required"));
    }
    assert_eq!(held, 16);
    assert!(upstream.of("notifications/cancelled").is_empty());
    let one_more = send(&world, &gateway, &token, capable(json!({}), json!(1))).await;
    assert!(one_more.text.contains("input_required"), "{one_more:?}");
    until("the first one makes room", || !upstream.of("notifications/cancelled").is_empty()).await;
    let first = upstream.of("tools/call")[0].json()["id"].clone();
    assert_eq!(upstream.of("notifications/cancelled")[0].json()["params"]["requestId"], first);
}

#[tokio::test]
async fn a_modern_client_that_leaves_cancels() {
    let world = World::new().await;
    let (hold, _held) = mpsc::unbounded_channel::<Say>();
    let upstream = Upstream::legacy(move |request| match &*request.rpc() {
        "tools/call" => {
            let (say, stream) = stream_to_say();
            say.send(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": {} })).unwrap();
            hold.send(say).unwrap();
            events(stream)
        }
        _ => accepted(),
    })
    .await;
    let gateway = behind(&upstream, &world);
    let token = world.far_token("ada", "use");
    let call = send(&world, &gateway, &token, capable(json!({}), json!(1)));
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    until("the call is cancelled", || !upstream.of("notifications/cancelled").is_empty()).await;
    let id = &upstream.of("tools/call")[0].json()["id"];
    assert_eq!(upstream.of("notifications/cancelled")[0].json()["params"]["requestId"], *id);
}

#[tokio::test]
async fn links_of_a_legacy_server_reach_every_client() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| {
        let id = &request.json()["id"];
        let is_done = request.json()["params"]["arguments"]["done"] == true;
        if is_done {
            return result(request, r#"{"content":[]}"#);
        }
        let links = json!({ "elicitations": [{ "mode": "url", "elicitationId": "e", "url": "https://a.example/x", "message": "Connect" }] });
        reply(200, &json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32042, "message": "first", "data": links } }).to_string())
    })
    .await;
    let gateway = behind(&upstream, &world);
    let token = world.far_token("ada", "use");

    let first = send(&world, &gateway, &token, capable(json!({}), json!(1))).await;
    let asked = &first.json()["result"];
    assert_eq!(
        asked["inputRequests"],
        json!({ "link-1": { "method": "elicitation/create", "params": { "mode": "url", "url": "https://a.example/x", "message": "Connect" } } }),
        "{first:?}"
    );
    let again = |action: &str| {
        let responses = json!({ "link-1": { "action": action } });
        capable(json!({ "requestState": asked["requestState"], "inputResponses": responses }), json!(1))
    };
    let declined = send(&world, &gateway, &token, again("decline")).await;
    assert_eq!(declined.json()["result"]["isError"], true, "{declined:?}");
    assert_eq!(upstream.of("tools/call").len(), 1);
    assert!(
        send(&world, &gateway, &token, again("accept")).await.text.contains("input_required"),
        "not done yet"
    );
    let arrived = &upstream.of("tools/call")[1].json()["params"];
    assert!(arrived["requestState"].is_null() && arrived["inputResponses"].is_null(), "{arrived}");

    let mut plain = capable(json!({}), json!(1));
    plain["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let told = send(&world, &gateway, &token, plain).await.json();
    assert_eq!(told["result"]["isError"], true);
    assert!(told["result"]["content"][0]["text"].as_str().unwrap().contains("https://a.example/x"), "{told}");
    let prompt = world.far_modern(&gateway, &token, "prompts/get", json!({ "name": "p" })).send().await;
    assert_eq!((prompt.status.as_u16(), prompt.code()), (400, -32021), "{prompt:?}");
    assert_eq!(prompt.json()["error"]["data"]["requiredCapabilities"]["elicitation"], json!({ "url": {} }));

    for (version, expected) in [("2025-06-18", "content"), ("2025-11-25", "-32042")] {
        let opened = world.far(&gateway, &token, crate::world::initialize(version)).send().await;
        let call = world.far(&gateway, &token, crate::world::call("echo", json!({})));
        let answer = call.header("mcp-session-id", opened.header("mcp-session-id")).send().await;
        assert!(
            answer.text.contains(expected) && answer.text.contains("https://a.example/x"),
            "{version}: {answer:?}"
        );
    }
}
