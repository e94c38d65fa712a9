//! Clients and servers of different eras.

use axum::body::Body;
use serde_json::{Value, json};

use super::upstream::{Upstream, accepted, events, reply, result};
use crate::world::{World, call, initialize, rpc};

#[tokio::test]
async fn a_legacy_client_before_a_modern_server() {
    let world = World::new().await;
    let upstream = Upstream::modern(|request| match &*request.rpc() {
        "resources/read" => reply(404, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#),
        _ => result(request, r#"{"resultType":"complete","z":1,"content":[]}"#),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let mut opening = initialize("2025-06-18");
    opening["params"]["capabilities"] = json!({ "sampling": {}, "experimental": { "x": 1 } });
    let opened = world.far(&gateway, &token, opening).send().await;
    let result = &opened.json()["result"];
    assert_eq!(result["protocolVersion"], "2025-06-18", "{opened:?}");
    assert_eq!(result["serverInfo"], json!({ "name": "new", "version": "2" }));
    assert_eq!(result["instructions"], "be kind");
    assert_eq!(result["capabilities"], json!({ "tools": { "listChanged": true } }));
    let session = opened.header("mcp-session-id").to_owned();
    let send =
        async |body: Value| world.far(&gateway, &token, body).header("mcp-session-id", &session).send().await;
    assert_eq!(send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.status, 202);
    assert_eq!(send(rpc("ping", json!({}))).await.json()["result"], json!({}));

    let mut asked = call("echo", json!({ "n": 1 }));
    asked["params"]["_meta"] = json!({ "progressToken": 7 });
    let answer = send(asked).await;
    assert_eq!(
        answer.text,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","z":1,"content":[]}}"#
    );
    let arrived = &upstream.of("tools/call")[0];
    assert_eq!((arrived.header("mcp-method"), arrived.header("mcp-name")), ("tools/call", "echo"));
    assert_eq!(arrived.header("mcp-session-id"), "");
    assert_eq!(
        arrived.json()["params"]["_meta"],
        json!({
            "progressToken": 7,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": { "experimental": { "x": 1 } },
            "io.modelcontextprotocol/logLevel": "info",
        })
    );
    let refused = send(rpc("resources/read", json!({ "uri": "a:b" }))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (200, -32601));
}

#[tokio::test]
async fn a_modern_client_before_a_legacy_server() {
    const STREAM: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"r\",\"method\":\"roots/list\"}\n\n";
    let world = World::new().await;
    let upstream = Upstream::legacy(|request| match &*request.rpc() {
        "tools/list" => result(request, r#"{"tools":[{"name":"env"},{"name":"echo"}],"w":1}"#),
        "tools/call" => {
            let id = &request.json()["id"];
            events(Body::from(format!(
                "{STREAM}data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[],\"z\":1}}}}\n\n"
            )))
        }
        "resources/read" => reply(
            200,
            &format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32002,"message":"no"}}}}"#,
                request.json()["id"]
            ),
        ),
        _ => accepted(),
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let send =
        async |method: &str, params: Value| world.far_modern(&gateway, &token, method, params).send().await;

    let found = send("server/discover", json!({})).await;
    assert_eq!(
        found.json()["result"]["capabilities"],
        json!({ "tools": { "listChanged": true }, "logging": {} }),
        "{found:?}"
    );
    assert_eq!(found.json()["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "old");

    let list = send("tools/list", json!({ "cursor": "c" })).await;
    assert_eq!(
        list.text,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo"}],"w":1,"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#
    );
    let arrived = &upstream.of("tools/list")[0];
    assert_eq!(arrived.json()["params"], json!({ "cursor": "c" }));
    assert_eq!(arrived.header("mcp-session-id"), "upstream-secret");
    assert_eq!((arrived.header("mcp-protocol-version"), arrived.header("mcp-method")), ("2025-11-25", ""));

    let answer = send("tools/call", json!({ "name": "echo" })).await;
    assert!(answer.text.contains("notifications/x") && !answer.text.contains("roots/list"), "{answer:?}");
    assert!(
        answer.text.contains(r#""id":1,"result":{"content":[],"z":1,"resultType":"complete"}"#),
        "{answer:?}"
    );
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    let is_refused =
        || upstream.all().iter().any(|sent| sent.json()["id"] == "r" && sent.json()["error"].is_object());
    while !is_refused() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(is_refused(), "a request that nobody can answer does not hang");

    assert_eq!(send("resources/read", json!({ "uri": "a:b" })).await.code(), -32602);
    assert_eq!(send("subscriptions/listen", json!({})).await.code(), -32602);
    assert_eq!(send("ping", json!({})).await.status, 404);
    assert_eq!(upstream.of("initialize").len(), 1, "one session for one principal");
    let bob = world.far_token("bob", "use");
    world.far_modern(&gateway, &bob, "tools/list", json!({})).send().await;
    assert_eq!(upstream.of("initialize").len(), 2, "and never one for two");
}

#[tokio::test]
async fn a_pooled_session_that_has_ended_is_opened_again() {
    let world = World::new().await;
    let first = std::sync::atomic::AtomicBool::new(true);
    let upstream = Upstream::legacy(move |request| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            return reply(404, "{}");
        }
        result(request, r#"{"content":[]}"#)
    })
    .await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let answer = world.far_modern(&gateway, &token, "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((upstream.of("initialize").len(), upstream.of("tools/call").len()), (2, 2));
}
