//! Many people with nothing to say.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use serde_json::json;
use tokio::time::timeout;

use super::{Upstream, call, gateway, request};
use crate::{acting_client, http_client};

/// As many as are promised.
const STREAMS: usize = 9000;
/// What one needs: a socket at the client, two at the gateway, one at the server behind it.
const DESCRIPTORS: u64 = 2 * STREAMS as u64 + 1000;
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_thousand_idle_streams_are_held() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let count = match limit.maximum {
        Some(maximum) if maximum < DESCRIPTORS => usize::try_from(maximum / 2).unwrap() - 500,
        _ => STREAMS,
    };
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let upstream = Upstream::start().await;
    let server = gateway(&[("far", upstream.address())]);
    let token = acting_client::token(&server, "/mcp/far").await;
    assert_eq!(server.send(call("/mcp/far", &token)).await.status, 200);
    let before = server.resident_memory();
    let open = |_| async {
        let params = json!({ "notifications": { "toolsListChanged": true } });
        let listen = request("/mcp/far", &token, "subscriptions/listen", params);
        let mut body = http_client::start(server.address(), listen).await.unwrap().into_body();
        let first = next(&mut body).await;
        assert!(first.contains("subscriptions/acknowledged"), "{first}");
        body
    };
    let mut streams: Vec<_> = stream::iter(0..count).map(open).buffer_unordered(64).collect().await;
    let each = (server.resident_memory() - before) / count;
    println!("{count} idle streams, {} KiB each", each / 1024);

    assert_eq!(server.send(call("/mcp/far", &token)).await.status, 200, "calls go on beside them");
    upstream.say();
    for body in &mut streams {
        assert!(next(body).await.contains("tools/list_changed"), "every stream is alive");
    }
}

/// What comes next on a stream, comments left out.
async fn next(body: &mut Incoming) -> String {
    loop {
        let frame = timeout(PATIENCE, body.frame()).await.expect("something comes").unwrap().unwrap();
        let text = frame.into_data().map(Bytes::into).map(String::from_utf8).unwrap().unwrap();
        if !text.starts_with(':') {
            return text;
        }
    }
}
