//! OA-13: a key that an API wants in its URL is in no line of the log.

use std::{net::TcpListener, sync::Arc};

use axum::{
    Json, Router,
    extract::Request as Asked,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{over_http_2, search::Canaries};
use crate::{
    attacks::{
        client::AuthorizationRequest,
        scripted_browser::ScriptedBrowser,
        world::{Tokens, UNHURRIED, World},
    },
    http_client,
    server::{Server, Settings},
};

const KEY: &str = "canary-key in a query/1";
/// The key as it stands in the URL.
const ENCODED: &str = "canary%2Dkey%20in%20a%20query%2F1";
const OPERATIONS: [&str; 4] = ["echo", "refuse", "fail", "move"];

/// An API that tells everybody how it was asked, in every way that an answer has.
async fn api() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(async |asked: Asked| -> Response {
        let uri = asked.uri().to_string();
        assert!(uri.contains(ENCODED), "{uri}");
        match asked.uri().path() {
            "/refuse" => (StatusCode::UNAUTHORIZED, uri).into_response(),
            "/fail" => (StatusCode::INTERNAL_SERVER_ERROR, uri).into_response(),
            "/move" => (StatusCode::FOUND, [(header::LOCATION, uri)]).into_response(),
            _ => ([("x-asked", uri.clone())], Json(json!({ "asked": uri }))).into_response(),
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn document() -> Value {
    let paths: serde_json::Map<_, _> = OPERATIONS
        .iter()
        .map(|name| {
            (format!("/{name}"), json!({ "get": { "operationId": name, "security": [{ "key": [] }] } }))
        })
        .collect();
    let key = json!({ "type": "apiKey", "in": "query", "name": "api_key" });
    json!({ "openapi": "3.1.0", "components": { "securitySchemes": { "key": key } }, "paths": paths })
}

fn call(path: &str, tool: &str, token: &str) -> Request<Bytes> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = http_client::json(path, &body);
    let authorization = format!("Bearer {token}");
    for (name, value) in [
        ("authorization", &*authorization),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn oa_13_a_key_in_the_query_is_in_no_line_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("api.json");
    std::fs::write(&file, document().to_string()).unwrap();
    let server = |name: &str, url: &str| {
        let file = file.display();
        format!(
            "[[server]]\nname = \"{name}\"\nkind = \"openapi\"\ndocument = \"{file}\"\nbase_url = \"{url}\"\nprovider = \"keyed\"\n\n"
        )
    };
    let provider = format!(
        "[[provider]]\nname = \"keyed\"\nkind = \"api_key\"\nquery = \"api_key\"\nsecret = \"{KEY}\"\n\n"
    );
    let servers = server("here", &api().await) + &server("gone", &nowhere());
    let settings = Settings {
        configuration: Some(format!("{UNHURRIED}\n{provider}{servers}")),
        log: Some("trace"),
        ..Settings::default()
    };
    let world = World { server: Arc::new(Server::start(&settings)) };
    let mut told = String::new();
    for (path, tools) in [("/mcp/here", &OPERATIONS[..]), ("/mcp/gone", &OPERATIONS[..1])] {
        let client = world.public_client().await;
        let resource = format!("{}{path}", world.issuer());
        let request =
            AuthorizationRequest::of(&world, &client).with("resource", &resource).with("scope", "use");
        let code = ScriptedBrowser::new(&world).allow(&request).await;
        let token = Tokens::of(&world.redeem(&client, &code).await).access;
        for tool in tools {
            let answer = world.send(call(path, tool, &token)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            told += &[
                format!("{tool}: {:?}", answer.headers),
                String::from_utf8_lossy(&answer.body).into_owned(),
            ]
            .join("\n");
        }
    }
    assert!(told.contains("[redacted]"), "the API was reached, and told of it: {told}");
    let mut canaries = Canaries::default();
    canaries.add("key", KEY);
    canaries.add("key in the URL", ENCODED);
    canaries.are_not_in_log(&told);
    // What of the server's own says something at every level.
    over_http_2(&world, &world.confidential_client().await).await;
    let log = world.server.log();
    assert!(log.contains("TRACE"), "not everything is logged");
    assert!(log.contains("the API gives no answer server=gone"), "{log}");
    canaries.are_not_in_log(&log);
    canaries.are_not_in(&world.server.data_directory());
    assert!(!log.contains("panicked"), "{log}");
}
