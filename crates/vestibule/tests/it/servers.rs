//! Several servers in one configuration: each is a resource of its own.

use http::{Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::{
    http_client::{self, Answer},
    server::{Server, Settings},
};

/// Nobody listens on port 1: what comes so far was let in.
const CONFIGURATION: &str = r#"
[[server]]
name = "far"
kind = "remote"
url = "http://127.0.0.1:1/mcp"
title = "Far away"
scopes = { delete = "use delete" }

[[server]]
name = "further"
kind = "remote"
url = "http://127.0.0.1:1/mcp"
default = true
"#;

#[tokio::test]
async fn each_server_is_a_resource_of_its_own() {
    let server =
        Server::start(&Settings { configuration: Some(CONFIGURATION.to_owned()), ..Settings::default() });
    let get = async |path: &str| {
        let request = Request::get(path).header(header::HOST, server.address().to_string());
        server.send(request.body(Bytes::new()).unwrap()).await
    };
    let far = get("/.well-known/oauth-protected-resource/mcp/far").await.json();
    assert_eq!(far["resource"], format!("{}/mcp/far", server.issuer()));
    assert_eq!(far["resource_name"], "Far away", "{far}");
    for (path, status) in [
        ("/.well-known/oauth-protected-resource/mcp/further", StatusCode::OK),
        ("/.well-known/oauth-protected-resource/mcp/demo", StatusCode::OK),
        ("/.well-known/oauth-protected-resource", StatusCode::NOT_FOUND),
        ("/mcp/nobody", StatusCode::NOT_FOUND),
        ("/mcp/far", StatusCode::UNAUTHORIZED),
        ("/mcp/further", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(get(path).await.status, status, "{path}");
    }
    let challenge = get("/mcp/far").await.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.contains("/oauth-protected-resource/mcp/far\""), "{challenge}");

    let client = registered(&server).await;
    let far = token(&server, &client, Some("/mcp/far")).await;
    let further = token(&server, &client, None).await;
    for (path, token, status) in [
        ("/mcp/far", &far, StatusCode::BAD_GATEWAY),
        ("/mcp/further", &far, StatusCode::UNAUTHORIZED),
        ("/mcp/demo", &far, StatusCode::UNAUTHORIZED),
        ("/mcp/far", &further, StatusCode::UNAUTHORIZED),
        ("/mcp/further", &further, StatusCode::BAD_GATEWAY),
    ] {
        let answer = initialize(&server, path, token).await;
        assert_eq!(answer.status, status, "{path} {answer:?}");
    }
}

async fn registered(server: &Server) -> Value {
    let registration = json!({
        "client_name": "script",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "token_endpoint_auth_method": "client_secret_post",
    });
    server.send(http_client::json("/register", &registration)).await.json()
}

/// A token for the resource at `path`, or for the default one.
async fn token(server: &Server, client: &Value, path: Option<&str>) -> String {
    let resource = path.map(|path| format!("{}{path}", server.issuer()));
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
    ];
    fields.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let tokens = server.send(http_client::form("/token", &fields)).await.json();
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

async fn initialize(server: &Server, path: &str, token: &str) -> Answer {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let mut request = http_client::json(path, &body);
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    server.send(request).await
}
