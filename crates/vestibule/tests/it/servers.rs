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

/// A token of somebody of the account is good for its server; anybody else's is not, and a header changes nothing.
#[tokio::test]
async fn gw_25_a_server_of_an_account_is_for_those_of_the_account() {
    let server = Server::start(&Settings { configuration: Some(ACCOUNTS.to_owned()), ..Settings::default() });
    let client = registered(&server).await;
    let (of_one, of_other) = ("/accounts/1/custom/ops/id/s1/mcp", "/accounts/2/custom/far2/id/far2/mcp");
    for (path, status) in [
        (of_one, StatusCode::UNAUTHORIZED),
        (of_other, StatusCode::UNAUTHORIZED),
        ("/mcp/far1", StatusCode::NOT_FOUND),
        ("/accounts/1/custom/ops/id/s2/mcp", StatusCode::NOT_FOUND),
        ("/accounts/2/custom/ops/id/s1/mcp", StatusCode::NOT_FOUND),
        ("/accounts/1", StatusCode::NOT_FOUND),
    ] {
        let request = Request::get(path).header("x-tenant-id", "2").body(Bytes::new()).unwrap();
        assert_eq!(server.send(request).await.status, status, "{path}");
    }
    let metadata = format!("/.well-known/oauth-protected-resource{of_one}");
    let metadata = server.send(Request::get(metadata).body(Bytes::new()).unwrap()).await.json();
    assert_eq!(metadata["resource"], format!("{}{of_one}", server.issuer()));
    // Nobody has put this client into an account.
    let (one, other) =
        (token(&server, &client, Some(of_one)).await, token(&server, &client, Some(of_other)).await);
    for (path, token) in [(of_one, &one), (of_one, &other), (of_other, &one), (of_other, &other)] {
        let answer = initialize(&server, path, token).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {answer:?}");
        assert_eq!(answer.json()["error"], "access_denied");
    }
    let name = client["client_id"].as_str().unwrap();
    let with_client = ACCOUNTS.replacen("clients = []", &format!("clients = [{name:?}]"), 1);
    server.reconfigure(&with_client);
    server.hang_up();
    server.log_with("the configuration was read again and is in force").await;
    for (path, token, status) in [
        (of_one, &one, StatusCode::BAD_GATEWAY),
        (of_one, &other, StatusCode::FORBIDDEN),
        (of_other, &one, StatusCode::FORBIDDEN),
        (of_other, &other, StatusCode::FORBIDDEN),
    ] {
        let answer = initialize(&server, path, token).await;
        assert_eq!(answer.status, status, "the same token, from the next request on: {path} {answer:?}");
    }
}

/// Clients that strip the end of the URL ask for a token for its parent.
#[tokio::test]
async fn a_parent_is_announced_and_both_names_are_good() {
    let configuration = CONFIGURATION.replace("title = \"Far away\"", "resource = \"/\"");
    let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
    for path in ["", "/mcp/far"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let metadata = server.send(Request::get(path).body(Bytes::new()).unwrap()).await.json();
        assert_eq!(metadata["resource"], server.issuer(), "{metadata}");
    }
    let client = registered(&server).await;
    for resource in ["", "/mcp/far"] {
        let token = token(&server, &client, Some(resource)).await;
        assert_eq!(
            initialize(&server, "/mcp/far", &token).await.status,
            StatusCode::BAD_GATEWAY,
            "{resource}"
        );
        assert_eq!(
            initialize(&server, "/mcp/further", &token).await.status,
            StatusCode::UNAUTHORIZED,
            "{resource}"
        );
    }
}

/// One token, two servers of different kinds, and one of them away.
#[tokio::test]
async fn a_virtual_server_joins_what_is_there() {
    let configuration = "[[server]]\nname = \"all\"\nkind = \"virtual\"\nmembers = [\"far\", \"demo\"]\n[[server]]\nname = \"demo\"\nkind = \"demo\"\n[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"http://127.0.0.1:1/mcp\"\n";
    let server =
        Server::start(&Settings { configuration: Some(configuration.to_owned()), ..Settings::default() });
    let client = registered(&server).await;
    let token = token(&server, &client, Some("/mcp/all")).await;
    let opened = initialize(&server, "/mcp/all", &token).await;
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let ask = async |method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
        let mut request = http_client::json("/mcp/all", &body);
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        request.headers_mut().insert("mcp-session-id", session.parse().unwrap());
        server.send(request).await.json()
    };
    let listed = ask("tools/list", json!({})).await;
    let names: Vec<_> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"demo__get_data") && names.iter().all(|name| name.starts_with("demo__")),
        "{names:?}"
    );
    assert_eq!(listed["result"]["_meta"]["vestibule/missing"][0]["server"], "far", "{listed}");
    let called = ask("tools/call", json!({ "name": "demo__get_data", "arguments": {} })).await;
    assert!(called["result"]["content"][0]["text"].as_str().unwrap().contains("Item 1"), "{called}");
    let unknown = ask("tools/call", json!({ "name": "get_data", "arguments": {} })).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

const ACCOUNTS: &str = r#"
[[account]]
id = "1"
users = ["nobody"]
clients = []

[[account]]
id = "2"
users = ["nobody"]

[[server]]
name = "far1"
kind = "remote"
url = "http://127.0.0.1:1/mcp"
account = "1"
custom_name = "ops"
server_id = "s1"

[[server]]
name = "far2"
kind = "remote"
url = "http://127.0.0.1:1/mcp"
account = "2"
"#;

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
