//! `vestibule login`, `tools`, `call` and `logout` against `vestibule serve`, with a real browser between.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Output, Stdio},
    time::Duration,
};

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    browser::Browser,
    http_client,
    recorder::{Exchange, Recorder},
    server::{Server, Settings},
};

const ENDS_WITHIN: Duration = Duration::from_mins(3);

#[tokio::test]
async fn a_person_logs_in_calls_tools_and_logs_out() {
    let person = Person::new().await;
    person.cannot_list_tools_without_a_login().await;
    person.logs_in().await;
    person.lists_tools().await;
    person.changes_an_item().await;
    person.reads_a_failure().await;
    person.logs_out().await;
    person.cannot_list_tools_without_a_login().await;
}

struct Person {
    browser: Browser,
    recorder: Recorder,
    server: Server,
    tokens: TempDir,
}

impl Person {
    async fn new() -> Self {
        let recorder = Recorder::listen().await;
        let server = Server::start(&Settings { public_url: Some(recorder.url()), ..Settings::default() });
        recorder.forward_to(server.address());
        let tokens = tempfile::tempdir().expect("a temporary directory can be made");
        Self { browser: Browser::new(), recorder, server, tokens }
    }

    /// A command of the client for the demo server; nobody is at the terminal.
    fn vestibule(&self, command: &str, arguments: &[&str]) -> Command {
        let mut vestibule = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        vestibule.arg(command).arg(self.server.mcp_url()).args(arguments);
        vestibule.env("VESTIBULE_TOKEN_DIR", self.tokens.path()).env_remove("BROWSER");
        vestibule.stdin(Stdio::null()).kill_on_drop(true);
        vestibule
    }

    async fn succeeds(&self, command: &str, arguments: &[&str]) -> String {
        let output = ended(self.vestibule(command, arguments)).await;
        assert!(output.status.success(), "{command} {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("the output is text")
    }

    async fn cannot_list_tools_without_a_login(&self) {
        let output = ended(self.vestibule("tools", &["--json"])).await;
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("hint: run `vestibule login "), "{}", said(&output));
        assert_eq!(output.stdout, b"");
    }

    async fn logs_in(&self) {
        let mut login = self.vestibule("login", &[]);
        login.env("BROWSER", self.browser.command());
        let output = ended(login).await;
        assert!(output.status.success(), "{}\n{:#?}", said(&output), self.browser.visits());
        assert_eq!(output.stdout, b"");
        let visit = self.browser.visit().await;
        assert_eq!(visit.problem, None);
        self.keeps_its_tokens_to_itself();
    }

    /// Whoever can read the token file is the person.
    fn keeps_its_tokens_to_itself(&self) {
        let kept = self.tokens.path().join("tokens.json");
        let mode = fs::metadata(kept).expect("the tokens are kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    async fn lists_tools(&self) {
        let tools = json(&self.succeeds("tools", &["--json"]).await);
        let names: Vec<_> = tools.as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names.len(), 6, "{names:?}");
    }

    async fn changes_an_item(&self) {
        let created =
            json(&self.succeeds("call", &["create_data", "name=from the terminal", "value=1"]).await);
        let id = format!("item_id={}", created["id"]);
        let updated = json(&self.succeeds("call", &["update_data", &id, "name=changed", "value=2"]).await);
        assert_eq!((&updated["name"], &updated["value"]), (&"changed".into(), &2.into()));
        let deleted = json(
            &self
                .succeeds("call", &["delete_data", &format!("{{{:?}: {}}}", "item_id", created["id"])])
                .await,
        );
        assert_eq!(deleted["deleted"], true);
    }

    /// A tool that fails ends with 1, and says so on stderr.
    async fn reads_a_failure(&self) {
        let output = ended(self.vestibule("call", &["delete_data", "item_id=999999"])).await;
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert_eq!(json(&String::from_utf8_lossy(&output.stdout))["error"], "Item not found");
    }

    /// RFC 7009: what was revoked is refused, even to somebody who kept a copy.
    async fn logs_out(&self) {
        let copy = self.last_bearer();
        assert_eq!(self.calls_with(&copy).await, StatusCode::OK);
        self.succeeds("logout", &[]).await;
        let exchanges = self.recorder.exchanges();
        assert!(
            exchanges.iter().any(|exchange| exchange.is(&Method::POST, "/revoke")),
            "nothing was revoked"
        );
        assert_eq!(self.calls_with(&copy).await, StatusCode::UNAUTHORIZED);
    }

    fn last_bearer(&self) -> String {
        let exchanges = self.recorder.exchanges();
        let bearer = exchanges.iter().rev().find_map(Exchange::bearer);
        bearer.expect("the client has called with a token").to_owned()
    }

    async fn calls_with(&self, token: &str) -> StatusCode {
        let initialize = serde_json::json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": "somebody else", "version": "1" },
            },
        });
        let request = Request::post("/mcp/demo")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Bytes::from(initialize.to_string()))
            .expect("the token is a header value");
        http_client::send(self.recorder.address(), request).await.status
    }
}

async fn ended(mut command: Command) -> Output {
    let output = tokio::time::timeout(ENDS_WITHIN, command.output()).await;
    output.expect("the command ends").expect("the binary starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}
