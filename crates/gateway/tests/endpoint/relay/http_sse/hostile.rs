//! Servers of the older transport that are away, slow, broken or hostile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use gateway::Transport;
use http::Method;
use serde_json::json;

use super::echo;
use super::server::{OldServer, result};
use crate::relay::upstream::{Upstream, accepted, events, reply};
use crate::world::{Answer, World, call, initialize};

async fn world() -> World {
    let mut world = World::new().await;
    world.transport = Transport::HttpSse;
    world
}

#[tokio::test]
async fn an_endpoint_of_another_origin_gets_nothing() {
    let elsewhere = Upstream::start(|_| accepted()).await;
    for endpoint in [
        format!("http://{}/message?sessionId=N", elsewhere.address),
        format!("//{}/message?sessionId=N", elsewhere.address),
        "https://ADDRESS/message?sessionId=N".to_owned(),
        format!("http://ADDRESS@{}/message", elsewhere.address),
        "\\\\evil\\message".to_owned(),
        "http://".to_owned(),
    ] {
        let world = world().await;
        let old = OldServer::start_with(&endpoint, echo).await;
        let gateway = old.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, 502, "{endpoint}: {answer:?}");
        assert!(old.of("initialize").is_empty() && elsewhere.all().is_empty(), "{endpoint}");
    }
    for endpoint in ["http://ADDRESS/message?sessionId=N", "message?sessionId=N"] {
        let world = world().await;
        let old = OldServer::start_with(endpoint, echo).await;
        let gateway = old.behind(&world);
        let token = world.far_token("ada", "use");
        let answer = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, 200, "{endpoint}: {answer:?}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_fails_what_waits_and_is_opened_again_for_what_comes() {
    let world = world().await;
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = is_silent.clone();
    let old = OldServer::start(
        move |request| {
            if silent.load(Ordering::Relaxed) { Vec::new() } else { echo(request) }
        },
    )
    .await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let legacy = || world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", &session);
    let modern = || world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" }));
    let end = async {
        while old.of("tools/call").len() < 2 {
            tokio::task::yield_now().await;
        }
        old.end_streams();
    };
    let (first, second, ()) = tokio::join!(legacy().send(), modern().send(), end);
    for answer in [first, second] {
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -32603), "{answer:?}");
    }
    assert_eq!(old.of("tools/call").len(), 2, "a call is never repeated");
    is_silent.store(false, Ordering::Relaxed);
    assert_eq!(legacy().send().await.status, 404, "the session went with its stream");
    let again = modern().send().await;
    assert_eq!(again.status, 200, "{again:?}");
}

#[tokio::test]
async fn a_server_that_forgot_the_session_is_given_another_one() {
    let world = world().await;
    let old = OldServer::start(echo).await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let modern = || world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" }));
    assert_eq!(modern().send().await.status, 200);
    old.end_streams();
    assert_eq!(modern().send().await.status, 200, "it refused the call, which may be sent again");
    assert_eq!(old.opened(), 2);
}

#[tokio::test]
async fn silence_has_a_deadline() {
    let world = world().await;
    let old = OldServer::start(|_| Vec::new()).await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert!(answer.text.contains("did not answer in time"), "{answer:?}");
    assert_eq!(old.of("tools/call").len(), 1, "a call is never repeated");
}

type Stream = Box<dyn Fn() -> axum::response::Response + Send + Sync>;

#[tokio::test]
async fn a_server_that_names_no_endpoint_is_none() {
    let silence = || events(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()));
    let endless = || {
        let x = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 20])));
        events(Body::from_stream(x))
    };
    let rows: [(Stream, u16); 5] = [
        (Box::new(silence), 504),
        (Box::new(endless), 502),
        (Box::new(|| events(Body::from("data: {}\n\n"))), 502),
        (Box::new(|| events(Body::empty())), 502),
        (Box::new(|| reply(500, "canary")), 502),
    ];
    for (number, (stream, status)) in rows.into_iter().enumerate() {
        let world = world().await;
        let upstream = Upstream::start(move |request| {
            assert_eq!(request.method, Method::GET, "nothing is sent to it");
            stream()
        })
        .await;
        let gateway = upstream.behind(&world);
        let answer =
            world.far(&gateway, &world.far_token("ada", "use"), initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, status, "{number}: {answer:?}");
        assert!(!answer.text.contains("canary"));
    }
}

#[tokio::test]
async fn gw_17_what_is_no_message_is_for_nobody() {
    let world = world().await;
    let old = OldServer::start(|request| {
        let id = request.json()["id"].clone();
        let (once, twice) = (format!("\"id\":{id}"), format!("\"id\":{id},\"id\":{id}"));
        let duplicate = request.text.replace(&once, &twice);
        assert_ne!(duplicate, request.text);
        let mut said: Vec<String> = vec![
            "canary".to_owned(),
            "[]".to_owned(),
            json!({ "jsonrpc": "2.0", "id": 77, "result": "canary" }).to_string(),
            json!({ "jsonrpc": "2.0", "id": id.to_string(), "result": "canary" }).to_string(),
            duplicate,
        ];
        said.extend([result(request, &json!({ "content": [] }))]);
        // After the response there is no exchange to say anything in.
        said.push(result(request, &json!({ "content": "canary" })));
        said
    })
    .await;
    let gateway = old.behind(&world);
    let token = world.far_token("ada", "use");
    let ask = async || -> Answer {
        world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await
    };
    for _ in 0..3 {
        let answer = ask().await;
        assert_eq!(answer.json()["result"]["content"], json!([]), "{answer:?}");
        assert!(!answer.text.contains("canary"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_dead_server_rests() {
    let world = world().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = world.gateway_to(&format!("http://{address}/sse"), crate::relay::upstream::scopes());
    let token = world.far_token("ada", "use");
    for expected in [502, 502, 502, 503] {
        let answer = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
}
