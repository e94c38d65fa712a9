//! Who gets in, and with what.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use super::client::Client;
use crate::world::{World, resource, rpc};

const PATHS: [&str; 4] =
    ["/mcp/demo/sse", "/mcp/demo/message?sessionId=x", "/mcp/v1/sse", "/mcp/v1/message?sessionId=x"];

#[tokio::test]
async fn gw_01_every_method_of_both_urls_is_challenged_without_a_valid_token() {
    let world = World::new().await;
    let expired = world.token_with("ada", "read", |claims| claims.exp = claims.iat - 1);
    let other = world.token_with("ada", "read", |claims| claims.aud = resource("/mcp/far"));
    for path in PATHS {
        let server = if path.starts_with("/mcp/demo") { "/mcp/demo" } else { "/mcp/v1" };
        let metadata = format!(
            "resource_metadata=\"http://127.0.0.1:8080/.well-known/oauth-protected-resource{server}\""
        );
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
            let missing = world.request(method, path).send().await;
            assert_eq!(missing.status, 401, "{method} {path}");
            let challenge = missing.header("www-authenticate");
            assert!(challenge.contains(&metadata), "the parent's: {challenge}");
            assert!(challenge.contains("scope=\"read\""), "{challenge}");
            for token in [&expired, &other, "not-a-token"] {
                let invalid = world.request(method, path).bearer(token).send().await;
                assert_eq!(invalid.status, 401, "{method} {path}");
                assert!(invalid.header("www-authenticate").contains("error=\"invalid_token\""));
            }
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        let in_url = format!("{path}{separator}access_token={}", world.token("ada", "read"));
        assert_eq!(world.request("GET", &in_url).send().await.status, 400, "never in the URL");
    }
}

#[tokio::test]
async fn gw_02_and_03_other_origins_and_hosts_are_refused_before_anything_else() {
    let world = World::new().await;
    for path in PATHS {
        for (name, value) in [("origin", "https://evil.test"), ("origin", "null")] {
            assert_eq!(world.request("GET", path).header(name, value).send().await.status, 403, "{path}");
        }
        let request = http::Request::builder().uri(path).header("host", "evil.test:8080");
        let evil = tower::ServiceExt::oneshot(world.router.clone(), request.body(Body::empty()).unwrap());
        assert_eq!(evil.await.unwrap().status(), 403, "{path}");
    }
    let token = world.token("ada", "read");
    let page = world.request("GET", "/mcp/demo/sse").bearer(&token).header("origin", "https://app.example");
    let response = tower::ServiceExt::oneshot(world.router.clone(), page.build()).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    for (method, path, allowed) in [
        ("GET", "/mcp/demo/message?sessionId=x", "POST"),
        ("DELETE", "/mcp/demo/message?sessionId=x", "POST"),
        ("PUT", "/mcp/demo/sse", "POST, DELETE"),
    ] {
        let answer = world.request(method, path).bearer(&token).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn gw_14_messages_have_limits_and_one_form() {
    let world = World::new().await;
    let token = world.token("ada", "read");
    let mut client = Client::open(&world, &world.router, "/mcp/demo", &token).await;
    let request = |body: Body| world.request("POST", &client.endpoint).bearer(&token).body(body);
    let json = |body: Body| request(body).header("content-type", "application/json");
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"        ")));
    for (request, status) in [
        (json(Body::from(vec![b' '; gateway::Settings::BODY_SIZE + 1])), 413),
        (json(Body::from_stream(endless)), 413),
        (json(Body::from("{}")).header("content-encoding", "gzip"), 415),
        (request(Body::from("{}")), 415),
        (json(Body::from("{")), 400),
        (json(Body::from("[]")), 400),
        (json(Body::from(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))), 400),
        (json(Body::from(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#)), 400),
        (json(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/list"}"#)), 400),
    ] {
        assert_eq!(request.send().await.status, status);
    }
    assert!(client.ask(rpc("tools/list", json!({}))).await["result"].is_object(), "the stream goes on");
}
