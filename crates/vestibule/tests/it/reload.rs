//! The configuration changes while the server runs.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use http::{StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http_client::{self, Answer},
    server::{Server, Settings},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that can be reached by nobody, which is enough to be asked for a token.
const FAR: &str = "[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"http://127.0.0.1:1/mcp\"\n";

/// A process whose calls take as long as the test wants.
struct Patient(TempDir);

impl Patient {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("server.py"), include_str!("reload/patient_server.py")).unwrap();
        Self(directory)
    }

    fn configuration(&self, more: &str) -> String {
        let path = self.0.path();
        format!(
            "[[server]]\nname = \"patient\"\nkind = \"stdio\"\ncommand = [\"python3\", \"{0}/server.py\", \"{0}\"]\n{more}\n",
            path.display()
        )
    }

    fn let_go(&self) {
        fs::write(self.0.path().join("go"), "").unwrap();
    }
}

#[tokio::test]
async fn a_reload_under_load_loses_no_request() {
    let patient = Patient::new();
    patient.let_go();
    let server = start(&patient.configuration(""));
    let client = registered(&server).await;
    let token = token(&server, &client, "/mcp/patient").await;
    let pid = text(&call(&server, &token, "/mcp/patient", "pid").await);

    let (over, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let load = async || {
        while !over.load(Ordering::Relaxed) {
            let answer = call(&server, &token, "/mcp/patient", "pid").await;
            assert_eq!((answer.status, text(&answer)), (StatusCode::OK, pid.clone()), "{answer:?}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let reloads = async || {
        for round in 0..10 {
            // The policy of the loaded server changes with each, and other servers come and go.
            let hidden = format!("hidden = [\"round-{round}\"]");
            let name = format!("far-{round}");
            let other = FAR.replace("\"far\"", &format!("{name:?}"));
            server.reconfigure(&format!("{}{other}", patient.configuration(&hidden)));
            server.hang_up();
            until(|| async { metadata(&server, &name).await == StatusCode::OK }).await;
        }
        let seen = answered.load(Ordering::Relaxed);
        until(|| async { answered.load(Ordering::Relaxed) > seen }).await;
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(load(), load(), load(), reloads());
    assert!(answered.into_inner() > 10);
}

#[tokio::test]
async fn a_removed_server_finishes_its_calls_and_is_then_gone() {
    let patient = Patient::new();
    let server = start(&patient.configuration(""));
    let client = registered(&server).await;
    let token = token(&server, &client, "/mcp/patient").await;
    let pid = text(&call(&server, &token, "/mcp/patient", "pid").await);

    let waiting = call(&server, &token, "/mcp/patient", "wait");
    let remove = async {
        // The call is at the server before the configuration changes: the one after it was answered.
        call(&server, &token, "/mcp/patient", "pid").await;
        server.reconfigure(FAR);
        server.hang_up();
        until(|| async { metadata(&server, "far").await == StatusCode::OK }).await;
        let gone = call(&server, &token, "/mcp/patient", "pid").await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        assert!(gone.json()["error"]["message"].as_str().unwrap().contains("/mcp/patient"), "{gone:?}");
        assert_eq!(metadata(&server, "patient").await, StatusCode::NOT_FOUND);
        assert!(is_running(&pid), "it still has a call");
        patient.let_go();
    };
    let (answer, ()) = tokio::join!(waiting, remove);
    assert_eq!((answer.status, text(&answer)), (StatusCode::OK, pid.clone()));
    until(|| async { !is_running(&pid) }).await;
}

#[tokio::test]
async fn a_new_server_is_usable_with_a_new_token_and_a_change_of_the_file_is_enough() {
    let patient = Patient::new();
    patient.let_go();
    let server = start(FAR);
    let client = registered(&server).await;
    let unknown = tokens(&server, &client, "/mcp/patient").await;
    assert_eq!(unknown["error"], "invalid_target");
    server.reconfigure(&format!("{FAR}{}", patient.configuration("scope = \"wait\"")));
    until(|| async { metadata(&server, "patient").await == StatusCode::OK }).await;
    let tokens = tokens(&server, &client, "/mcp/patient").await;
    assert_eq!(tokens["scope"], "wait", "{tokens}");
    let answer = call(&server, tokens["access_token"].as_str().unwrap(), "/mcp/patient", "pid").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let known =
        server.send(http::Request::get("/.well-known/oauth-authorization-server").body(bytes()).unwrap());
    let known = known.await.json();
    assert!(known["scopes_supported"].as_array().unwrap().contains(&json!("wait")), "{known}");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_its_line_is_named() {
    let server = start(FAR);
    for (text, told) in [
        (format!("{FAR}\n[[server]]\nnmae = \"x\"\n"), "vestibule.toml:7: unknown field `nmae`"),
        (
            format!("{FAR}[[server]]\nname = \"x\"\nkind = \"remote\"\n"),
            "vestibule.toml:5: the server \\\"x\\\" has no url",
        ),
        ("[[server]".to_owned(), "vestibule.toml:1: "),
    ] {
        server.reconfigure(&text);
        server.hang_up();
        server.log_with(told).await;
        assert_eq!(metadata(&server, "far").await, StatusCode::OK, "{text}");
    }
    assert!(server.log().contains("the old one stays in force"), "{}", server.log());
    server.reconfigure(&format!("listen = \"127.0.0.1:1\"\n[connections]\nmaximum = 7\n{FAR}"));
    server.hang_up();
    let log = server.log_with("will be in force after the next start").await;
    assert!(
        log.contains("[connections]") && !log.contains("\"listen\""),
        "the flag wins over `listen`: {log}"
    );
}

fn start(configuration: &str) -> Server {
    Server::start(&Settings { configuration: Some(configuration.to_owned()), ..Settings::default() })
}

fn bytes() -> hyper::body::Bytes {
    hyper::body::Bytes::new()
}

async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "it never came to that");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_running(pid: &str) -> bool {
    // A child that was ended is reaped by the server, so that nothing of it stays.
    Path::new("/proc").join(pid).exists()
}

/// The status of the resource metadata of a server.
async fn metadata(server: &Server, name: &str) -> StatusCode {
    let path = format!("/.well-known/oauth-protected-resource/mcp/{name}");
    server.send(http::Request::get(path).body(bytes()).unwrap()).await.status
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

async fn tokens(server: &Server, client: &Value, path: &str) -> Value {
    let resource = format!("{}{path}", server.issuer());
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("resource", &resource),
    ];
    server.send(http_client::form("/token", &fields)).await.json()
}

async fn token(server: &Server, client: &Value, path: &str) -> String {
    let tokens = tokens(server, client, path).await;
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

/// A call of the modern era, which needs no session.
async fn call(server: &Server, token: &str, path: &str, tool: &str) -> Answer {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = http_client::json(path, &body);
    let authorization = format!("Bearer {token}");
    for (name, value) in [
        (header::AUTHORIZATION.as_str(), authorization.as_str()),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ] {
        request
            .headers_mut()
            .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    server.send(request).await
}

/// What a tool said.
fn text(answer: &Answer) -> String {
    answer.json()["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
