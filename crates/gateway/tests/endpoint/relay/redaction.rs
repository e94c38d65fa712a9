//! Secrets in what servers send, and answers that are too large.

use audit::Kind;
use axum::body::Body;
use secret::Secret;
use serde_json::json;

use super::upstream::{Upstream, events, reply, result};
use crate::world::World;

const SECRET: &str = "hunter2/hunter2";

async fn world() -> World {
    let mut world = World::new().await;
    world.secrets = vec![Secret::new(SECRET.to_owned())];
    world
}

fn redactions(world: &World) -> usize {
    world.audit_log.events().iter().filter(|event| event.kind == Kind::Redaction).count()
}

#[tokio::test]
async fn gw_29_secrets_of_the_configuration_do_not_reach_the_client() {
    let text = r#"{"resultType":"complete","content":[{"type":"text","text":"TOKEN=hunter2\/hunter2\n"},{"type":"text","text":"{\"token\":\"hunter2\\/hunt\\u0065r2\"}"}],"structuredContent":{"env":{"TOKEN":"\u0068unter2/hunter2"},"n":1.50}}"#;
    let upstream = Upstream::modern(move |request| match &*request.rpc() {
        "tools/call" => result(request, text),
        _ => reply(200, &format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32603,"message":"no access with {SECRET}","data":"{SECRET}"}}}}"#)),
    })
    .await;
    let world = world().await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    let expected = r#"{"resultType":"complete","content":[{"type":"text","text":"TOKEN=[redacted]\n"},{"type":"text","text":"{\"token\":\"[redacted]\"}"}],"structuredContent":{"env":{"TOKEN":"[redacted]"},"n":1.50}}"#;
    assert_eq!(answer.text, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{expected}}}"#));
    let failed = world.far_modern(&gateway, &token, "resources/read", json!({ "uri": "f:x" })).send().await;
    assert_eq!(failed.json()["error"]["message"], "no access with [redacted]", "{failed:?}");
    assert_eq!(failed.json()["error"]["data"], "[redacted]");
    assert_eq!(redactions(&world), 2);
}

#[tokio::test]
async fn gw_29_secrets_do_not_pass_in_a_stream() {
    let upstream = Upstream::modern(move |request| {
        let id = &request.json()["id"];
        let log = format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"with {SECRET}"}}}}"#);
        let response = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":"{SECRET}!"}}]}}}}"#);
        let pieces: Vec<_> = format!("id: 1\ndata: {log}\n\nevent: message\ndata: {response}\n\n")
            .as_bytes()
            .chunks(7)
            .map(|piece| Ok::<_, std::io::Error>(bytes::Bytes::copy_from_slice(piece)))
            .collect();
        events(Body::from_stream(futures_util::stream::iter(pieces)))
    })
    .await;
    let world = world().await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert!(!answer.text.contains("hunter2"), "{answer:?}");
    assert!(answer.text.starts_with("id: 1\ndata: {"), "{answer:?}");
    assert!(answer.text.contains("with [redacted]") && answer.text.contains("[redacted]!"), "{answer:?}");
    assert_eq!(redactions(&world), 1, "once for an answer");
}

#[tokio::test]
async fn gw_29_the_access_token_of_the_caller_does_not_come_back() {
    let world = World::new().await;
    let token = world.far_token("ada", "use");
    let echoed = token.clone();
    let upstream = Upstream::modern(move |request| {
        result(request, &json!({ "resultType": "complete", "content": [{ "type": "text", "text": format!("Bearer {echoed}") }] }).to_string())
    })
    .await;
    let gateway = upstream.behind(&world);
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "Bearer [redacted]");
}

#[tokio::test]
async fn gw_17_an_answer_that_is_too_large_is_refused() {
    let upstream = Upstream::modern(|request| {
        let text = "x".repeat(2 * 1024 * 1024);
        let answer =
            json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] }).to_string();
        if request.json()["params"]["name"] == "stream" {
            let id = &request.json()["id"];
            return events(Body::from(format!(
                "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{answer}}}\n\n"
            )));
        }
        result(request, &answer)
    })
    .await;
    let world = World::new().await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    for name in ["whole", "stream"] {
        let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": name })).send().await;
        assert!(
            answer.text.len() < 1024 && answer.text.contains("is larger than it may be here"),
            "{name} {}",
            answer.text.len()
        );
    }
}
