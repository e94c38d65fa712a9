//! What goes on to a server of the trace context that a client brings.

use serde_json::{Value, json};

use super::upstream::{Upstream, accepted, result};
use crate::world::{World, initialize, modern_body};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn meta() -> Value {
    json!({ "traceparent": PARENT, "tracestate": "a=b", "baggage": "user=canary", "progressToken": "p" })
}

/// `_meta` of each `method` that arrived, and nothing of the baggage anywhere.
fn arrived(upstream: &Upstream, method: &str) -> Vec<Value> {
    assert!(
        !upstream
            .all()
            .iter()
            .any(|request| format!("{:?} {}", request.headers, request.text).contains("canary"))
    );
    upstream.of(method).iter().map(|request| request.json()["params"]["_meta"].clone()).collect()
}

#[tokio::test]
async fn up_21_baggage_stays_here_and_a_trace_goes_on_in_both_eras() {
    let world = World::new().await;
    let token = world.far_token("ada", "use");
    let upstream =
        Upstream::modern(|request| result(request, r#"{"resultType":"complete","content":[]}"#)).await;
    let gateway = upstream.behind(&world);
    let mut body = modern_body("tools/call", json!({ "name": "echo" }));
    for (name, value) in meta().as_object().unwrap() {
        body["params"]["_meta"][name] = value.clone();
    }
    let request = world.far(&gateway, &token, body).header("mcp-protocol-version", "2026-07-28");
    let request = request.header("mcp-method", "tools/call").header("mcp-name", "echo");
    let answer = request.header("baggage", "canary").header("traceparent", PARENT).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let went_on = &arrived(&upstream, "tools/call")[0];
    assert_eq!((&went_on["traceparent"], &went_on["tracestate"]), (&json!(PARENT), &json!("a=b")));
    assert!(went_on["io.modelcontextprotocol/protocolVersion"].is_string(), "{went_on}");

    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/call" => result(request, r#"{"content":[]}"#),
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let opened = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    for body in [
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "echo", "_meta": meta() } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed", "params": { "_meta": meta() } }),
    ] {
        let request = world.far(&gateway, &token, body).header("mcp-session-id", &session);
        let answer = request.header("mcp-protocol-version", "2025-11-25").send().await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
    for method in ["tools/call", "notifications/roots/list_changed"] {
        for went_on in arrived(&upstream, method) {
            assert_eq!(
                went_on,
                json!({ "traceparent": PARENT, "tracestate": "a=b", "progressToken": "p" }),
                "{method}"
            );
        }
    }
}
