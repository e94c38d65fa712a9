//! Search mode: what is called is what policy and audit log see.

use audit::Kind;
use gateway::AllowedRequests;
use gateway::policy::{Effect, Policy, PolicySettings, RuleSettings};
use openapi::{Mode, Settings};
use serde_json::{Value, json};

use super::recorder::{Api, call, said};
use crate::world::{World, call as legacy_call, initialize};

fn document() -> Value {
    json!({ "openapi": "3.1.0", "paths": {
        "/orders": { "get": { "operationId": "listOrders", "summary": "List orders" } },
        "/orders/{id}": { "delete": { "operationId": "deleteOrder", "summary": "Delete an order", "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } } ] } } } })
}

fn gateway(world: &World, api: &Api) -> axum::Router {
    let settings = Settings { mode: Mode::Search, ..Settings::default() };
    world.gateway_by(api.way(&document(), settings), AllowedRequests::default())
}

fn without_deleting() -> Policy {
    let rule = RuleSettings {
        name: "no deleting".to_owned(),
        effect: Effect::Deny,
        tools: Some(vec!["delete*".to_owned()]),
        ..RuleSettings::default()
    };
    Policy::new(&PolicySettings { rules: vec![rule], ..PolicySettings::default() }).unwrap()
}

#[tokio::test]
async fn two_tools_stand_for_all() {
    let (world, api) = (World::new().await, Api::content().await);
    let gateway = gateway(&world, &api);
    let token = world.far_token("ada", "use");
    let listed = world.far_modern(&gateway, &token, "tools/list", json!({})).send().await.json();
    let names: Vec<_> =
        listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["search", "call"], "{listed}");
    let found = call(&world, &gateway, "search", json!({ "query": "delete order" })).await.json();
    assert_eq!(found["result"]["structuredContent"]["tools"][0]["name"], "deleteOrder", "{found}");
    let called =
        call(&world, &gateway, "call", json!({ "name": "deleteOrder", "arguments": { "id": "a/b" } })).await;
    assert_eq!(called.json()["result"]["structuredContent"], json!({ "ok": true }), "{called:?}");
    assert_eq!(api.line(), "DELETE /v1/orders/a%2Fb");
    let events = world.audit_log.events();
    let tools: Vec<_> = events
        .iter()
        .filter(|event| event.kind == Kind::ToolCall)
        .filter_map(|event| event.tool.clone())
        .collect();
    assert_eq!(tools, ["search", "deleteOrder"]);
    for arguments in [
        json!({ "name": "other", "arguments": {} }),
        json!({ "name": "call", "arguments": { "name": "deleteOrder" } }),
        json!({ "name": "search", "arguments": { "query": "x" } }),
        json!({ "arguments": {} }),
        json!({ "name": "deleteOrder", "arguments": { "id": ".." } }),
        json!({ "name": "deleteOrder", "Name": "listOrders", "arguments": { "id": "1" } }),
    ] {
        assert!(said(&call(&world, &gateway, "call", arguments.clone()).await).1, "{arguments}");
    }
    assert_eq!(api.received().len(), 1);
}

#[tokio::test]
async fn what_may_not_be_called_is_neither_found_nor_called() {
    let (mut world, api) = (World::new().await, Api::content().await);
    world.policy = without_deleting();
    let gateway = gateway(&world, &api);
    let found = call(&world, &gateway, "search", json!({ "query": "delete order", "limit": 20 })).await;
    assert!(found.text.contains("listOrders") && !found.text.contains("deleteOrder"), "{found:?}");
    let refused =
        call(&world, &gateway, "call", json!({ "name": "deleteOrder", "arguments": { "id": "1" } })).await;
    assert!(refused.json().get("error").is_some() || refused.status == 403, "{refused:?}");
    assert_eq!(api.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_legacy_client_calls_what_it_found() {
    let (world, api) = (World::new().await, Api::content().await);
    let gateway = gateway(&world, &api);
    let token = world.far_token("ada", "use");
    let opened = world.far(&gateway, &token, initialize("2025-06-18")).send().await;
    let session = opened.header("mcp-session-id").to_owned();
    let body = legacy_call("call", json!({ "name": "deleteOrder", "arguments": { "id": "7" } }));
    let sent = world.far(&gateway, &token, body).header("mcp-session-id", &session);
    let called = sent.header("mcp-protocol-version", "2025-06-18").send().await;
    assert!(!said(&called).1, "{called:?}");
    assert_eq!(api.line(), "DELETE /v1/orders/7");
}
