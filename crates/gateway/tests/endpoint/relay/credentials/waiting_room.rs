//! What a user meets in the place of an MCP server before the account is connected.

use futures_util::StreamExt as _;
use gateway::policy::{Effect, Policy, PolicySettings, RuleSettings};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::hub::{Hub, legacy_server, link_in, modern_server, text, user};
use crate::world::{Answer, call, initialize, rpc};

fn names(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].clone();
    let tools = tools.as_array().unwrap_or_else(|| panic!("{answer:?}")).clone();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_modern_client_finds_one_tool_and_then_those_of_the_server() {
    for upstream in [modern_server().await, legacy_server().await] {
        let hub = Hub::new().await;
        let gateway = hub.behind(&upstream);
        let send = async |method: &'static str, params: Value| {
            hub.modern(&gateway, "ada", true, (method, params)).send().await
        };
        let described = send("server/discover", json!({})).await.json()["result"].clone();
        assert_eq!(described["capabilities"], json!({ "tools": { "listChanged": true } }));
        assert!(described["instructions"].as_str().unwrap().contains("connect"), "{described}");
        assert_eq!((&described["ttlMs"], &described["cacheScope"]), (&json!(0), &json!("private")));
        let listed = send("tools/list", json!({})).await;
        assert_eq!(names(&listed), ["connect"]);
        assert_eq!(listed.json()["result"]["ttlMs"], 0);
        let asked = send("tools/call", json!({ "name": "connect", "arguments": {} })).await;
        assert_eq!(asked.json()["result"]["resultType"], "input_required", "{asked:?}");
        assert_eq!(upstream.all().len(), 0, "the server hears of nobody");

        hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
        let accepted =
            json!({ "name": "connect", "inputResponses": { "connect-hub": { "action": "accept" } } });
        let (told, is_error) = text(&send("tools/call", accepted).await);
        assert!(!is_error && told.contains("connected"), "{told}");
        assert_eq!(names(&send("tools/list", json!({})).await), ["whoami"]);
        let unconnected = hub.modern(&gateway, "bob", true, ("tools/list", json!({}))).send().await;
        assert_eq!(names(&unconnected), ["connect"], "and others still find the one");
    }
}

#[tokio::test]
async fn who_listens_hears_that_the_list_has_changed() {
    let hub = Hub::new().await;
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let wanted = json!({ "notifications": { "toolsListChanged": true, "promptsListChanged": true } });
    let listening = hub.modern(&gateway, "ada", true, ("subscriptions/listen", wanted)).build();
    let response = gateway.clone().oneshot(listening).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let first = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains(r#""notifications":{"toolsListChanged":true}"#), "{first}");
    hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
    let mut heard = String::new();
    while let Some(Ok(piece)) = stream.next().await {
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(heard.contains("notifications/tools/list_changed"), "{heard}");
    assert!(heard.contains(r#""resultType":"complete""#), "{heard}");
}

#[tokio::test]
async fn a_legacy_session_of_the_room_ends_when_the_server_is_there() {
    for upstream in [modern_server().await, legacy_server().await] {
        let hub = Hub::new().await;
        let gateway = hub.behind(&upstream);
        let token = hub.token("ada");
        let opened = hub.world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        assert_eq!(opened.json()["result"]["protocolVersion"], "2025-06-18", "{opened:?}");
        let session = opened.header("mcp-session-id").to_owned();
        let send = async |body: Value| {
            hub.world.far(&gateway, &token, body).header("mcp-session-id", &session).send().await
        };
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(send(initialized).await.status, 202);
        assert_eq!(send(rpc("ping", json!({}))).await.json()["result"], json!({}));
        assert_eq!(names(&send(rpc("tools/list", json!({}))).await), ["connect"]);
        link_in(&text(&send(call("connect", json!({}))).await).0);
        assert_eq!(upstream.all().len(), 0);

        hub.connect(user("ada"), "octo-ada", "token-of-ada").await;
        let (told, is_error) = text(&send(call("connect", json!({}))).await);
        assert!(!is_error && told.contains("connected"), "{told}");
        assert_eq!(
            send(rpc("tools/list", json!({}))).await.status,
            404,
            "so that the client opens another one"
        );
        let opened = hub.world.far(&gateway, &token, initialize("2025-06-18")).send().await;
        let session = opened.header("mcp-session-id").to_owned();
        let listed = hub.world.far(&gateway, &token, rpc("tools/list", json!({})));
        assert_eq!(names(&listed.header("mcp-session-id", &session).send().await), ["whoami"]);
    }
}

#[tokio::test]
async fn gw_18_a_session_of_the_room_is_its_owners_alone() {
    let hub = Hub::new().await;
    let upstream = legacy_server().await;
    let gateway = hub.behind(&upstream);
    let opened = hub.world.far(&gateway, &hub.token("ada"), initialize("2025-11-25")).send().await;
    let session = opened.header("mcp-session-id");
    let stolen = hub.world.far(&gateway, &hub.token("bob"), rpc("tools/list", json!({})));
    assert_eq!(stolen.header("mcp-session-id", session).send().await.status, 404);
    let ended = hub.world.request("DELETE", "/mcp/far").to(&gateway).bearer(&hub.token("ada"));
    assert_eq!(ended.header("mcp-session-id", session).send().await.status, 204);
    let after = hub.world.far(&gateway, &hub.token("ada"), rpc("tools/list", json!({})));
    assert_eq!(after.header("mcp-session-id", session).send().await.status, 404);
    let without = hub.world.far(&gateway, &hub.token("ada"), call("whoami", json!({}))).send().await;
    assert_eq!(without.status, 400, "nobody is asked anything without a session: {without:?}");
}

#[tokio::test]
async fn rules_of_the_operator_hold_for_its_tool() {
    let mut hub = Hub::new().await;
    let rule = RuleSettings {
        name: "alone".to_owned(),
        tools: Some(vec!["connect".to_owned()]),
        ..RuleSettings::default()
    };
    let rule = RuleSettings { effect: Effect::Deny, ..rule };
    let rules = PolicySettings { default: Effect::Allow, rules: vec![rule], ..PolicySettings::default() };
    hub.world.policy = Policy::new(&rules).unwrap();
    let upstream = modern_server().await;
    let gateway = hub.behind(&upstream);
    let listed = hub.modern(&gateway, "ada", true, ("tools/list", json!({}))).send().await;
    assert_eq!(names(&listed), [] as [String; 0]);
    let called = ("tools/call", json!({ "name": "connect", "arguments": {} }));
    let called = hub.modern(&gateway, "ada", true, called).send().await;
    assert!(called.code() != 0 && !called.text.contains("/connect?e="), "{called:?}");
}
