//! Bodies that are no JSON, or JSON that two parsers would read differently, to everything that takes JSON.

use http::Method;

use super::{
    Target,
    endpoints::{ENDPOINTS, Kind},
};
use crate::attacks::expect;

const JSON: &str = "application/json";

/// With the JSON-RPC code that they deserve at an MCP endpoint: no JSON, or no message.
fn bodies() -> Vec<(&'static str, Vec<u8>, i64)> {
    let call = |arguments: &str| {
        let call =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_data","arguments":"#;
        format!("{call}{arguments}}}}}").into_bytes()
    };
    vec![
        ("empty", Vec::new(), -32700),
        ("NUL", vec![0; 10], -32700),
        ("broken", b"{".to_vec(), -32700),
        ("two", b"{}{}".to_vec(), -32700),
        ("not UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(), -32700),
        ("byte order mark", "\u{feff}{}".as_bytes().to_vec(), -32700),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect(), -32700),
        ("deep", "[".repeat(100_000).into_bytes(), -32600),
        ("deep and whole", format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(), -32600),
        ("comment", b"{/**/}".to_vec(), -32700),
        ("single quotes", b"{'jsonrpc':'2.0'}".to_vec(), -32700),
        ("NaN", br#"{"jsonrpc":"2.0","id":NaN}"#.to_vec(), -32700),
        ("lone surrogate", br#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#.to_vec(), -32700),
        ("twice", br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.to_vec(), -32600),
        ("twice, escaped", br#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"x"}"#.to_vec(), -32600),
        ("twice, inside", call(r#"{"name":"a","name":"b","value":"c"}"#), -32600),
        ("twice, deep inside", call(r#"{"name":"a","value":"c","x":[{"y":{"z":1,"z":2}}]}"#), -32600),
        ("number", b"1".to_vec(), -32600),
        ("null", b"null".to_vec(), -32600),
        ("text", br#""x""#.to_vec(), -32600),
        ("batch", br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.to_vec(), -32600),
        ("empty batch", b"[]".to_vec(), -32600),
    ]
}

#[tokio::test]
async fn an_mcp_endpoint_takes_one_message() {
    let target = Target::start().await;
    for path in ["/mcp/demo", "/mcp/v1"] {
        for (row, body, code) in bodies() {
            let answer = target.send(&Method::POST, path, &target.typed(JSON, true), &body).await;
            assert_eq!(answer.status, 400, "{row} to {path}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(answer.header("content-type"), Some(JSON), "{row}");
            let json = answer.json();
            assert_eq!(
                (&json["jsonrpc"], &json["error"]["code"]),
                (&"2.0".into(), &code.into()),
                "{row}: {json}"
            );
            assert!(json["id"].is_null(), "{row}: {json}");
        }
        let announced = format!(
            "POST {path} HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: {JSON}\r\n\
             content-length: 8388608\r\n\r\n",
            target.token
        );
        let answer = target.send_raw(announced.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json-patch+json"]
        {
            let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
            let answer = target.send(&Method::POST, path, &target.typed(content_type, true), ping).await;
            assert_eq!(answer.status, 415, "{content_type} to {path}");
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn a_resource_takes_one_object() {
    let target = Target::start().await;
    let writes = [(Method::POST, "/api/data"), (Method::PUT, "/api/data/1")];
    for (method, path) in &writes {
        for (row, body, _) in bodies() {
            let answer = target.send(method, path, &target.typed(JSON, true), &body).await;
            assert_eq!(answer.status, 400, "{row} to {path}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(answer.json()["error"], "invalid_request", "{row}");
        }
        for arguments in [
            "{}",
            r#"{"name":"a"}"#,
            r#"{"name":1,"value":1}"#,
            r#"{"name":["a"],"value":1}"#,
            r#"{"name":null,"value":1}"#,
            r#"{"name":"a","value":"1"}"#,
            r#"{"name":"a","value":null}"#,
            r#"{"Name":"a","Value":1}"#,
            r#"{"name":"a","value":1,"extra":1}"#,
            r#"{"name":"a","value":1,"id":7}"#,
            r#"{"name":"a","value":1,"owner":"eve"}"#,
            r#"{"name":"a\u0000b","value":1}"#,
            r#"{"name":"","value":1}"#,
            r#"{"name":"a","value":11111111111111111111111111111111111111111111111111}"#,
        ] {
            let answer = target.send(method, path, &target.typed(JSON, true), arguments.as_bytes()).await;
            assert_eq!(
                answer.status,
                400,
                "{arguments} to {path}: {:?}",
                String::from_utf8_lossy(&answer.body)
            );
            assert_eq!(answer.json()["error"], "invalid_request", "{arguments}");
        }
    }
    for id in [
        "0",
        "-1",
        "1.0",
        "1e0",
        "%31x",
        "01",
        "9223372036854775808",
        "99999999999999999999",
        "%00",
        "x",
        "'",
    ] {
        for method in [Method::PUT, Method::DELETE] {
            let body = br#"{"name":"a","value":1}"#;
            let body: &[u8] = if method == Method::PUT { body } else { b"" };
            let path = format!("/api/data/{id}");
            let answer = target.send(&method, &path, &target.typed(JSON, true), body).await;
            assert!([400, 404].contains(&answer.status.as_u16()), "{method} {path}: {answer:?}");
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn bare_calls_take_one_object() {
    let target = Target::start().await;
    for path in ["/mcp/v1/initialize", "/mcp/v1/tools/list", "/mcp/v1/tools/call"] {
        for (row, body, _) in bodies() {
            // The list takes no parameters, and so no body.
            if body.is_empty() && path == "/mcp/v1/tools/list" {
                continue;
            }
            let answer = target.send(&Method::POST, path, &target.typed(JSON, true), &body).await;
            assert_eq!(answer.status, 400, "{row} to {path}: {}", String::from_utf8_lossy(&answer.body));
            assert!(!answer.json()["error"].is_null(), "{row}");
        }
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn arguments_that_a_tool_does_not_take_are_its_own_error() {
    let target = Target::start().await;
    for (tool, arguments) in [
        ("create_data", r#"{"name":"a\u0000","value":1}"#),
        ("create_data", r#"{"name":"a"}"#),
        ("create_data", r#"{"name":"a","value":1,"owner":"eve"}"#),
        ("create_data", "[]"),
        ("update_data", r#"{"item_id":"1 ","name":"a","value":1}"#),
        ("update_data", r#"{"item_id":1e400,"name":"a","value":1}"#),
        ("update_data", r#"{"item_id":1e0,"name":"a","value":1}"#),
        ("update_data", r#"{"item_id":18446744073709551617,"name":"a","value":1}"#),
        ("delete_data", r#"{"item_id":-1}"#),
        ("delete_data", r#"{"item_id":1.0}"#),
        ("delete_data", r#"{"item_id":"01"}"#),
        ("delete_data", r#"{"item_id":[1]}"#),
        ("delete_data", r#"{"item_id":1,"owner":"eve"}"#),
        ("delete_data", "null"),
        ("Delete_Data", r#"{"item_id":1}"#),
        ("delete_data\\u0000", r#"{"item_id":1}"#),
    ] {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let answer = target.send(&Method::POST, "/mcp/v1", &target.typed(JSON, true), body.as_bytes()).await;
        let json = answer.json();
        let is_refused = json["error"]["code"].is_i64() || json["result"]["isError"] == true;
        assert!(is_refused && answer.status.as_u16() < 500, "{tool} {arguments}: {} {json}", answer.status);
    }
    target.is_unharmed().await;
}

#[tokio::test]
async fn without_a_token_no_body_is_looked_at() {
    let target = Target::start().await;
    for (path, kind) in ENDPOINTS {
        if kind != Kind::Guarded {
            continue;
        }
        for (_, body, _) in bodies() {
            let answer = target.send(&Method::POST, path, &target.typed(JSON, false), &body).await;
            expect::challenge(&answer, 401, None);
        }
    }
    target.is_unharmed().await;
}
