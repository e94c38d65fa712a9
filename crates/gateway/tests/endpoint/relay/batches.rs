//! Batches, which are a matter of one revision.

use axum::body::Body;
use serde_json::{Value, json};

use super::questions::response;
use super::upstream::{Upstream, accepted, events, result};
use crate::world::{World, call, initialize, rpc};

fn numbered(id: u64, mut body: Value) -> Value {
    body["id"] = json!(id);
    body
}

#[tokio::test]
async fn a_batch_of_2025_03_26_is_its_messages() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match request.json()["params"]["arguments"]["how"].as_str() {
        Some("stream") => events(Body::from(format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{}}}}\n\n",
            request.json()["id"]
        ))),
        _ if request.rpc().starts_with("notifications/") => accepted(),
        _ => result(request, r#"{"content":[]}"#),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-03-26")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let send =
        async |body: Value| world.far(&gateway, &token, body).header("mcp-session-id", &session).send().await;

    let told = json!({ "jsonrpc": "2.0", "method": "notifications/x" });
    assert_eq!(send(json!([told, told])).await.status, 202);
    let batch = json!([
        numbered(1, call("echo", json!({}))),
        told,
        numbered(2, call("env", json!({}))),
        numbered(3, call("delete", json!({}))),
        numbered(4, rpc("ping", json!({}))),
    ]);
    let answer = send(batch).await.json();
    let answers: Vec<_> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].clone(), one["error"]["code"].clone()))
        .collect();
    let expected = [(1, Value::Null), (2, json!(-32602)), (3, json!(-32600)), (4, Value::Null)];
    assert_eq!(answers, expected.map(|(id, code)| (json!(id), code)));
    assert_eq!(upstream.of("tools/call").len(), 1, "the policy decides about each");
    let recorded = world.audit_log.events();
    assert_eq!(recorded.len(), 3, "and each is recorded");

    let streamed = send(json!([
        numbered(5, call("echo", json!({ "how": "stream" }))),
        numbered(6, rpc("ping", json!({})))
    ]))
    .await;
    assert_eq!(streamed.header("content-type"), "text/event-stream");
    assert!(streamed.text.contains(r#""id":6"#) && response(&streamed)["id"] == 5, "{streamed:?}");

    assert_eq!(send(json!([])).await.status, 400);
    let many: Vec<_> = (0..33).map(|id| numbered(id, rpc("ping", json!({})))).collect();
    assert_eq!(send(json!(many)).await.status, 400);
}

#[tokio::test]
async fn no_other_revision_has_batches() {
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| result(request, "{}")).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let batch = json!([rpc("ping", json!({}))]);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let opened = world.far(&gateway, &token, initialize(version)).send().await;
        let sent = world.far(&gateway, &token, batch.clone());
        let answer = sent.header("mcp-session-id", opened.header("mcp-session-id")).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32600), "{version}");
    }
    assert_eq!(world.far(&gateway, &token, json!([initialize("2025-03-26")])).send().await.status, 400);
    assert!(upstream.of("ping").is_empty());
}
