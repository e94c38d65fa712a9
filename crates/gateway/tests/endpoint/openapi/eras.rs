//! An API as clients of either era see it, behind the policy.

use audit::Kind;
use gateway::AllowedRequests;
use openapi::{Prompt, Settings};
use serde_json::{Value, json};

use super::recorder::{Api, call, said};
use crate::world::{World, call as legacy_call, initialize, rpc};

fn shop() -> Value {
    json!({
        "/items": { "get": { "operationId": "listItems", "summary": "All items" }, "post": { "operationId": "createItem" } },
        "/items/{id}": { "delete": { "operationId": "delete", "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } } ] } },
    })
}

#[tokio::test]
async fn a_legacy_client_lists_and_calls() {
    let (world, api) = (World::new().await, Api::content().await);
    let gateway = api.behind(&world, &shop());
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let send = |body: Value| {
        world
            .far(&gateway, &token, body)
            .header("mcp-session-id", &session)
            .header("mcp-protocol-version", "2025-11-25")
    };
    let listed = send(rpc("tools/list", json!({}))).send().await;
    let names: Vec<_> = listed.json()["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(names, ["listItems", "createItem", "delete"], "{listed:?}");
    let called = send(legacy_call("delete", json!({ "id": 7 }))).send().await;
    assert_eq!(called.json()["result"]["structuredContent"], json!({ "ok": true }), "{called:?}");
    assert_eq!(api.line(), "DELETE /v1/items/7");
    let wrong = send(legacy_call("delete", json!({ "id": "7" }))).send().await;
    assert!(
        said(&wrong).1 && said(&wrong).0[0].contains("id: the value is not of type \"integer\""),
        "{wrong:?}"
    );
    let unknown = send(legacy_call("other", json!({}))).send().await;
    assert_eq!(unknown.code(), -32602);
}

#[tokio::test]
async fn a_modern_client_is_told_what_there_is() {
    let (world, api) = (World::new().await, Api::content().await);
    let prompt = Prompt {
        name: "tidy".to_owned(),
        description: "Tidies up".to_owned(),
        content: "Delete {{what}}".to_owned(),
        arguments: Vec::new(),
    };
    let settings = Settings { prompts: vec![prompt], ..Settings::default() };
    let document = json!({ "openapi": "3.1.0", "paths": shop() });
    let gateway = world.gateway_by(api.way(&document, settings), AllowedRequests::default());
    let token = world.far_token("ada", "use");
    let ask = async |method: &str, params: Value| {
        world.far_modern(&gateway, &token, method, params).send().await.json()
    };
    let described = ask("server/discover", json!({})).await;
    assert_eq!(described["result"]["capabilities"], json!({ "tools": {}, "prompts": {} }), "{described}");
    let listed = ask("tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"][0]["annotations"]["readOnlyHint"], true, "{listed}");
    assert!(listed["result"]["ttlMs"].is_u64() && listed["result"]["cacheScope"] == "private");
    assert_eq!(ask("tools/list", json!({ "cursor": "9" })).await["error"]["code"], -32602);
    assert_eq!(ask("prompts/list", json!({})).await["result"]["prompts"][0]["name"], "tidy");
    let got = ask("prompts/get", json!({ "name": "tidy", "arguments": { "what": "{{all}}" } })).await;
    assert_eq!(got["result"]["messages"][0]["content"]["text"], "Delete {{all}}", "{got}");
    for params in [
        json!({ "name": "tidy" }),
        json!({ "name": "other" }),
        json!({ "name": "tidy", "arguments": { "what": 1 } }),
    ] {
        assert_eq!(ask("prompts/get", params.clone()).await["error"]["code"], -32602, "{params}");
    }
    assert_eq!(api.received(), Vec::<String>::new(), "nothing of this asks the API");
}

#[tokio::test]
async fn nobody_can_listen_to_an_api() {
    let (world, api) = (World::new().await, Api::content().await);
    let gateway = api.behind(&world, &shop());
    let token = world.far_token("ada", "use");
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    for _ in 0..2 {
        let refused = world.far_modern(&gateway, &token, "subscriptions/listen", wanted.clone()).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (404, -32601), "{refused:?}");
        assert_eq!(refused.json()["id"], 1);
    }
}

#[tokio::test]
async fn many_tools_come_in_pages() {
    let (world, api) = (World::new().await, Api::content().await);
    let paths: serde_json::Map<String, Value> = (0..601)
        .map(|number| (format!("/p{number}"), json!({ "get": { "operationId": format!("op{number}") } })))
        .collect();
    let gateway = api.behind(&world, &Value::Object(paths));
    let token = world.far_token("ada", "use");
    let (mut names, mut cursor) = (Vec::new(), None);
    for _ in 0..10 {
        let params = cursor.as_ref().map_or(json!({}), |cursor: &Value| json!({ "cursor": cursor }));
        let page = world.far_modern(&gateway, &token, "tools/list", params).send().await.json();
        names.extend(
            page["result"]["tools"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tool| tool["name"].as_str().unwrap().to_owned()),
        );
        cursor = page["result"].get("nextCursor").cloned();
        if cursor.is_none() {
            break;
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 601);
}

#[tokio::test]
async fn the_policy_and_the_audit_log_see_every_call() {
    let (world, api) = (World::new().await, Api::content().await);
    let document = json!({ "openapi": "3.1.0", "paths": shop() });
    let gateway = world.gateway_by(api.way(&document, Settings::default()), AllowedRequests::default());
    let token = world.far_token("ada", "read");
    let params = json!({ "name": "listItems", "arguments": {} });
    let refused = world.far_modern(&gateway, &token, "tools/call", params).send().await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(api.received(), Vec::<String>::new());
    call(&world, &gateway, "listItems", json!({})).await;
    let events = world.audit_log.events();
    let tools: Vec<_> =
        events.iter().filter(|event| event.kind == Kind::ToolCall).map(|event| event.tool.clone()).collect();
    assert_eq!(tools, [Some("listItems".to_owned()), Some("listItems".to_owned())]);
}
