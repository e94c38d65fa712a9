//! Sessions with the demo server.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client::Client;
use crate::world::{World, call, initialize, rpc};

#[tokio::test]
async fn an_old_client_uses_the_demo_server_at_both_of_its_paths() {
    let world = World::new().await;
    let token = world.token("ada", "read write");
    for path in ["/mcp/demo", "/mcp/v1"] {
        let mut client = Client::open(&world, &world.router, path, &token).await;
        assert_eq!(client.headers["content-type"], "text/event-stream");
        assert_eq!(client.headers["cache-control"], "no-store");
        assert_eq!(client.headers["x-accel-buffering"], "no");
        assert!(client.endpoint.starts_with(&format!("{path}/message?sessionId=")), "{}", client.endpoint);
        let listed = client.ask(rpc("tools/list", json!({}))).await;
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 6, "{listed}");
        let answer = client.ask(call("oauth_authenticate", json!({}))).await;
        assert_eq!(answer["id"], 1);
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("\"subject\":\"ada\""));
        let pong = client.ask(json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" })).await;
        assert_eq!(pong, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    }
    let recorded: Vec<_> = world.audit_log.events().into_iter().map(|event| event.tool).collect();
    assert_eq!(recorded, [Some("oauth_authenticate".to_owned()), Some("oauth_authenticate".to_owned())]);
}

#[tokio::test]
async fn every_revision_up_to_2025_11_25_opens_a_session_once() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::connect(&world, "/mcp/demo", &token).await;
        assert_eq!(client.ask(initialize(version)).await["result"]["protocolVersion"], version);
        assert_eq!(client.ask(initialize(version)).await["error"]["code"], -32600);
        assert!(client.ask(rpc("tools/list", json!({}))).await["result"].is_object());
    }
}

#[tokio::test]
async fn a_client_that_was_cut_off_goes_on_with_a_new_stream() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    drop(Client::open(&world, &world.router, "/mcp/demo", &token).await);
    let mut again = Client::connect(&world, "/mcp/demo", &token).await;
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(again.post(told).await.status, 202, "what it says is for nobody");
    let (one, two) =
        (call("get_data", json!({})), json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }));
    let (first, second) = tokio::join!(again.post(one), again.post(two));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
    for _ in 0..2 {
        assert!(again.message().await["result"].is_object());
    }
    assert!(
        again.ask(initialize("2025-06-18")).await["result"].is_object(),
        "its own session takes the place"
    );
    assert_eq!(again.ask(initialize("2025-06-18")).await["error"]["code"], -32600);
}

#[tokio::test]
async fn an_initialize_that_was_refused_can_be_sent_again() {
    let world = World::new().await;
    let mut client = Client::connect(&world, "/mcp/demo", &world.token("ada", "read")).await;
    assert_eq!(client.ask(rpc("initialize", json!({}))).await["error"]["code"], -32602);
    assert!(client.ask(initialize("2024-11-05")).await["result"].is_object());
}

#[tokio::test]
async fn a_modern_request_is_told_that_this_transport_does_not_know_it() {
    let world = World::new().await;
    let mut client = Client::connect(&world, "/mcp/demo", &world.token("ada", "read")).await;
    let answer = client.ask(crate::world::modern_body("server/discover", json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601, "clients fall back to initialize: {answer}");
    assert!(client.ask(initialize("2025-11-25")).await["result"].is_object());
}

#[tokio::test]
async fn the_newer_transport_is_served_at_the_url_of_the_older_one() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let opened =
        world.request("POST", "/mcp/demo/sse").bearer(&token).json(initialize("2025-06-18")).send().await;
    assert_eq!(opened.json()["result"]["protocolVersion"], "2025-06-18");
    let session = opened.header("mcp-session-id").to_owned();
    let listed = world.request("POST", "/mcp/demo/sse").bearer(&token).json(rpc("tools/list", json!({})));
    assert_eq!(listed.header("mcp-session-id", &session).send().await.status, 200);
    let listening = world.request("GET", "/mcp/demo/sse").bearer(&token).header("mcp-session-id", &session);
    assert_eq!(listening.send().await.status, 405, "the demo server has no stream of that transport");
}

#[tokio::test]
async fn gw_18_a_session_is_found_by_its_own_principal_at_its_own_server_alone() {
    let world = World::new().await;
    let ada = world.token("ada", "read");
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &ada).await;
    let bob = world.token("bob", "read");
    let other_client = world.token_with("ada", "read", |claims| {
        claims.client_id = oauth::ClientId::from_unverified("client_2");
    });
    let body = rpc("tools/list", json!({}));
    let send = async |token: &str, url: &str| {
        world.request("POST", url).bearer(token).json(body.clone()).send().await.status.as_u16()
    };
    for token in [&bob, &other_client] {
        assert_eq!(send(token, &client.endpoint).await, 404);
    }
    let at_other_path = client.endpoint.replace("/mcp/demo/", "/mcp/v1/");
    assert_eq!(send(&ada, &at_other_path).await, 404, "another server's sessions are not found");
    let missing = world.request("POST", &client.endpoint).json(body.clone()).send().await;
    assert_eq!(missing.status, 401, "a session id proves nothing");
    let forged = format!("{}A", client.endpoint);
    assert_eq!(send(&ada, &forged).await, 404);
    let twice = format!("{}&sessionId=x", client.endpoint);
    for url in ["/mcp/demo/message", "/mcp/demo/message?sessionid=x", &twice] {
        assert_eq!(send(&ada, url).await, 400, "{url}");
    }
    let (_, id) = client.endpoint.split_once("sessionId=").unwrap();
    assert_eq!(id.len(), 43, "256 bits");
    let answer = client.ask(json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })).await;
    assert_eq!(answer["id"], 7, "nothing of the others is on the stream");

    let endpoint = client.endpoint.clone();
    drop(client);
    assert_eq!(send(&ada, &endpoint).await, 404, "a session ends with its stream");
}

#[tokio::test]
async fn gw_22_every_answer_is_on_the_stream_of_whoever_asked() {
    let world = World::new().await;
    let talk = async |user: usize| {
        let token = world.token(&format!("user{user}"), "read");
        let mut client = Client::open(&world, &world.router, "/mcp/demo", &token).await;
        for id in 0..20 {
            let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "oauth_authenticate" } });
            let answer = client.ask(body).await;
            assert_eq!(answer["id"], id);
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            let told: Value = serde_json::from_str(text).unwrap();
            assert_eq!(told["subject"], format!("user{user}"));
        }
    };
    join_all((0..30).map(talk)).await;
}

#[tokio::test]
async fn gw_23_and_26_the_policy_is_that_of_the_endpoint_beside() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &token).await;
    let refused = client.post(call("delete_data", json!({ "item_id": 1 }))).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"write\""), "{challenge}");
    assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp/demo\""), "{challenge}");
    for unlisted in ["admin", "Get_Data", "", "demo__get_data"] {
        assert_eq!(client.ask(call(unlisted, json!({}))).await["error"]["code"], -32602, "{unlisted:?}");
    }
    let items = client.ask(call("get_data", json!({}))).await;
    assert!(items["result"]["content"][0]["text"].as_str().unwrap().contains("\"total\":3"), "{items}");
    client.token = world.token("ada", "read write");
    let deleted = client.ask(call("delete_data", json!({ "item_id": 1 }))).await;
    assert_eq!(deleted["result"]["isError"], Value::Null, "each message has the scopes of its own token");
}
