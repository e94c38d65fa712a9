//! What arrives at the API for what was given as arguments.

use serde_json::{Value, json};

use super::recorder::{Api, call, said};
use crate::world::World;

fn get_item() -> Value {
    json!({ "/items/{id}/end": { "get": { "operationId": "getItem", "parameters": [
        { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
        { "name": "q", "in": "query", "schema": { "type": "string" } },
        { "name": "X-Trace", "in": "header", "schema": { "type": "string" } },
        { "name": "Authorization", "in": "header", "schema": { "type": "string" } } ] } } })
}

#[tokio::test]
async fn oa_01_the_intended_path_arrives() {
    let world = World::new().await;
    for (id, segment) in [
        ("a/b", "a%2Fb"),
        ("a?x=1", "a%3Fx%3D1"),
        ("a#f", "a%23f"),
        ("a;x", "a%3Bx"),
        ("\u{ff0f}", "%EF%BC%8F"),
    ] {
        let api = Api::content().await;
        let gateway = api.behind(&world, &get_item());
        let answer = call(&world, &gateway, "getItem", json!({ "id": id })).await;
        assert_eq!(answer.json()["result"]["structuredContent"], json!({ "ok": true }), "{answer:?}");
        assert_eq!(api.line(), format!("GET /v1/items/{segment}/end"));
    }
}

#[tokio::test]
async fn oa_01_nothing_arrives_for_a_path_that_leads_elsewhere() {
    let world = World::new().await;
    let api = Api::content().await;
    let gateway = api.behind(&world, &get_item());
    for id in ["../../admin", "..%2f..", "%2e%2e/", "\\..\\", "", ".", "..", "a\0b", "%252e%252e", "..;a"] {
        let answer = call(&world, &gateway, "getItem", json!({ "id": id })).await;
        let (texts, is_error) = said(&answer);
        assert!(is_error && texts[0].contains("not made") && texts[0].contains("id: "), "{id}: {texts:?}");
    }
    assert_eq!(api.received(), Vec::<String>::new());
}

#[tokio::test]
async fn oa_02_oa_03_queries_and_headers_arrive_as_one_value() {
    let world = World::new().await;
    let api = Api::content().await;
    let gateway = api.behind(&world, &get_item());
    call(&world, &gateway, "getItem", json!({ "id": "1", "q": "x&admin=true#+%", "X-Trace": "t 1" })).await;
    assert_eq!(api.line(), "GET /v1/items/1/end?q=x%26admin%3Dtrue%23%2B%25");
    assert!(api.only().contains("\r\nx-trace: t 1\r\n"), "{}", api.only());
    for arguments in [
        json!({ "id": "1", "X-Trace": "x\r\nX-Admin: 1" }),
        json!({ "id": "1", "X-Trace": "x\nX-Admin: 1" }),
        json!({ "id": "1", "X-Trace": "x\0" }),
        json!({ "id": "1", "X-Trace": "é" }),
        json!({ "id": "1", "Authorization": "Bearer evil" }),
        json!({ "id": "1", "Host": "evil.test" }),
        json!({ "id": "1", "__proto__": {} }),
    ] {
        assert!(said(&call(&world, &gateway, "getItem", arguments.clone()).await).1, "{arguments}");
    }
    assert_eq!(api.received().len(), 1);
}

#[tokio::test]
async fn nothing_of_the_client_goes_along() {
    let world = World::new().await;
    let api = Api::content().await;
    let gateway = api.behind(&world, &get_item());
    let token = world.far_token("ada", "use");
    let params = json!({ "name": "getItem", "arguments": { "id": "1" } });
    let sent = world.far_modern(&gateway, &token, "tools/call", params);
    sent.header("cookie", "a=b").header("x-forwarded-for", "1.2.3.4").header("x-trace", "mine").send().await;
    let head = api.only().to_ascii_lowercase();
    let names: Vec<_> = head.lines().skip(1).filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    assert!(!api.only().contains(&token));
    for name in &names {
        assert!(["accept", "user-agent", "host"].contains(name), "{names:?}");
    }
}

#[tokio::test]
async fn oa_05_bodies_arrive_exactly() {
    let world = World::new().await;
    let api = Api::content().await;
    let paths = json!({ "/items": { "post": { "operationId": "create", "requestBody": { "required": true, "content": { "application/json": {
        "schema": { "type": "object", "properties": { "n": { "type": "number" } } } } } } } } });
    let gateway = api.behind(&world, &paths);
    let token = world.far_token("ada", "use");
    // Written by hand: a value would round the number.
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create","arguments":{"body":{"n":123456789012345678901234567890.10}},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let send = |body: String| {
        world
            .far(&gateway, &token, body)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "create")
    };
    let answer = send(body.to_owned()).send().await;
    assert!(!said(&answer).1, "{answer:?}");
    let request = api.only();
    assert!(
        request.starts_with("POST /v1/items HTTP/1.1\r\n")
            && request.contains("content-type: application/json\r\n")
    );
    assert!(request.ends_with("\r\n\r\n{\"n\":123456789012345678901234567890.10}"), "{request}");
    let huge = send(body.replace("123456789012345678901234567890.10", "1e400")).send().await;
    assert_eq!(huge.code(), -32700, "no reader of 64 bits could check it: {huge:?}");
    for wrong in [r#"{"n":"1"}"#, r#"{"n":1,"admin":true}"#, r#"{"n":1,"__proto__":{"admin":true}}"#] {
        let answer = send(body.replace(r#"{"n":123456789012345678901234567890.10}"#, wrong)).send().await;
        assert!(said(&answer).1, "{answer:?}");
    }
    let twice = send(body.replace(r#"{"n":1"#, r#"{"n":1,"n":1"#)).send().await;
    assert_eq!(twice.code(), -32600, "{twice:?}");
    assert_eq!(api.received().len(), 1);
}
