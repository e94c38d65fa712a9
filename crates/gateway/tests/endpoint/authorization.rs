//! Tokens and scopes: 401 on every method, 403 with all scopes, one policy for list and call.

use oauth::www_authenticate;
use serde_json::json;

use crate::world::{Answer, World, call, resource, rpc};

/// The parameters of the one challenge of an answer.
fn challenge(answer: &Answer, parameter: &str) -> Option<String> {
    let challenges = www_authenticate::parse(answer.header("www-authenticate"));
    assert_eq!(challenges.len(), 1, "{answer:?}");
    assert_eq!(challenges[0].scheme, "bearer");
    challenges[0].parameter(parameter).map(str::to_owned)
}

#[tokio::test]
async fn gw_01_every_method_of_every_path_is_challenged_without_a_valid_token() {
    let world = World::new().await;
    let expired = world.token_with("ada", "read", |claims| claims.exp = claims.iat - 1);
    let other = world.token_with("ada", "read", |claims| claims.aud = resource("/mcp/demo-evil"));
    for (path, metadata) in [
        ("/mcp/demo", "/mcp/demo"),
        ("/mcp/v1", "/mcp/v1"),
        ("/mcp/v1/initialize", "/mcp/v1"),
        ("/mcp/v1/tools/list", "/mcp/v1"),
        ("/mcp/v1/tools/call", "/mcp/v1"),
        ("/api/user/profile", "/mcp/demo"),
        ("/api/data", "/mcp/demo"),
        ("/api/data/1", "/mcp/demo"),
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
            let metadata = format!("http://127.0.0.1:8080/.well-known/oauth-protected-resource{metadata}");
            let missing = world.request(method, path).send().await;
            assert_eq!(missing.status, 401, "{method} {path}");
            assert_eq!(challenge(&missing, "resource_metadata"), Some(metadata.clone()), "{method} {path}");
            assert_eq!(challenge(&missing, "scope").as_deref(), Some("read"), "{method} {path}");
            assert_eq!(challenge(&missing, "error"), None);
            for token in [&expired, &other, "not-a-token"] {
                let invalid = world.request(method, path).bearer(token).send().await;
                assert_eq!(invalid.status, 401, "{method} {path}");
                assert_eq!(challenge(&invalid, "error").as_deref(), Some("invalid_token"), "{method} {path}");
                assert_eq!(challenge(&invalid, "resource_metadata"), Some(metadata.clone()));
                assert!(!invalid.text.contains(token));
            }
        }
    }
}

#[tokio::test]
async fn seed_4_bodies_say_which_kind_of_refusal_it_is() {
    let world = World::new().await;
    let missing = world.request("GET", "/api/data").send().await;
    assert_eq!(missing.json()["error"], "missing_token");
    let invalid = world.request("GET", "/api/data").bearer("x").send().await;
    assert_eq!(invalid.json()["error"], "invalid_token");
    let scope = world.request("GET", "/api/data").bearer(&world.token("ada", "write")).send().await;
    assert_eq!(scope.json()["error"], "insufficient_scope");
}

#[tokio::test]
async fn gw_26_a_call_without_its_scopes_is_challenged_and_does_nothing() {
    let world = World::new().await;
    let reader = world.token("ada", "read");
    let session = world.session(&reader).await;
    for (tool, arguments, needed, granted) in [
        ("create_data", json!({ "name": "x", "value": 1 }), "write", "read"),
        ("update_data", json!({ "item_id": 1, "name": "x", "value": 1 }), "write", "read"),
        ("delete_data", json!({ "item_id": 1 }), "write", "read"),
        ("delete_data", json!({}), "write", "read"),
        ("get_data", json!({}), "read", "write"),
        ("get_user_profile", json!({}), "read", ""),
    ] {
        let token = world.token("ada", granted);
        let session = world.session(&token).await;
        let legacy =
            world.post(&token, call(tool, arguments.clone())).header("mcp-session-id", &session).send().await;
        let params = json!({ "name": tool, "arguments": arguments });
        let modern = world.modern(&token, "tools/call", params.clone()).send().await;
        let bare = world.request("POST", "/mcp/v1/tools/call").bearer(&token).json(params).send().await;
        for answer in [legacy, modern, bare] {
            assert_eq!(answer.status, 403, "{tool}");
            assert_eq!(challenge(&answer, "error").as_deref(), Some("insufficient_scope"));
            assert_eq!(challenge(&answer, "scope").as_deref(), Some(needed), "{tool}");
            assert!(challenge(&answer, "resource_metadata").is_some());
        }
    }
    let items =
        world.post(&reader, call("get_data", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(items.tool()["total"], 3);
    assert_eq!(items.tool()["data"][0], json!({ "id": 1, "name": "Item 1", "value": 100 }));
}

#[tokio::test]
async fn gw_23_list_and_call_agree() {
    let world = World::new().await;
    for granted in ["", "read", "write", "read write"] {
        let token = world.token("ada", granted);
        let session = world.session(&token).await;
        let list =
            world.post(&token, rpc("tools/list", json!({}))).header("mcp-session-id", &session).send().await;
        let tools = list.json()["result"]["tools"].clone();
        let names: Vec<_> =
            tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "oauth_authenticate",
                "get_user_profile",
                "get_data",
                "create_data",
                "update_data",
                "delete_data"
            ],
            "a client cannot step up to a tool that it does not see ({granted})"
        );
        for name in names {
            let answer = world
                .post(&token, call(name, json!({ "x": 1 })))
                .header("mcp-session-id", &session)
                .send()
                .await;
            assert!(answer.status == 200 && answer.code() == 0 || answer.status == 403, "{name}: {answer:?}");
        }
        for unlisted in ["admin", "Get_Data", "get_data ", "demo__get_data", ""] {
            let answer =
                world.post(&token, call(unlisted, json!({}))).header("mcp-session-id", &session).send().await;
            assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602), "{unlisted:?}");
        }
    }
}

#[tokio::test]
async fn a_tool_tells_the_caller_its_own_authorization_and_no_token() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    let answer = world
        .post(&token, call("oauth_authenticate", json!({})))
        .header("mcp-session-id", &session)
        .send()
        .await;
    assert_eq!(
        answer.tool(),
        json!({
            "authenticated": true,
            "issuer": "http://127.0.0.1:8080",
            "subject": "ada",
            "username": "ada by name",
            "client_id": "client_1",
            "scope": "read",
            "expires_in": 600,
        })
    );
    assert!(!answer.text.contains(token.split('.').next_back().unwrap()));
}

#[tokio::test]
async fn users_have_their_own_items() {
    let world = World::new().await;
    let (ada, bob) = (world.token("ada", "read write"), world.token("bob", "read write"));
    let delete = world.request("DELETE", "/api/data/1").bearer(&ada).send().await;
    assert_eq!(delete.status, 200);
    let list = world.request("GET", "/api/data").bearer(&bob).send().await;
    assert_eq!(list.json()["total"], 3);
    let list = world.request("GET", "/api/data").bearer(&ada).send().await;
    assert_eq!(list.json()["total"], 2);
}
