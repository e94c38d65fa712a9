//! Servers that know both eras: a client is served in its own.

use serde_json::{Value, json};

use super::upstream::{Arrived, Upstream, accepted, reply, result};
use crate::world::{World, call, initialize};

/// What a server of both eras says to `initialize`.
fn opened(request: &Arrived, session: Option<&'static str>) -> axum::response::Response {
    let version = &request.json()["params"]["protocolVersion"];
    let server = json!({ "name": "both", "version": "1" });
    let said = json!({ "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": server });
    let mut response = result(request, &said.to_string());
    if let Some(session) = session {
        response.headers_mut().insert("mcp-session-id", session.parse().unwrap());
    }
    response
}

/// A legacy client opens a session and calls a tool; the gateway says which server it saw.
async fn server_that_a_legacy_client_sees(upstream: &Upstream) -> Value {
    let world = World::new().await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let opening = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
    assert_eq!(opening.json()["result"]["protocolVersion"], "2025-06-18", "{opening:?}");
    let session = opening.header("mcp-session-id").to_owned();
    let called = world.far(&gateway, &token, call("echo", json!({}))).header("mcp-session-id", &session);
    let called = called.send().await;
    assert_eq!(called.json()["result"]["content"], json!([]), "{called:?}");
    opening.json()["result"]["serverInfo"]["name"].clone()
}

#[tokio::test]
async fn a_legacy_client_has_a_session_at_a_server_of_both_eras() {
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "initialize" => opened(request, Some("upstream-secret")),
        "tools/call" => result(request, r#"{"content":[]}"#),
        _ => accepted(),
    })
    .await;
    assert_eq!(server_that_a_legacy_client_sees(&upstream).await, "both");
    let arrived = &upstream.of("tools/call")[0];
    assert_eq!(arrived.header("mcp-session-id"), "upstream-secret");
    assert_eq!(arrived.json()["params"].get("_meta"), None, "{}", arrived.json());
}

/// Without a session it could ask its client nothing.
#[tokio::test]
async fn a_server_that_opens_no_session_is_met_in_its_newer_era() {
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "initialize" => opened(request, None),
        _ => result(request, r#"{"resultType":"complete","content":[]}"#),
    })
    .await;
    assert_eq!(server_that_a_legacy_client_sees(&upstream).await, "new");
    let arrived = &upstream.of("tools/call")[0];
    assert_eq!(arrived.header("mcp-protocol-version"), "2026-07-28");
}

#[tokio::test]
async fn a_server_that_refuses_to_be_opened_is_met_in_its_own_era() {
    const REFUSAL: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"],"requested":"2025-06-18"}}}"#;
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "initialize" => reply(400, REFUSAL),
        _ => result(request, r#"{"resultType":"complete","content":[]}"#),
    })
    .await;
    assert_eq!(server_that_a_legacy_client_sees(&upstream).await, "new");
    assert_eq!(upstream.of("tools/call")[0].header("mcp-method"), "tools/call");
}
