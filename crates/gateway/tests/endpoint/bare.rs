//! `/mcp/v1`: the same server for older clients, with and without JSON-RPC (seed 4, S4.9).

use serde_json::json;

use crate::world::{World, call, initialize, resource, rpc};

#[tokio::test]
async fn bare_bodies_get_bare_results() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    let params = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1.0" },
    });
    let opened = world.request("POST", "/mcp/v1/initialize").bearer(&token).json(params).send().await;
    assert_eq!(opened.json()["protocolVersion"], "2024-11-05");
    assert!(opened.json().get("jsonrpc").is_none());

    let listed = world.request("POST", "/mcp/v1/tools/list").bearer(&token).send().await;
    assert_eq!(listed.json()["tools"].as_array().map(Vec::len), Some(6), "without body or media type");

    let params = json!({ "name": "get_data", "arguments": {} });
    let called = world.request("POST", "/mcp/v1/tools/call").bearer(&token).json(params).send().await;
    let text = called.json()["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Item 1"), "{text}");

    for (path, params, status) in [
        ("/mcp/v1/tools/call", r#"{"name":"drop"}"#, 404),
        ("/mcp/v1/tools/call", "{}", 400),
        ("/mcp/v1/tools/call", r#"{"name":"get_data","Name":"delete_data"}"#, 400),
        ("/mcp/v1/initialize", "{}", 400),
        ("/mcp/v1/tools/list", "[]", 400),
        ("/mcp/v1/tools/list", "{", 400),
    ] {
        let answer = world.request("POST", path).bearer(&token).json(params).send().await;
        assert_eq!(answer.status, status, "{path} {params}");
    }
    assert_eq!(world.request("GET", "/mcp/v1/tools/list").bearer(&token).send().await.status, 405);
}

#[tokio::test]
async fn a_jsonrpc_member_means_json_rpc() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for path in ["/mcp/v1", "/mcp/v1/tools/call"] {
        let answer =
            world.request("POST", path).bearer(&token).json(call("get_data", json!({}))).send().await;
        assert_eq!(answer.json()["jsonrpc"], "2.0", "{path}");
        assert_eq!(answer.tool()["total"], 3, "{path}: no session is asked for");
    }
    let opened = world.request("POST", "/mcp/v1").bearer(&token).json(initialize("2024-11-05")).send().await;
    assert!(!opened.header("mcp-session-id").is_empty());
    let unknown = world.request("POST", "/mcp/v1").bearer(&token).header("mcp-session-id", "x");
    assert_eq!(
        unknown.json(rpc("ping", json!({}))).send().await.status,
        404,
        "a session that is sent must be known"
    );
}

#[tokio::test]
async fn tokens_of_either_name_are_good_for_both() {
    let world = World::new().await;
    let token = world.token_with("ada", "read", |claims| claims.aud = resource("/mcp/v1"));
    for path in ["/mcp/v1", "/mcp/demo"] {
        let answer = world.request("POST", path).bearer(&token).json(initialize("2025-11-25")).send().await;
        assert_eq!(answer.status, 200, "{path}");
    }
}
