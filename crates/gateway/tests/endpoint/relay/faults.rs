//! Servers that are away, slow, broken or hostile.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::upstream::{Upstream, events, reply, result, scopes};
use crate::world::{World, initialize};

#[tokio::test]
async fn a_dead_server_is_an_error_that_says_so_and_soon_at_once() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = world.gateway_to(&format!("http://{address}/mcp"), scopes());
    let token = world.far_token("ada", "use");
    for expected in [502, 502, 502, 503] {
        let answer = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (expected, -32603), "{answer:?}");
        assert!(answer.text.contains("behind this gateway"), "{answer:?}");
    }
    let other = world.post(&world.token("ada", "read"), initialize("2025-11-25")).to(&gateway).send().await;
    assert_eq!(other.status, 200, "other servers are not concerned");
}

#[tokio::test]
async fn a_slow_server_has_a_deadline() {
    let world = World::new().await;
    let upstream = Upstream::modern(|_| {
        let silence = stream::pending::<Result<Bytes, std::io::Error>>();
        let mut response = reply(200, "");
        *response.body_mut() = Body::from_stream(silence);
        response
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!((answer.status.as_u16(), answer.code()), (504, -32603), "{answer:?}");
    assert_eq!(upstream.of("tools/call").len(), 1, "a call is never repeated");
}

#[tokio::test]
async fn a_server_that_takes_and_never_answers_is_left_alone() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hole = tokio::spawn(async move {
        let mut taken = Vec::new();
        loop {
            taken.push(listener.accept().await);
        }
    });
    let gateway = world.gateway_to(&format!("http://{address}/mcp"), scopes());
    let token = world.far_token("ada", "use");
    for expected in [504, 504, 504, 503] {
        let answer = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
    hole.abort();
}

#[tokio::test]
async fn gw_17_an_answer_has_a_size() {
    let world = World::new().await;
    for kind in ["json", "event", "line"] {
        let upstream = Upstream::modern(move |request| {
            let text = "x".repeat(2 * 1024 * 1024);
            match kind {
                "json" => result(request, &format!(r#"{{"resultType":"complete","text":"{text}"}}"#)),
                "event" => events(Body::from(format!("data: {{\"text\":\"{text}\"}}\n\n"))),
                _ => events(Body::from(format!("id: {text}"))),
            }
        })
        .await;
        let gateway = upstream.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
        assert!(answer.text.contains("-32603") && answer.text.len() < 1024, "{kind}: {}", answer.text.len());
    }
}

#[tokio::test]
async fn gw_29_nothing_of_a_failure_is_passed_on() {
    let world = World::new().await;
    for (status, body, expected) in [
        (500, r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"canary"}}"#, 502),
        (503, "canary", 502),
        (401, r#"{"error":"canary"}"#, 502),
        (403, "canary", 502),
        (302, "canary", 502),
        (429, "canary", 503),
        (400, "<html>canary</html>", 502),
        (200, "canary", 502),
        (200, r#"[{"jsonrpc":"2.0","id":1,"result":"canary"}]"#, 502),
        (200, r#"{"jsonrpc":"2.0","id":2,"result":"canary"}"#, 502),
    ] {
        let upstream = Upstream::modern(move |_| reply(status, body)).await;
        let gateway = upstream.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (expected, -32603),
            "{status} {body}: {answer:?}"
        );
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_still_answers() {
    let world = World::new().await;
    for (after, expected) in [(false, "cannot be reached"), (true, "did not answer in time")] {
        let upstream = Upstream::modern(move |_| {
            let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(": hello\n\ndata: {\"half"))]);
            let rest = if after { stream::pending().boxed() } else { stream::empty().boxed() };
            events(Body::from_stream(first.chain(rest)))
        })
        .await;
        let gateway = upstream.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
        assert!(
            answer
                .text
                .starts_with(": hello\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\""),
            "{answer:?}"
        );
        assert!(answer.text.contains(expected) && !answer.text.contains("half"), "{answer:?}");
    }
}

#[tokio::test]
async fn gw_17_an_event_without_end_is_cut() {
    let world = World::new().await;
    let upstream = Upstream::modern(|_| {
        events(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 20]))
        })))
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert!(answer.text.contains("larger than it may be here"), "{}", answer.text.len());
}

#[tokio::test]
async fn a_server_that_was_replaced_by_one_of_the_other_era_is_asked_again() {
    let world = World::new().await;
    let is_modern = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let switch = is_modern.clone();
    let upstream = Upstream::start(move |request| {
        match (switch.load(std::sync::atomic::Ordering::Relaxed), &*request.rpc()) {
            (true, _) => result(request, r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"private"}"#),
            (false, "initialize") => result(request, r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"o","version":"1"}}"#),
            (false, "tools/call") if request.json()["params"].get("_meta").is_none() => result(request, r#"{"content":[]}"#),
            (false, _) => reply(400, "{}"),
        }
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let send =
        async || world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(send().await.status, 200);
    is_modern.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(send().await.status, 502);
    let answer = send().await;
    assert_eq!(answer.json()["result"], json!({ "content": [], "resultType": "complete" }), "{answer:?}");
}
