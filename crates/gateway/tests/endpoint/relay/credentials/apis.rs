//! APIs that take the credential of whoever calls them.

use axum::Router;
use gateway::AllowedRequests;
use openapi::Settings;
use serde_json::{Value, json};
use vault::Provider;
use vault::provider::Placement;

use super::hub::{Hub, link_in, provider, text, user};
use crate::openapi::recorder::{Api, answer, json_answer};

fn document() -> Value {
    json!({ "openapi": "3.1.0",
        "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "query", "name": "api_key" } } },
        "paths": { "/thing": { "get": { "operationId": "getThing", "security": [{ "key": [] }], "parameters": [
            { "name": "q", "in": "query", "schema": { "type": "string" } },
            { "name": "api_key", "in": "query", "schema": { "type": "string" } } ] } } } })
}

fn behind(hub: &Hub, api: &Api) -> Router {
    hub.world.gateway_by(api.way(&document(), Settings::default()), AllowedRequests::default())
}

async fn called(hub: &Hub, gateway: &Router, arguments: Value) -> crate::world::Answer {
    let token = hub.world.far_token("ada", "use");
    let params = json!({ "name": "getThing", "arguments": arguments });
    hub.modern_with(gateway, &token, false, ("tools/call", params)).send().await
}

#[tokio::test]
async fn oa_13_a_key_in_the_query_goes_to_the_api_and_nowhere_else() {
    const KEY: &str = "s3cretkeyofada";
    let hub = Hub::new().await;
    let placement = Placement::Query { name: "api_key".to_owned() };
    hub.vault.reload(&[Provider { placement, ..provider() }], &[]);
    hub.connect(user("ada"), "ada", KEY).await;
    // An API that tells everybody how it was asked.
    let api = Api::start(|request| {
        json_answer(
            200,
            &json!({ "asked": request, "spelled": 1 }).to_string().replace("s3cret", "\\u00733cret"),
        )
    })
    .await;
    let gateway = behind(&hub, &api);
    let told = called(&hub, &gateway, json!({ "q": "x&api_key=evil" })).await;
    assert_eq!(api.line(), format!("GET /v1/thing?q=x%26api_key%3Devil&api%5Fkey={KEY}"));
    assert!(!told.text.contains(KEY) && told.text.contains("[redacted]"), "{told:?}");
    let refused = called(&hub, &gateway, json!({ "api_key": "evil" })).await;
    assert!(text(&refused).1, "{refused:?}");
    for reply in [
        answer(302, &format!("location: /v1/thing/?api_key={KEY}\r\n"), b""),
        answer(500, "content-type: text/plain\r\n", format!("no access with {KEY}").as_bytes()),
        answer(200, &format!("content-type: text/html\r\nlink: </v1/thing?q={KEY}>; rel=next\r\n"), b"x"),
        b"garbage".to_vec(),
    ] {
        let api = Api::start(move |_| reply.clone()).await;
        let told = called(&hub, &behind(&hub, &api), json!({})).await;
        assert!(!told.text.contains(KEY) && api.only().contains(KEY), "{told:?}");
    }
    let recorded = format!("{:?}", hub.world.audit_log.events());
    assert!(!recorded.contains(KEY), "{recorded}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_refreshed_once() {
    let hub = Hub::new().await;
    hub.connect(user("ada"), "ada", "stale").await;
    hub.renewals.answer(Ok("fresh-token"));
    let api = Api::start(|request| {
        if request.contains("Bearer fresh-token") { json_answer(200, "{}") } else { json_answer(401, "{}") }
    })
    .await;
    let gateway = behind(&hub, &api);
    assert!(!text(&called(&hub, &gateway, json!({})).await).1);
    assert_eq!((api.received().len(), hub.renewals.count()), (2, 1));
    assert!(api.received()[0].contains("authorization: Bearer stale\r\n"));
}

#[tokio::test]
async fn an_api_that_takes_no_token_leads_to_the_link() {
    let hub = Hub::new().await;
    hub.connect(user("ada"), "ada", "token-of-ada").await;
    hub.renewals.answer(Ok("another-token"));
    let api = Api::start(|_| json_answer(401, "{}")).await;
    let (told, is_error) = text(&called(&hub, &behind(&hub, &api), json!({})).await);
    assert!(is_error, "{told}");
    link_in(&told);
    assert_eq!(api.received().len(), 2, "twice is enough");
}

#[tokio::test]
async fn an_api_that_wants_more_scopes_leads_to_the_link() {
    for headers in [
        "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"admin\"\r\n",
        "x-accepted-oauth-scopes: admin, root\r\nx-oauth-scopes: repo\r\n",
    ] {
        let hub = Hub::new().await;
        hub.connect(user("ada"), "ada", "token-of-ada").await;
        let api = Api::start(move |_| answer(403, headers, b"{}")).await;
        let (told, is_error) = text(&called(&hub, &behind(&hub, &api), json!({})).await);
        assert!(is_error, "{told}");
        link_in(&told);
        assert_eq!((api.received().len(), hub.renewals.count()), (1, 0));
    }
    let hub = Hub::new().await;
    hub.connect(user("ada"), "ada", "token-of-ada").await;
    let api = Api::start(|_| json_answer(403, r#"{"message":"not yours"}"#)).await;
    let (told, is_error) = text(&called(&hub, &behind(&hub, &api), json!({})).await);
    assert!(is_error && told.contains("not yours") && !told.contains("/connect?e="), "{told}");
}

#[tokio::test]
async fn what_an_api_offers_needs_no_connection() {
    let hub = Hub::new().await;
    let api = Api::content().await;
    let gateway = behind(&hub, &api);
    let token = hub.world.far_token("ada", "use");
    let listed = hub.modern_with(&gateway, &token, false, ("tools/list", json!({}))).send().await;
    assert_eq!(listed.json()["result"]["tools"][0]["name"], "getThing", "{listed:?}");
    let (told, is_error) = text(&called(&hub, &gateway, json!({})).await);
    assert!(is_error, "{told}");
    link_in(&told);
    let settings = Settings { mode: openapi::Mode::Search, ..Settings::default() };
    let searching = hub.world.gateway_by(api.way(&document(), settings), AllowedRequests::default());
    let params = json!({ "name": "search", "arguments": { "query": "thing" } });
    let found = hub.modern_with(&searching, &token, false, ("tools/call", params)).send().await;
    assert!(!text(&found).1 && found.text.contains("getThing"), "{found:?}");
    let params = json!({ "name": "call", "arguments": { "name": "getThing" } });
    link_in(&text(&hub.modern_with(&searching, &token, false, ("tools/call", params)).send().await).0);
    assert_eq!(api.received(), Vec::<String>::new());
}
