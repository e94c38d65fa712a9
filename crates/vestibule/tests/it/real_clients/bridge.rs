//! `mcp-remote`: a bridge that speaks stdio to its host and OAuth to the server. The test is the host.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{ItemReport, World, judge_item, judge_tools};
use crate::{clients, http_client};

/// The revision that the host of the bridge speaks.
const PROTOCOL_VERSION: &str = "2025-06-18";
const ANSWER_WITHIN: Duration = Duration::from_mins(2);
const SHUT_OUT_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn mcp_remote() {
    let world = World::start().await;
    let mut bridge = Bridge::start(&world);
    let parameters = json!({
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {},
        "clientInfo": { "name": "test host", "version": "1" },
    });
    let initialized = bridge.request("initialize", parameters).await;
    assert_eq!(initialized["protocolVersion"], PROTOCOL_VERSION);
    bridge.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    judge_tools(&bridge.tools().await);
    judge_item(&bridge.change_an_item().await);
    bridge.refresh().await;
    bridge.revoke(&world).await;
    world.judge("MCP CLI Proxy").await;
}

/// The running bridge; it ends with the value.
struct Bridge {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    requests: u64,
    directory: TempDir,
}

impl Bridge {
    fn start(world: &World) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let log = fs::File::create(directory.path().join("stderr")).expect("the log can be created");
        let mut child = Command::new(clients::node())
            .arg(clients::node_modules().join("mcp-remote/dist/proxy.js"))
            .args([&world.server.mcp_url(), "--transport", "http-only", "--auth-timeout", "120"])
            .env("HOME", directory.path())
            .env("MCP_REMOTE_CONFIG_DIR", directory.path())
            .env("BROWSER", world.browser.command())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the bridge starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Self { child, stdin, stdout, requests: 0, directory }
    }

    async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await.expect("the bridge reads");
    }

    /// Sends a request and waits for its result, past whatever else the bridge says.
    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.answer(id)).await;
        let answer =
            answer.unwrap_or_else(|_| panic!("no answer to {method}; the bridge says:\n{}", self.log()));
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.stdout.next_line().await.expect("the bridge can be read");
            let line = line.unwrap_or_else(|| panic!("the bridge has ended:\n{}", self.log()));
            let message: Value = serde_json::from_str(&line).expect("the bridge speaks JSON");
            if message["id"] == id {
                return message;
            }
        }
    }

    async fn tools(&mut self) -> Vec<String> {
        let result = self.request("tools/list", json!({})).await;
        let tools = result["tools"].as_array().expect("tools/list answers a list");
        tools.iter().map(|tool| tool["name"].as_str().expect("a tool has a name").to_owned()).collect()
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{tool}: {result}"));
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{tool}: {error} in {text}"))
    }

    async fn change_an_item(&mut self) -> ItemReport {
        let created = self.call("create_data", json!({ "name": "from mcp-remote", "value": 1 })).await;
        let changed = json!({ "item_id": created["id"], "name": "changed", "value": 2 });
        let updated = self.call("update_data", changed).await;
        let deleted = self.call("delete_data", json!({ "item_id": created["id"] })).await;
        ItemReport { created, updated, deleted }
    }

    /// Lets the stored access token expire, so that the bridge refreshes before its next request.
    async fn refresh(&mut self) {
        let before = self.stored("tokens.json");
        let mut expired = before.clone();
        expired["expires_at"] = 1.into();
        fs::write(self.stored_at("tokens.json"), expired.to_string()).expect("the tokens can be written");
        self.call("get_user_profile", json!({})).await;
        let after = self.stored("tokens.json");
        assert_ne!(after["access_token"], before["access_token"]);
        assert_ne!(after["refresh_token"], before["refresh_token"]);
    }

    /// Gives the refresh token back as the bridge would, and sees its next call refused.
    async fn revoke(&mut self, world: &World) {
        let (tokens, client) = (self.stored("tokens.json"), self.stored("client_info.json"));
        let field = |value: &Value| value.as_str().expect("a stored credential is text").to_owned();
        let (token, client_id) = (field(&tokens["refresh_token"]), field(&client["client_id"]));
        let request = http_client::form("/revoke", &[("token", &token), ("client_id", &client_id)]);
        let answer = http_client::send(world.recorder.address(), request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        world.browser.leave();
        self.send(&json!({
            "jsonrpc": "2.0",
            "id": "after the revocation",
            "method": "tools/call",
            "params": { "name": "get_user_profile", "arguments": {} },
        }))
        .await;
        world.shut_out_within(SHUT_OUT_WITHIN).await;
        self.child.start_kill().expect("the bridge can be ended");
    }

    fn stored(&self, name: &str) -> Value {
        let content = fs::read(self.stored_at(name)).expect("the bridge keeps what it got");
        serde_json::from_slice(&content).expect("the bridge keeps JSON")
    }

    /// The bridge names its files `HASH_NAME`, by a hash of the server's URL.
    fn stored_at(&self, name: &str) -> PathBuf {
        let files =
            fs::read_dir(self.directory.path().join("mcp-remote-v1")).expect("the bridge keeps a directory");
        let mut paths = files.map(|file| file.expect("the directory can be read").path());
        paths
            .find(|path| path.to_string_lossy().ends_with(&format!("_{name}")))
            .unwrap_or_else(|| panic!("the bridge keeps no {name}:\n{}", self.log()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }
}
