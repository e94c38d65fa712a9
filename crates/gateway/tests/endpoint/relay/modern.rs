//! A modern client before a modern server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use super::upstream::{Upstream, events, reply, result};
use crate::world::World;

#[tokio::test]
async fn headers_are_made_from_the_body_and_unknown_members_stay() {
    let world = World::new().await;
    let text = r#"{"resultType":"input_required","z":1,"requestState":"s","a":{"y":1,"x":1.0}}"#;
    let upstream = Upstream::modern(move |request| result(request, text)).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let params = json!({ "name": "echo", "arguments": { "region": "eu" } });
    let answer = world
        .far_modern(&gateway, &token, "tools/call", params)
        .header("mcp-param-region", "eu")
        .header("mcp-session-id", "canary")
        .header("cookie", "canary")
        .send()
        .await;
    assert_eq!(answer.text, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{text}}}"#), "{answer:?}");
    assert!(!answer.headers.contains_key("x-secret") && !answer.headers.contains_key("mcp-session-id"));
    let arrived = &upstream.of("tools/call")[0];
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
        ("mcp-param-region", "eu"),
        ("mcp-session-id", ""),
        ("authorization", ""),
    ] {
        assert_eq!(arrived.header(name), value, "{name}");
    }
    assert!(!format!("{:?}", arrived.headers).contains("canary"));

    let found = world.far_modern(&gateway, &token, "server/discover", json!({})).send().await;
    assert_eq!(found.json()["result"]["y"], json!({ "b": 1, "a": 2 }));
    assert_eq!(upstream.of("server/discover").len(), 2, "one to learn the era, one for the client");

    let hidden = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "env" })).send().await;
    assert_eq!(hidden.code(), -32602);
    let lying = world
        .request("POST", "/mcp/far")
        .to(&gateway)
        .bearer(&token)
        .json(crate::world::modern_body("tools/call", json!({ "name": "env" })))
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "echo");
    assert_eq!(lying.send().await.code(), -32020);
    assert_eq!(upstream.of("tools/call").len(), 1);
}

#[tokio::test]
async fn errors_of_the_protocol_pass_and_lists_become_private() {
    let world = World::new().await;
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "tools/list" => {
            result(request, r#"{"resultType":"complete","tools":[],"ttlMs":5,"cacheScope":"public"}"#)
        }
        _ => reply(
            404,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{"b":1,"a":2}}}"#,
        ),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let list = world.far_modern(&gateway, &token, "tools/list", json!({})).send().await;
    assert_eq!(list.json()["result"]["cacheScope"], "private", "{list:?}");
    let error = world.far_modern(&gateway, &token, "unknown/method", json!({})).send().await;
    assert_eq!(error.status, 404);
    assert!(error.text.ends_with(r#""data":{"b":1,"a":2}}}"#), "{error:?}");
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_server_and_one_that_leaves_ends_its_request() {
    let world = World::new().await;
    let made = Arc::new(AtomicUsize::new(0));
    let alive = Arc::new(());
    let (count, life) = (made.clone(), Arc::downgrade(&alive));
    let held = std::sync::Mutex::new(Some(alive));
    let upstream = Upstream::modern(move |_| {
        let (count, alive) = (count.clone(), held.lock().unwrap().take());
        let event = format!(
            "data: {{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":\"{}\"}}\n\n",
            "x".repeat(65_536)
        );
        events(Body::from_stream(stream::repeat_with(move || {
            let _ = &alive;
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from(event.clone()))
        })))
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let request = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).build();
    let mut body = gateway.clone().oneshot(request).await.unwrap().into_body();
    for _ in 0..3 {
        assert!(body.frame().await.unwrap().unwrap().into_data().unwrap().len() > 65_536);
    }
    // What fits into the sockets between here and there is some megabytes; then nothing moves.
    let mut before = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = made.load(Ordering::Relaxed);
        if now == before || tokio::time::Instant::now() > deadline {
            break;
        }
        before = now;
    }
    assert_eq!(made.load(Ordering::Relaxed), before, "the server waits for its reader");
    drop(body);
    while life.strong_count() > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(life.strong_count(), 0, "the server is told that nobody reads");
}
