//! Official SDKs over the older transport, HTTP with SSE: the same way through, the same token, another pair of URLs.

use http::{Method, StatusCode};
use tokio::process::Command;

use super::{World, judge_pages};
use crate::clients;

/// What clients negotiate that do not speak 2026-07-28 over this transport.
const PROTOCOL_VERSION: &str = "2025-11-25";
const STREAM: &str = "/mcp/demo/sse";
const MESSAGES: &str = "/mcp/demo/message";

#[tokio::test]
async fn typescript_sdk() {
    let mut script = Command::new(clients::node());
    script.arg(clients::script("node/typescript-sdk.mjs"));
    goes_through(script, "TypeScript SDK").await;
}

#[tokio::test]
async fn python_sdk_1() {
    let mut script = Command::new(clients::python_1());
    script.arg(clients::script("python/sdk_1.py"));
    goes_through(script, "Python SDK 1.x").await;
}

async fn goes_through(mut script: Command, client_name: &str) {
    let world = World::start().await;
    script.arg(format!("{}/sse", world.server.mcp_url())).arg("sse");
    world.run_as_given(script, PROTOCOL_VERSION).await;
    let exchanges = world.recorder.exchanges();
    let visit = world.browser.visit().await;
    judge_pages(&visit, client_name);
    world.judge_authorization(&exchanges, &visit);
    world.judge_tokens(&exchanges);
    let answered = |method: &Method, path: &str| -> Vec<StatusCode> {
        exchanges
            .iter()
            .filter(|exchange| exchange.is(method, path))
            .map(|exchange| exchange.status)
            .collect()
    };
    assert_eq!(answered(&Method::GET, STREAM)[..2], [StatusCode::UNAUTHORIZED, StatusCode::OK]);
    let messages = answered(&Method::POST, MESSAGES);
    assert_eq!(messages.first(), Some(&StatusCode::ACCEPTED), "{}", world.story());
    assert!(messages.contains(&StatusCode::UNAUTHORIZED), "after the revocation: {}", world.story());
}
