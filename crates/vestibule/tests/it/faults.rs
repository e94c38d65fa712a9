//! Servers that fail, a gateway that is asked to end, and more streams than anybody has: what is not concerned goes on.

mod ending;
mod idle_streams;
pub(crate) mod upstream;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http::{Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use self::upstream::Upstream;
use crate::{
    acting_client,
    http_client::{self, Answer},
    server::{Server, Settings},
};

/// What the gateway lets a server take for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What a call may take that waits for nobody, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

/// A gateway before servers at these addresses.
fn gateway(servers: &[(&str, SocketAddr)]) -> Server {
    let sections = servers.iter().map(|(name, address)| {
        let seconds = TIMEOUT.as_secs();
        format!("[[server]]\nname = \"{name}\"\nkind = \"remote\"\nurl = \"http://{address}/mcp\"\ntimeout = \"{seconds}s\"\n")
    });
    let configuration = format!("[connections]\nmaximum = 20000\n{}", sections.collect::<String>());
    Server::start(&Settings { configuration: Some(configuration), ..Settings::default() })
}

/// A request of the stateless revision.
fn request(path: &str, token: &str, method: &str, mut params: Value) -> Request<Bytes> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = http_client::json(path, &body);
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers.insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
    headers.insert("mcp-protocol-version", "2026-07-28".parse().unwrap());
    headers.insert("mcp-method", method.parse().unwrap());
    if let Some(name) = params["name"].as_str() {
        headers.insert("mcp-name", name.parse().unwrap());
    }
    request
}

pub(crate) fn call(path: &str, token: &str) -> Request<Bytes> {
    request(path, token, "tools/call", json!({ "name": "greet" }))
}

/// A call and how long it took.
async fn timed(server: &Server, path: &str, token: &str) -> (Answer, Duration) {
    let began = Instant::now();
    (server.send(call(path, token)).await, began.elapsed())
}

#[tokio::test]
async fn a_server_that_fails_is_named_and_concerns_no_other() {
    let faulty = [
        ("reset", Upstream::resetting().await, 502),
        ("hole", Upstream::silent().await, 504),
        ("trickle", Upstream::trickling().await, 504),
        ("broken", Upstream::failing().await, 502),
    ];
    let good = Upstream::start().await;
    let mut servers: Vec<_> = faulty.iter().map(|(name, upstream, _)| (*name, upstream.address())).collect();
    servers.push(("good", good.address()));
    let server = gateway(&servers);
    let token = acting_client::token(&server, "/mcp/good").await;
    let calls_of_good = join_all((0..50).map(|_| timed(&server, "/mcp/good", &token)));
    let calls_of_faulty = join_all(faulty.iter().map(async |(name, _, expected)| {
        let path = format!("/mcp/{name}");
        let token = acting_client::token(&server, &path).await;
        for _ in 0..3 {
            let (answer, took) = timed(&server, &path, &token).await;
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            // After some failures it is left alone for a while: that is 503.
            assert!([*expected, 503].contains(&answer.status.as_u16()), "{name}: {} {said}", answer.status);
            assert!(took < TIMEOUT + SOON, "{name}: {took:?}");
            assert_eq!(answer.json()["error"]["code"], -32603, "{name}: {said}");
            assert!(said.contains("behind this gateway") && !said.contains("canary"), "{name}: {said}");
        }
    }));
    let (answers, _) = tokio::join!(calls_of_good, calls_of_faulty);
    for (answer, took) in answers {
        assert_eq!(answer.json()["result"]["content"][0]["text"], "hello", "{answer:?}");
        assert!(took < SOON, "{took:?} beside servers that fail");
    }
}

#[tokio::test]
async fn a_server_that_starts_again_is_used_again() {
    let upstream = Upstream::start().await;
    let address = upstream.address();
    let server = gateway(&[("far", address)]);
    let token = acting_client::token(&server, "/mcp/far").await;
    let status = async || server.send(call("/mcp/far", &token)).await.status.as_u16();
    assert_eq!(status().await, 200);
    upstream.stop().await;
    for _ in 0..5 {
        assert!([502, 503].contains(&status().await));
    }
    let _again = Upstream::start_at(address).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while status().await != 200 {
        assert!(Instant::now() < deadline, "it is never tried again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
