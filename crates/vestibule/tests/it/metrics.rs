//! Metrics as an operator reads them.

use std::net::SocketAddr;

use http::{Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::json;

use crate::{
    http_client,
    server::{Server, Settings},
};

const CONFIGURATION: &str = r#"
[telemetry]
metrics = "127.0.0.1:0"

[[server]]
name = "demo"
kind = "demo"

[[server]]
name = "far"
kind = "remote"
url = "http://127.0.0.1:1/mcp"
"#;

#[tokio::test]
async fn they_say_what_happened_and_not_to_whom() {
    let configuration = Some(CONFIGURATION.to_owned());
    let server = Server::start(&Settings { configuration, ..Settings::default() });
    let metrics = metrics_address(&server).await;
    let (client_id, token) = token(&server).await;
    for (tool, status) in [
        ("get_data", StatusCode::OK),
        ("delete_data", StatusCode::FORBIDDEN),
        ("made-up", StatusCode::NOT_FOUND),
    ] {
        let mut request = http_client::json("/mcp/v1/tools/call", &json!({ "name": tool, "arguments": {} }));
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        assert_eq!(server.send(request).await.status, status, "{tool}");
    }
    server.send(http_client::json("/mcp/far", &json!({}))).await;

    let told = read(metrics, "/metrics").await;
    for line in [
        "vestibule_tool_calls_total{server=\"demo\",tool=\"get_data\",outcome=\"succeeded\"} 1",
        "vestibule_tool_calls_total{server=\"demo\",tool=\"delete_data\",outcome=\"refused\"} 1",
        "vestibule_tool_calls_total{server=\"demo\",tool=\"other\",outcome=\"refused\"} 1",
        "vestibule_http_requests_total{endpoint=\"/mcp/v1/tools/call\",status=\"200\"} 1",
        "vestibule_http_requests_total{endpoint=\"/mcp/far\",status=\"401\"} 1",
        "vestibule_token_requests_total{grant_type=\"client_credentials\",outcome=\"issued\"} 1",
        "vestibule_security_events_total{kind=\"registration\",outcome=\"succeeded\"} 1",
        "vestibule_upstream_up{server=\"far\"} 1",
        "vestibule_audit_queue_capacity 4096",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    assert!(value(&told, "vestibule_database_commits_total") > 0, "{told}");
    assert!(value(&told, "vestibule_memory_resident_bytes") > 1024 * 1024, "{told}");
    for hidden in [&*token, &client_id, "made-up"] {
        assert!(!told.contains(hidden), "{hidden}\n{told}");
    }
    assert!(told.ends_with("# EOF\n"), "{told}");
}

#[tokio::test]
async fn gw_05_they_are_on_no_other_listener_and_on_none_by_default() {
    let configuration = Some(CONFIGURATION.to_owned());
    let server = Server::start(&Settings { configuration, ..Settings::default() });
    let metrics = metrics_address(&server).await;
    assert_eq!(server.send(get(server.address(), "/metrics")).await.status, StatusCode::NOT_FOUND);
    let other = http_client::send(metrics, get(metrics, "/token")).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "and nothing else is there");
    let without = Server::start(&Settings::default());
    without.log_with("asyncio.run(main())").await;
    assert!(!without.log().contains("/metrics"));
}

/// What the log says.
pub(crate) async fn metrics_address(server: &Server) -> SocketAddr {
    let log = server.log_with("/metrics").await;
    let (_, address) = log.split_once("metrics at http://").expect("the address follows");
    address.split_once("/metrics").and_then(|(address, _)| address.parse().ok()).expect("it is an address")
}

async fn token(server: &Server) -> (String, String) {
    let registration = json!({
        "client_name": "script",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "scope": "read",
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = server.send(http_client::json("/register", &registration)).await.json();
    let client_id = client["client_id"].as_str().unwrap_or_default().to_owned();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &client_id),
        ("client_secret", client["client_secret"].as_str().unwrap_or_default()),
        ("resource", &server.mcp_url()),
        ("scope", "read"),
    ];
    let tokens = server.send(http_client::form("/token", &fields)).await.json();
    (client_id, tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned())
}

fn get(address: SocketAddr, path: &str) -> Request<Bytes> {
    Request::get(path).header(header::HOST, address.to_string()).body(Bytes::new()).unwrap()
}

pub(crate) async fn read(address: SocketAddr, path: &str) -> String {
    let answer = http_client::send(address, get(address, path)).await;
    assert_eq!(answer.status, StatusCode::OK);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn value(told: &str, name: &str) -> u64 {
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in\n{told}"))
}
