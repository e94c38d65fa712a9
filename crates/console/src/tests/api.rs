//! The HTTP API.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::tests::{
    browser::Browser,
    provider::{ACCESS_TOKEN, REFRESH_TOKEN},
    world::{Answer, World},
};

const PATH: &str = "/api/connections";

async fn send(world: &World, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080");
    let request = if token.is_empty() { request } else { request.header(header::AUTHORIZATION, token) };
    let request = request.header(header::CONTENT_TYPE, "application/json");
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body))
}

/// A world in which ada has connected, with the identifier of her connection.
async fn connected() -> (World, String) {
    let world = World::new().await;
    let link = world.link("github").await;
    Browser::of(&world, "ada").await.connect(&link.id, "code-1").await;
    let token = world.token(world.ada.id.as_str(), "connections:read", None);
    let list = read(&send(&world, "GET", PATH, &token, "").await);
    let id = list["connections"][0]["id"].as_str().unwrap().to_owned();
    (world, id)
}

#[tokio::test]
async fn va_19_a_connection_is_shown_without_what_it_holds() {
    let (world, id) = connected().await;
    let token = world.token(world.ada.id.as_str(), "connections:read connections:write", None);
    let one = send(&world, "GET", &format!("{PATH}/{id}"), &token, "").await;
    assert_eq!(one.status, StatusCode::OK);
    assert_eq!(one.header("cache-control"), "no-store");
    let shown = read(&one);
    let names: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "id",
        "provider",
        "title",
        "state",
        "reason",
        "created_at",
        "last_used_at",
        "account",
        "account_name",
        "scope",
        "is_chosen",
    ];
    expected.sort_unstable();
    let mut found = names.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!((&shown["provider"], &shown["state"]), (&json!("github"), &json!("connected")));
    assert_eq!((&shown["account"], &shown["account_name"]), (&json!("1001"), &json!("ada-l")));
    let olga = world.token(world.operator.id.as_str(), "connections:read connections:write", None);
    for (token, path) in [
        (&token, PATH.to_owned()),
        (&token, format!("{PATH}/{id}")),
        (&token, format!("{PATH}/{id}?secret=true&include=credential")),
        (&olga, format!("{PATH}?owner=all")),
    ] {
        let answer = send(&world, "GET", &path, token, "").await;
        assert!(!answer.body.contains(ACCESS_TOKEN) && !answer.body.contains(REFRESH_TOKEN), "{path}");
    }
    for path in ["secret", "credential", "token", "access_token"] {
        let answer = send(&world, "GET", &format!("{PATH}/{id}/{path}"), &token, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn co_06_every_request_needs_a_token_of_its_scope_for_this_resource() {
    let (world, id) = connected().await;
    let ada = world.ada.id.as_str();
    let one = format!("{PATH}/{id}");
    let requests = [
        ("GET", PATH, "connections:read"),
        ("GET", one.as_str(), "connections:read"),
        ("POST", PATH, "connections:read connections:write"),
        ("DELETE", one.as_str(), "connections:read connections:write"),
    ];
    for (method, path, needed) in requests {
        let answer = send(&world, method, path, "", "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("/.well-known/oauth-protected-resource/api/connections"), "{challenge}");
        let elsewhere = world.token(ada, needed, Some("http://127.0.0.1:8080/mcp/demo"));
        let answer = send(&world, method, path, &elsewhere, "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "a token for another resource: {method} {path}");
        let less = if needed.contains("write") { "connections:read" } else { "connections:write" };
        let answer = send(&world, method, path, &world.token(ada, less, None), "{}").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert!(answer.header("www-authenticate").contains("insufficient_scope"));
    }
    let mut browser = Browser::of(&world, "ada").await;
    assert_eq!(browser.get(PATH).await.status, StatusCode::UNAUTHORIZED, "a session is no token");
    for method in ["PUT", "PATCH"] {
        let token = world.token(ada, "connections:read connections:write", None);
        assert_eq!(send(&world, method, &one, &token, "{}").await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn up_14_anothers_connection_is_not_there() {
    let (world, id) = connected().await;
    let bob = world.token(world.bob.id.as_str(), "connections:read connections:write", None);
    assert_eq!(read(&send(&world, "GET", PATH, &bob, "").await), json!({ "connections": [] }));
    let one = format!("{PATH}/{id}");
    for (method, path) in [("GET", one.as_str()), ("DELETE", one.as_str()), ("GET", "/api/connections/x")] {
        let answer = send(&world, method, path, &bob, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(read(&answer)["error"], "not_found");
    }
    for owner in ["all", "user:x", "ALL"] {
        let answer = send(&world, "GET", &format!("{PATH}?owner={owner}"), &bob, "").await;
        let status = if owner == "all" { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, status, "{owner}");
    }
}

#[tokio::test]
async fn operators_see_that_there_are_connections_and_not_what_they_are() {
    let (world, id) = connected().await;
    let olga = world.token(world.operator.id.as_str(), "connections:read", None);
    let answer = send(&world, "GET", &format!("{PATH}?owner=all"), &olga, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let listed = &read(&answer)["connections"][0];
    assert_eq!(listed["id"], id.as_str());
    assert_eq!(listed["owner"], format!("user:{}", world.ada.id));
    for hidden in ["account", "account_name", "scope"] {
        assert!(listed.get(hidden).is_none(), "{listed}");
    }
    let own = read(&send(&world, "GET", PATH, &olga, "").await);
    assert_eq!(own, json!({ "connections": [] }), "an operator's own list is her own");
}

#[tokio::test]
async fn a_program_gets_a_link_and_ends_a_connection() {
    let (world, id) = connected().await;
    let ada = world.token(world.ada.id.as_str(), "connections:read connections:write", None);
    let wanted = r#"{"provider": "github", "scope": "gist"}"#;
    let answer = send(&world, "POST", PATH, &ada, wanted).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let url = read(&answer)["url"].as_str().unwrap().to_owned();
    let mut browser = Browser::of(&world, "ada").await;
    assert!(browser.get(&url).await.body.contains("<code>gist</code>"));
    for (body, error) in [
        ("", "invalid_request"),
        (r#"{"provider": "nobody"}"#, "unknown_provider"),
        (r#"{"provider": "github", "owner": "user:x"}"#, "invalid_request"),
        (r#"{"provider": "github", "secret": "x"}"#, "invalid_request"),
    ] {
        let answer = send(&world, "POST", PATH, &ada, body).await;
        assert_eq!((answer.status, &read(&answer)["error"]), (StatusCode::BAD_REQUEST, &json!(error)));
    }
    let client = world.token("c1", "connections:read connections:write", None);
    let answer = send(&world, "POST", PATH, &client, wanted).await;
    assert_eq!(read(&answer)["error"], "nobody_connects", "a client has nobody who could connect");

    let one = format!("{PATH}/{id}");
    assert_eq!(send(&world, "DELETE", &one, &ada, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&world, "DELETE", &one, &ada, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_resource_has_metadata_of_its_own() {
    let world = World::new().await;
    let answer = send(&world, "GET", "/.well-known/oauth-protected-resource/api/connections", "", "").await;
    let metadata = read(&answer);
    assert_eq!(metadata["resource"], "http://127.0.0.1:8080/api/connections");
    assert_eq!(metadata["scopes_supported"], json!(["connections:read"]));
    let root = send(&world, "GET", "/.well-known/oauth-protected-resource", "", "").await;
    assert_eq!(root.status, StatusCode::NOT_FOUND, "it is not what a host without a path means");
}
