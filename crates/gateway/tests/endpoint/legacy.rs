//! The legacy era, end to end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, call, initialize, rpc};

#[tokio::test]
async fn every_legacy_revision_goes_all_the_way() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let opened = world.post(&token, initialize(version)).send().await;
        assert_eq!(opened.json()["result"]["protocolVersion"], version);
        assert_eq!(opened.json()["result"]["capabilities"], json!({ "tools": { "listChanged": false } }));
        let session = opened.header("mcp-session-id").to_owned();
        let send = async |body: Value| {
            let request = world.post(&token, body).header("mcp-session-id", &session);
            let request = if version >= "2025-06-18" {
                request.header("mcp-protocol-version", version)
            } else {
                request
            };
            request.send().await
        };
        let initialized = send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!((initialized.status.as_u16(), &*initialized.text), (202, ""));
        assert_eq!(
            send(rpc("ping", json!({}))).await.json(),
            json!({ "jsonrpc": "2.0", "id": 1, "result": {} })
        );

        let list = send(rpc("tools/list", json!({}))).await.json();
        assert_eq!(list["result"]["tools"].as_array().map(Vec::len), Some(6));
        assert!(list["result"].get("resultType").is_none() && list["result"].get("ttlMs").is_none());

        let created = send(call("create_data", json!({ "name": "new", "value": 1.50 }))).await;
        let id = created.tool()["id"].clone();
        assert_eq!(created.tool(), json!({ "id": id, "name": "new", "value": 1.5, "created": true }));
        let structured = created.json()["result"].get("structuredContent").cloned();
        assert_eq!(structured, (version >= "2025-06-18").then(|| created.tool()), "{version}");

        let updated = send(call("update_data", json!({ "item_id": id, "name": "newer", "value": 2 }))).await;
        assert_eq!(updated.tool(), json!({ "id": id, "name": "newer", "value": 2, "updated": true }));
        let deleted = send(call("delete_data", json!({ "item_id": id.to_string() }))).await;
        assert_eq!(deleted.tool(), json!({ "id": id, "deleted": true }));
        let gone = send(call("delete_data", json!({ "item_id": id }))).await;
        assert_eq!(gone.tool(), json!({ "error": "Item not found" }));
        assert_eq!(gone.json()["result"]["isError"], true);

        let ended = world
            .request("DELETE", "/mcp/demo")
            .bearer(&token)
            .header("mcp-session-id", &session)
            .send()
            .await;
        assert_eq!(ended.status, 204);
        assert_eq!(send(rpc("tools/list", json!({}))).await.status, 404, "an ended session is not found");
    }
}

#[tokio::test]
async fn an_unknown_version_is_negotiated_down_to_the_latest_legacy_one() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    for version in ["2026-07-28", "2099-01-01", "1.0"] {
        let opened = world.post(&token, initialize(version)).send().await;
        assert_eq!(opened.json()["result"]["protocolVersion"], "2025-11-25", "{version}");
    }
    let malformed = world.post(&token, rpc("initialize", json!({ "protocolVersion": 7 }))).send().await;
    assert_eq!((malformed.status.as_u16(), malformed.code()), (200, -32602));
}

#[tokio::test]
async fn gw_18_a_session_belongs_to_its_principal() {
    let world = World::new().await;
    let ada = world.token("ada", "read");
    let session = world.session(&ada).await;
    let other_client = world
        .token_with("ada", "read", |claims| claims.client_id = oauth::ClientId::from_unverified("client_2"));
    for token in [world.token("bob", "read"), other_client] {
        for method in ["POST", "DELETE"] {
            let request =
                world.request(method, "/mcp/demo").bearer(&token).header("mcp-session-id", &session);
            let answer = request.json(rpc("tools/list", json!({}))).send().await;
            assert_eq!(answer.status, 404, "{method}");
        }
    }
    let without = world.request("POST", "/mcp/demo").header("mcp-session-id", &session);
    assert_eq!(without.json(rpc("tools/list", json!({}))).send().await.status, 401);

    let grant = oauth::GrantId::from_unverified("grant-ada");
    let until = oauth::Clock::now(&*world.clock) + Duration::from_mins(10);
    world.revoked.revoke_grant(grant, until);
    let after_logout =
        world.post(&ada, rpc("tools/list", json!({}))).header("mcp-session-id", &session).send().await;
    assert_eq!(after_logout.status, 401);
}

#[tokio::test]
async fn a_session_is_required_once_and_must_be_known() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    let list = rpc("tools/list", json!({}));
    assert_eq!(world.post(&token, &list).send().await.status, 400);
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(world.post(&token, &notification).send().await.status, 400);
    assert_eq!(world.request("DELETE", "/mcp/demo").bearer(&token).send().await.status, 400);
    let forged = format!("A{}", &session[1..]);
    assert_ne!(forged, session);
    assert_eq!(world.post(&token, &list).header("mcp-session-id", &forged).send().await.status, 404);
    let twice =
        world.post(&token, &list).header("mcp-session-id", &session).header("mcp-session-id", &session);
    assert_eq!(twice.send().await.status, 404);
    let response = json!({ "jsonrpc": "2.0", "id": 9, "result": {} });
    assert_eq!(world.post(&token, response).header("mcp-session-id", &session).send().await.status, 202);
}

#[tokio::test]
async fn a_session_is_good_on_any_node_and_for_a_week() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    let list = rpc("tools/list", json!({}));
    let node = world.another_node();
    let answer = world.post(&token, &list).header("mcp-session-id", &session).to(&node).send().await;
    assert_eq!(answer.status, 200);
    world.clock.advance(Duration::from_hours(7 * 24));
    let token = world.token("ada", "read");
    assert_eq!(world.post(&token, &list).header("mcp-session-id", &session).send().await.status, 404);
}

#[tokio::test]
async fn gw_10_an_unsupported_version_header_is_refused() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    for version in ["invalid-protocol-version", "2000-01-01", "2099-01-01", ""] {
        let request =
            || world.post(&token, rpc("tools/list", json!({}))).header("mcp-protocol-version", version);
        assert_eq!(request().send().await.status, 400, "{version}");
        assert_eq!(request().header("mcp-session-id", &session).send().await.status, 400, "{version}");
    }
    let other = world.post(&token, rpc("tools/list", json!({}))).header("mcp-protocol-version", "2025-03-26");
    assert_eq!(other.header("mcp-session-id", &session).send().await.status, 200);
}

#[tokio::test]
async fn what_the_server_does_not_offer_is_said_so() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let session = world.session(&token).await;
    for method in
        ["logging/setLevel", "resources/list", "prompts/list", "server/discover", "Tools/List", "tools/list "]
    {
        let answer =
            world.post(&token, rpc(method, json!({}))).header("mcp-session-id", &session).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, -32601), "{method}");
        assert_eq!(answer.json()["id"], 1);
    }
    let cursor = world.post(&token, rpc("tools/list", json!({ "cursor": "x" })));
    assert_eq!(cursor.header("mcp-session-id", &session).send().await.code(), -32602);
    let arguments = world.post(&token, rpc("tools/call", json!({ "name": "get_data", "arguments": [] })));
    assert_eq!(arguments.header("mcp-session-id", &session).send().await.code(), -32602);
}
