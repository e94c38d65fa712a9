//! GW-31: asked to end, the gateway finishes what it began.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::net::TcpStream;

use super::{Upstream, gateway, request};
use crate::{acting_client, http_client};

const STREAMS: usize = 1000;
/// The row's own bound.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gw_31_calls_are_finished_and_streams_end_between_events() {
    let upstream = Upstream::start().await;
    let mut server = gateway(&[("far", upstream.address())]);
    let token = acting_client::token(&server, "/mcp/far").await;
    let listen = |_| {
        let params = json!({ "notifications": { "toolsListChanged": true } });
        let listen = request("/mcp/far", &token, "subscriptions/listen", params);
        async { http_client::start(server.address(), listen).await.unwrap().into_body() }
    };
    let streams: Vec<_> = stream::iter(0..STREAMS).map(listen).buffer_unordered(32).collect().await;
    let wait = request("/mcp/far", &token, "tools/call", json!({ "name": "wait" }));
    let address = server.address();
    let called = tokio::spawn(http_client::start(address, wait));
    upstream.waits().await;

    server.ask_to_end();
    let asked = Instant::now();
    while TcpStream::connect(address).await.is_ok() {
        assert!(asked.elapsed() < ENDED_WITHIN, "it still takes connections");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    upstream.go_on();
    let answer = called.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("the answer is whole");
    assert_eq!(answer["result"]["content"][0]["text"], "hello");
    for body in streams {
        let text = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let text = String::from_utf8(text.into()).unwrap();
        assert!(text.is_empty() || text.ends_with("\n\n"), "{text:?} is half an event");
    }
    assert!(server.ended(ENDED_WITHIN.saturating_sub(asked.elapsed())), "{}", server.log());
}
