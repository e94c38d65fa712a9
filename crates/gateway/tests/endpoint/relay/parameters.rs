//! Arguments that are repeated in headers (`x-mcp-header`), for those who send them and those who do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::upstream::{Upstream, reply, result};
use crate::world::{World, call, initialize};

const HEADED: &str = r#"{"resultType":"complete","tools":[{"name":"echo","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}]}"#;

async fn headed_server(changes: Arc<AtomicBool>) -> Upstream {
    Upstream::modern(move |request| match &*request.rpc() {
        "tools/list" if changes.load(Ordering::Relaxed) => {
            result(request, &HEADED.replace("\"Region\"", "\"Area\""))
        }
        "tools/list" => result(request, HEADED),
        "tools/call" if changes.load(Ordering::Relaxed) && request.header("mcp-param-area").is_empty() => {
            reply(
                400,
                &format!(
                    r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32020,"message":"no"}}}}"#,
                    request.json()["id"]
                ),
            )
        }
        _ => result(request, r#"{"resultType":"complete","content":[]}"#),
    })
    .await
}

#[tokio::test]
async fn a_legacy_client_need_not_know_of_headers() {
    let world = World::new().await;
    let changes = Arc::new(AtomicBool::new(false));
    let upstream = headed_server(changes.clone()).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
    let send = async |arguments| {
        let called = world.far(&gateway, &token, call("echo", arguments));
        called.header("mcp-session-id", opened.header("mcp-session-id")).send().await
    };
    for _ in 0..2 {
        assert_eq!(send(json!({ "region": "Zürich", "n": 7, "other": 1 })).await.status, 200);
    }
    for arrived in upstream.of("tools/call") {
        assert_eq!(arrived.header("mcp-param-region"), "=?base64?WsO8cmljaA==?=");
        assert_eq!(arrived.header("mcp-param-n"), "7");
    }
    assert_eq!(upstream.of("tools/list").len(), 1, "the list is asked for once");

    changes.store(true, Ordering::Relaxed);
    let again = send(json!({ "region": "eu" })).await;
    assert_eq!(again.json()["result"]["content"], json!([]), "{again:?}");
    assert_eq!(upstream.of("tools/list").len(), 2);
    let calls = upstream.of("tools/call");
    assert_eq!(
        (calls.len(), calls[3].header("mcp-param-area")),
        (4, "eu"),
        "what was refused for its headers is mended"
    );
}

#[tokio::test]
async fn gw_09_headers_that_contradict_arguments_stop_here() {
    let world = World::new().await;
    let upstream = headed_server(Arc::default()).await;
    let gateway = upstream.behind(&world);
    let token = world.far_token("ada", "use");
    world.far_modern(&gateway, &token, "tools/list", json!({})).send().await;
    let params = json!({ "name": "echo", "arguments": { "region": "eu", "n": 42 } });
    let send = async |region: &str, n: &str| {
        let sent = world.far_modern(&gateway, &token, "tools/call", params.clone());
        sent.header("mcp-param-region", region).header("mcp-param-n", n).send().await
    };
    for (region, n, code) in [("eu", "42", 0), ("eu", "42.0", 0), ("us", "42", -32020), ("eu", "43", -32020)]
    {
        let answer = send(region, n).await;
        assert_eq!(answer.code(), code, "{region} {n}: {answer:?}");
    }
    let without = world.far_modern(&gateway, &token, "tools/call", params.clone()).send().await;
    assert_eq!((without.status.as_u16(), without.code()), (400, -32020));
    assert_eq!(upstream.of("tools/call").len(), 2);
}
