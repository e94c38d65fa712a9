//! UP-17: what a server may ask of its clients, and what happens when it asks for more.

use audit::{Kind, Outcome};
use axum::Router;
use axum::body::Body;
use gateway::AllowedRequests;
use serde_json::{Value, json};

use super::upstream::{Upstream, accepted, events, reply, result, scopes};
use crate::world::{World, call, initialize, modern_body};

const ALL: AllowedRequests = AllowedRequests { elicitation: true, sampling: true, roots: true };

/// A stream that asks for everything and then answers.
fn asking(id: &Value) -> String {
    ["elicitation/create", "sampling/createMessage", "roots/list", "tasks/list", "ping"]
        .iter()
        .enumerate()
        .map(|(number, method)| {
            format!("data: {{\"jsonrpc\":\"2.0\",\"id\":\"q{number}\",\"method\":\"{method}\",\"params\":{{\"canary\":1}}}}\n\n")
        })
        .chain([format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[]}}}}\n\n")])
        .collect()
}

async fn asking_server() -> Upstream {
    Upstream::legacy(|request| match (request.method.as_str(), &*request.rpc()) {
        (_, "tools/call") => events(Body::from(asking(&request.json()["id"]))),
        ("GET", _) => events(Body::from(asking(&json!("none")))),
        _ => accepted(),
    })
    .await
}

fn capable(mut opening: Value) -> Value {
    opening["params"]["capabilities"] = json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {}, "tasks": {}, "experimental": { "x": 1.5 } });
    opening
}

fn behind(upstream: &Upstream, world: &World, allowed: AllowedRequests) -> Router {
    world.gateway_allowing(&format!("http://{}/mcp", upstream.address), scopes(), allowed)
}

/// The methods that the audit log says were refused.
fn refused(world: &World) -> Vec<String> {
    let events = world.audit_log.events();
    let refused = events.iter().filter(|event| event.kind == Kind::ServerRequest);
    refused
        .map(|event| {
            assert_eq!((event.outcome, event.server.as_deref()), (Outcome::Refused, Some("far")));
            assert_eq!(event.person.as_ref().unwrap().subject, "ada");
            event.detail["method"].clone()
        })
        .collect()
}

#[tokio::test]
async fn up_17_a_legacy_server_neither_learns_nor_gets_what_is_not_allowed() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world, AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, capable(initialize("2025-11-25"))).send().await;
    let told = &upstream.of("initialize")[0].json()["params"];
    assert_eq!(told["capabilities"], json!({ "elicitation": { "form": {} }, "experimental": { "x": 1.5 } }));
    assert_eq!(told["clientInfo"]["name"], "test");

    let session = opened.header("mcp-session-id");
    let called = world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", session);
    let answer = called.send().await;
    let listening = world.request("GET", "/mcp/far").to(&gateway).bearer(&token);
    let listened = listening.header("mcp-session-id", session).send().await;
    for text in [&answer.text, &listened.text] {
        assert!(text.contains("elicitation/create") && text.contains("ping"), "{text}");
        for method in ["sampling", "roots", "tasks"] {
            assert!(!text.contains(method), "{method}: {text}");
        }
    }
    assert!(answer.text.contains(r#""id":1,"result""#), "{answer:?}");
    let answers: Vec<_> = upstream
        .all()
        .iter()
        .filter(|sent| sent.header("mcp-session-id") == "upstream-secret")
        .filter_map(|sent| {
            Some((sent.json()["id"].as_str()?.to_owned(), sent.json()["error"]["code"].as_i64()?))
        })
        .collect();
    let expected = ["q1", "q2", "q3", "q1", "q2", "q3"].map(|id| (id.to_owned(), -32601));
    assert_eq!(answers, expected, "the server is told so");
    let methods = ["sampling/createMessage", "roots/list", "tasks/list"];
    assert_eq!(refused(&world), [methods, methods].concat());
}

#[tokio::test]
async fn up_17_what_is_allowed_passes() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world, ALL);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, capable(initialize("2025-11-25"))).send().await;
    let told = &upstream.of("initialize")[0].json()["params"]["capabilities"];
    assert!(told["sampling"].is_object() && told["roots"].is_object() && told["tasks"].is_null(), "{told}");
    let session = opened.header("mcp-session-id");
    let called = world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", session);
    let answer = called.send().await;
    assert!(
        answer.text.contains("sampling/createMessage") && answer.text.contains("roots/list"),
        "{answer:?}"
    );
    assert_eq!(refused(&world), ["tasks/list"]);
}

#[tokio::test]
async fn up_17_a_server_that_asks_and_asks_is_left() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/call" => events(Body::from(
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}\n\n".repeat(100),
        )),
        _ => accepted(),
    })
    .await;
    let gateway = behind(&upstream, &world, AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id");
    let called = world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", session);
    assert!(called.send().await.text.contains("-32603"));
    assert_eq!(refused(&world).len(), 16);
}

#[tokio::test]
async fn up_17_a_modern_server_neither_learns_nor_gets_what_is_not_allowed() {
    const ASKING: &str = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{}},"b":{"method":"sampling/createMessage","params":{"canary":1}}},"requestState":"s"}"#;
    const ELICITING: &str = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{}}},"requestState":"s"}"#;
    let world = World::new().await;
    let upstream = Upstream::modern(|request| {
        let body = request.json();
        let id = &body["id"];
        let disguised = ASKING.replace("input_required", r"input_r\u0065quired");
        match body["params"]["name"].as_str() {
            Some("elicit") => result(request, ELICITING),
            Some("disguise") => result(request, &disguised),
            Some("case") => result(request, &ASKING.replace("resultType", "ResultType")),
            Some("link") => reply(
                200,
                &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32042,"message":"canary"}}}}"#),
            ),
            Some("stream") => events(Body::from(format!(
                "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{ASKING}}}\n\n"
            ))),
            _ => result(request, ASKING),
        }
    })
    .await;
    let gateway = behind(&upstream, &world, AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let send = async |gateway: &Router, tool: &str| {
        let mut body = modern_body("tools/call", json!({ "name": tool }));
        let all = json!({ "elicitation": {}, "sampling": {}, "roots": {}, "z/x": { "b": 1.0 } });
        body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = all;
        let sent = world.far(gateway, &token, body).header("mcp-protocol-version", "2026-07-28");
        sent.header("mcp-method", "tools/call").header("mcp-name", tool).send().await
    };
    assert_eq!(send(&gateway, "elicit").await.json()["result"]["requestState"], "s");
    let told = &upstream.of("tools/call")[0].json()["params"];
    let told = &told["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*told, json!({ "elicitation": {}, "z/x": { "b": 1.0 } }));
    for tool in ["sample", "disguise", "stream", "case"] {
        let answer = send(&gateway, tool).await;
        assert!(answer.text.contains("-32603") && !answer.text.contains("canary"), "{tool}: {answer:?}");
    }
    assert_eq!(refused(&world), ["sampling/createMessage"; 3], "the last one is no result at all");

    let nothing = AllowedRequests { elicitation: false, sampling: false, roots: false };
    let strict = behind(&upstream, &world, nothing);
    for tool in ["elicit", "link"] {
        let answer = send(&strict, tool).await;
        assert!(answer.code() == -32603 && !answer.text.contains("canary"), "{tool}: {answer:?}");
    }
    let open = behind(&upstream, &world, ALL);
    assert!(send(&open, "sample").await.text.contains("sampling/createMessage"));
}

#[tokio::test]
async fn up_17_nothing_crosses_the_eras_either() {
    let world = World::new().await;
    let upstream = asking_server().await;
    let gateway = behind(&upstream, &world, AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert!(!answer.text.contains("canary"), "{answer:?}");
    assert!(upstream.of("initialize")[0].json()["params"]["capabilities"]["sampling"].is_null());
}
