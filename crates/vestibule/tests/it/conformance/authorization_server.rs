//! The suite as a client of our authorization server; the sign-in and the consent are real.

use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

use super::{Status, baseline, checks_below, suite};
use crate::{
    browser::Browser,
    http_client,
    server::{Server, Settings},
};

/// What the suite runs in this mode.
pub(super) const SCENARIOS: [&str; 2] =
    ["authorization-server-metadata-endpoint", "authorization-code-grant"];

const ENDS_WITHIN: Duration = Duration::from_mins(4);

#[tokio::test]
async fn authorization_server_scenarios() {
    let browser = Browser::new();
    let server = Server::start(&Settings::default());
    let results = tempfile::tempdir().expect("a temporary directory can be made");
    let port = free_port();
    let client_id = register(&server, port).await;
    let mut command = suite("authorization");
    command.args(["--url", server.issuer(), "--client-id", &client_id, "--resource", &server.mcp_url()]);
    command.args(["--port", &port.to_string(), "--output-dir"]).arg(results.path());
    tokio::time::timeout(ENDS_WITHIN, drive(command, &browser)).await.expect("the suite ends in time");
    judge(results.path());
}

/// The suite wants a client that was registered before, with its own callback.
async fn register(server: &Server, port: u16) -> String {
    let metadata = json!({
        "client_name": "conformance suite",
        "redirect_uris": [format!("http://127.0.0.1:{port}/callback")],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
    });
    let answer = server.send(http_client::json("/register", &metadata)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()["client_id"].as_str().expect("a client has an identifier").to_owned()
}

/// Runs the suite and opens the authorization URL that it prints.
async fn drive(mut command: Command, browser: &Browser) {
    let mut suite: Child = command.stdout(Stdio::piped()).spawn().expect("the suite starts");
    let output = suite.stdout.take().expect("stdout is piped");
    let said = walk_through(output, browser).await;
    let status = suite.wait().await.expect("the suite ends");
    assert!(status.success(), "{status}\n{said}");
}

async fn walk_through(output: impl AsyncRead + Unpin, browser: &Browser) -> String {
    let mut lines = BufReader::new(output).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.expect("the suite can be read") {
        if line.starts_with("http") && line.contains("response_type=code") {
            browser.open(&line).await;
        }
        said.push_str(&line);
        said.push('\n');
    }
    said
}

fn judge(results: &Path) {
    let results = checks_below(results);
    for scenario in SCENARIOS {
        let mut ran = results.iter().filter(|(directory, _)| directory.to_string_lossy().contains(scenario));
        let (_, checks) = ran.next().unwrap_or_else(|| panic!("{scenario} left no checks"));
        assert!(checks.iter().any(|check| check.status == Status::Success), "{checks:#?}");
        assert!(checks.iter().all(|check| check.status != Status::Skipped), "{checks:#?}");
        baseline::judge(scenario, None, checks);
    }
}

/// The suite takes the port of its callback as an argument, and it must be registered before.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
