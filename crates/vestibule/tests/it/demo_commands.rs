//! The commands of the demo that this one grew out of, as its README gave them to `curl`: registration and
//! a client credentials grant at `/oauth/*`, the resource API, and the tools at `/mcp/v1`, with JSON-RPC
//! and with bare bodies.

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::{
    http_client::{self, Answer},
    server::{Server, Settings},
};

#[tokio::test]
async fn a_registered_client_reads_and_writes_over_the_resource_api() {
    let demo = Demo::start().await;
    let seeded = demo.ok(Method::GET, "/api/data", None).await;
    let values: Vec<_> =
        seeded["data"].as_array().expect("a list").iter().map(|item| &item["value"]).collect();
    assert_eq!(values, [&json!(100), &json!(200), &json!(300)]);

    let created = demo.call(Method::POST, "/api/data", Some(json!({ "name": "new", "value": 1 }))).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.json()["created"], true);
    let path = format!("/api/data/{}", created.json()["id"]);
    let updated = demo.ok(Method::PUT, &path, Some(json!({ "name": "changed", "value": 2 }))).await;
    assert_eq!((&updated["name"], &updated["updated"]), (&json!("changed"), &json!(true)));
    assert_eq!(demo.ok(Method::DELETE, &path, None).await["deleted"], true);
    let gone = demo.call(Method::DELETE, &path, None).await;
    assert_eq!((gone.status, &gone.json()["error"]), (StatusCode::NOT_FOUND, &json!("Item not found")));
}

#[tokio::test]
async fn a_registered_client_calls_tools_with_bare_bodies() {
    let demo = Demo::start().await;
    let client_info = json!({ "name": "test", "version": "1.0" });
    let hello = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client_info });
    let initialized = demo.ok(Method::POST, "/mcp/v1/initialize", Some(hello)).await;
    assert_eq!(initialized["protocolVersion"], "2024-11-05");
    let listed = demo.ok(Method::POST, "/mcp/v1/tools/list", None).await;
    assert_eq!(listed["tools"].as_array().map(Vec::len), Some(6));
    let called = json!({ "name": "oauth_authenticate", "arguments": {} });
    let result = demo.ok(Method::POST, "/mcp/v1/tools/call", Some(called)).await;
    let text = result["content"][0]["text"].as_str().expect("a tool answers text");
    let said: Value = serde_json::from_str(text).expect("the demo's tools answer JSON");
    assert_eq!(said["client_id"], demo.client_id.as_str());
}

#[tokio::test]
async fn a_registered_client_speaks_json_rpc() {
    let demo = Demo::start().await;
    let client_info = json!({ "name": "test", "version": "1.0.0" });
    let hello = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client_info });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello });
    let answer = demo.ok(Method::POST, "/mcp/v1", Some(request)).await;
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)));
    assert_eq!(answer["result"]["protocolVersion"], "2024-11-05");
}

/// The demo this one grew out of acted with its own token for whoever had none.
#[tokio::test]
async fn nobody_is_served_without_a_token() {
    let demo = Demo::start().await;
    for path in ["/mcp/v1", "/mcp/v1/initialize", "/mcp/v1/tools/list", "/mcp/v1/tools/call", "/api/data"] {
        let answer = demo.server.send(http_client::json(path, &json!({}))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        let challenge = answer.header("www-authenticate").expect("a 401 says where to get a token");
        assert!(challenge.contains("resource_metadata="), "{path}: {challenge}");
    }
}

/// A demo server, and a client that has registered and got a token for itself.
struct Demo {
    server: Server,
    client_id: String,
    token: String,
}

impl Demo {
    async fn start() -> Self {
        let server = Server::start(&Settings::default());
        let metadata = json!({
            "client_name": "Test Client",
            "redirect_uris": ["http://localhost:8080/callback"],
            "grant_types": ["client_credentials"],
            "scope": "read write",
        });
        let registered = server.send(http_client::json("/oauth/register", &metadata)).await;
        assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
        let (client_id, secret) =
            (text(&registered.json()["client_id"]), text(&registered.json()["client_secret"]));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", &secret),
            ("scope", "read write"),
        ];
        let granted = server.send(http_client::form("/oauth/token", &fields)).await;
        assert_eq!(granted.status, StatusCode::OK, "{granted:?}");
        let token = text(&granted.json()["access_token"]);
        Self { server, client_id, token }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.map(|body| body.to_string()).unwrap_or_default()))
            .expect("the token is a header value");
        self.server.send(request).await
    }

    async fn ok(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
