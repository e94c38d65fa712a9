//! MD: metadata and discovery, as this server publishes them.

use std::collections::BTreeSet;

use http::{HeaderValue, Request};
use hyper::body::Bytes;

use super::world::{World, get};
use crate::{
    http_client::Answer,
    server::{Server, Settings},
};

const DOCUMENTS: [&str; 8] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp/demo",
    "/.well-known/oauth-protected-resource/mcp/v1",
    "/.well-known/oauth-protected-resource/api",
    "/.well-known/jwks.json",
    "/health",
];

const POISON: [(&str, &str); 8] = [
    ("host", "evil.test"),
    ("x-forwarded-host", "evil.test"),
    ("forwarded", "host=evil.test;proto=https"),
    ("x-forwarded-proto", "https"),
    ("x-original-url", "/evil.test"),
    ("x-rewrite-url", "/evil.test"),
    ("x-http-method-override", "DELETE"),
    ("accept-language", "evil.test"),
];

async fn poisoned(world: &World, path: &str) -> Answer {
    let mut request = get(path);
    for (name, value) in POISON {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    world.send(request).await
}

#[tokio::test]
async fn md_01_and_02_no_header_gets_into_a_document() {
    let world = World::shared();
    for path in DOCUMENTS {
        let (clean, poisoned) = (world.get(path).await, poisoned(&world, path).await);
        assert_eq!((clean.status.as_u16(), poisoned.status.as_u16()), (200, 200), "{path}");
        assert_eq!(clean.body, poisoned.body, "{path}");
        assert!(!String::from_utf8_lossy(&poisoned.body).contains("evil.test"), "{path}");
        assert!(poisoned.headers.get("set-cookie").is_none(), "{path} would be cached with a cookie");
        let cached = if path == "/health" { "no-store" } else { "public, max-age=300" };
        assert_eq!(poisoned.header("cache-control"), Some(cached), "{path}");
    }
    let metadata = world.get(DOCUMENTS[0]).await.json();
    assert_eq!(metadata["issuer"], world.issuer());
    for (name, value) in metadata.as_object().expect("metadata is an object") {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let url = value.as_str().expect("endpoints are URLs");
            assert!(url.starts_with(&format!("{}/", world.issuer())), "{name}: {url}");
        }
    }
}

#[tokio::test]
async fn md_03_an_issuer_with_a_path_is_itself_and_nobody_else() {
    let issuer = "http://127.0.0.1:9/t1";
    let server = Server::start(&Settings { public_url: Some(issuer.to_owned()), ..Settings::default() });
    let mut bodies = BTreeSet::new();
    for path in [
        "/.well-known/oauth-authorization-server/t1",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
    ] {
        let answer = server.send(get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["issuer"], issuer, "{path}");
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1, "the three documents are the same bytes");
    for path in [
        "/.well-known/oauth-authorization-server/t2",
        "/.well-known/openid-configuration/t2",
        "/t2/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/t1/x",
        "/.well-known/oauth-authorization-server/T1",
        "/t2/authorize",
        "/authorize",
        "/t2/token",
    ] {
        assert_eq!(server.send(get(path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn programs_in_a_browser_reach_an_issuer_with_a_path() {
    let settings = Settings { public_url: Some("http://127.0.0.1:9/t1".to_owned()), ..Settings::default() };
    let server = Server::start(&settings);
    for path in ["/t1/token", "/t1/register", "/t1/revoke", "/t1/oauth/token"] {
        let request = Request::options(path).header("origin", "https://app.example");
        let answer = server.send(request.body(Bytes::new()).expect("the request is valid")).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}

#[tokio::test]
async fn md_05_a_resource_is_the_url_that_was_configured() {
    let world = World::shared();
    for path in ["/mcp/demo", "/mcp/v1", "/api"] {
        let document = format!("/.well-known/oauth-protected-resource{path}");
        let metadata = poisoned(&world, &document).await.json();
        assert_eq!(metadata["resource"], format!("{}{path}", world.issuer()));
        assert_eq!(metadata["authorization_servers"], serde_json::json!([world.issuer()]));
    }
    for unknown in ["/mcp", "/mcp/demo/", "/mcp/demo/x", "/mcp/other", "/MCP/demo", "/mcp/demo%2f"] {
        let document = format!("/.well-known/oauth-protected-resource{unknown}");
        assert_eq!(world.get(&document).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn md_14_only_public_keys_are_published() {
    let world = World::shared();
    let document = world.get("/.well-known/jwks.json").await.json();
    let keys = document["keys"].as_array().expect("a key set has keys");
    let mut names = BTreeSet::new();
    for key in keys {
        let members: BTreeSet<_> = key.as_object().expect("a key is an object").keys().collect();
        assert_eq!(
            members.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
            ["alg", "crv", "kid", "kty", "use", "x", "y"]
        );
        assert!(names.insert(key["kid"].to_string()), "{document}");
    }
    assert!(!keys.is_empty());
}

#[tokio::test]
async fn md_15_there_is_one_spelling_of_a_path() {
    let world = World::shared();
    for path in [
        "/.well-known//oauth-authorization-server",
        "//.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-server;x=1",
        "/.well-known/x/../oauth-authorization-server",
        "/.well-known/%2e%2e/.well-known/oauth-authorization-server",
        "/.well-known/oauth%2dauthorization-server",
        "/.Well-Known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server%00",
        "/authorize;ignored",
        "/authorize/",
        "/AUTHORIZE",
        "/%61uthorize",
        "/oauth//authorize",
        "/oauth/oauth/authorize",
        "/token/",
        "/mcp/demo/",
        "/mcp//demo",
        "/mcp/demo;x",
        "/mcp/other/../demo",
        "/assets/../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/api/data/../user/profile",
    ] {
        let answer = world.get(path).await;
        let is_guarded = path.starts_with("/api/data/") && answer.status == 401;
        assert!(answer.status == 404 || is_guarded, "{path}: {answer:?}");
    }
}
