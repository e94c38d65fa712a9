//! A real server from a registry behind the gateway, `@modelcontextprotocol/server-everything`, used by a real client in
//! both eras, and by a person at a terminal.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{net::TcpStream, process::Child, process::Command, time::timeout};

use crate::{
    acting_client,
    browser::Browser,
    clients,
    server::{Server, Settings},
};

const ENDS_WITHIN: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_typescript_sdk_uses_it_in_both_eras() {
    the_typescript_sdk_uses(&World::start().await).await;
}

#[tokio::test]
async fn the_typescript_sdk_uses_it_as_a_process_in_both_eras() {
    let mut world = World::start_process();
    the_typescript_sdk_uses(&world).await;
    world.server.stop();
}

#[tokio::test]
async fn the_typescript_sdk_uses_it_over_http_with_sse_in_both_eras() {
    for configured in ["", "transport = \"sse\"\n"] {
        the_typescript_sdk_uses(&World::start_over("sse", "/sse", configured).await).await;
    }
}

async fn the_typescript_sdk_uses(world: &World) {
    let token = acting_client::token(&world.server, "/mcp/everything").await;
    for (mode, version) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let mut client = Command::new(clients::node());
        client.arg(clients::script("node/everything.mjs")).args([&world.url(), mode]);
        client.env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules());
        client.env("VESTIBULE_TEST_TOKEN", &token);
        let report = world.report(client).await;
        assert_eq!(report["protocol_version"], version);
        assert_eq!(report["server"], "mcp-servers/everything");
        let tools = report["tools"].as_array().unwrap();
        assert!(tools.len() > 8 && tools.contains(&json!("echo")), "{report}");
        assert!(!tools.contains(&json!("get-env")), "{report}");
        assert_eq!(report["hidden"], true);
        assert_eq!(report["echo"], "Echo: hi");
        assert!(report["structured"]["temperature"].is_number(), "{report}");
        assert_eq!(report["image"], json!(["text", "image", "text"]));
        assert_eq!(report["progress"], json!([1, 2, 3, 4]), "{report}");
        assert!(report["resources"].as_u64() > Some(0) && report["resource"].as_u64() > Some(0), "{report}");
        assert!(report["prompt"].as_u64() > Some(0), "{report}");
    }
}

#[tokio::test]
async fn a_person_logs_in_for_it_and_calls_a_tool() {
    let world = World::start().await;
    let (browser, tokens) = (Browser::new(), tempfile::tempdir().unwrap());
    let vestibule = |command: &str, arguments: &[&str]| {
        let mut vestibule = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        vestibule.arg(command).arg(world.url()).args(arguments);
        vestibule.env("VESTIBULE_TOKEN_DIR", tokens.path()).env("BROWSER", browser.command());
        vestibule
    };
    let tools = world.report(vestibule("tools", &["--json"])).await;
    assert!(tools.as_array().unwrap().iter().any(|tool| tool["name"] == "echo"), "{tools}");
    let consent = browser.visit().await.pages.iter().map(|page| page.text.clone()).collect::<String>();
    assert!(consent.contains("Use everything"), "{consent}");
    let echo = world.output(vestibule("call", &["echo", "message=hi"])).await;
    assert!(echo.contains("Echo: hi"), "{echo}");
}

/// The server and the gateway before it.
struct World {
    server: Server,
    /// The server, where the gateway does not start it.
    _everything: Option<Child>,
}

impl World {
    async fn start() -> Self {
        Self::start_over("streamableHttp", "/mcp", "").await
    }

    /// The server over one of its transports, at `path`; the gateway is `configured` beside that.
    async fn start_over(transport: &str, path: &str, configured: &str) -> Self {
        let address = free_address();
        let script = clients::node_modules().join("@modelcontextprotocol/server-everything/dist/index.js");
        let mut everything = Command::new(clients::node());
        everything.arg(script).arg(transport).env("PORT", address.port().to_string());
        everything.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let everything = everything.spawn().expect("node starts");
        timeout(ENDS_WITHIN, listening(address)).await.expect("the server listens");
        let configuration = format!(
            "[[server]]\nname = \"everything\"\nkind = \"remote\"\nurl = \"http://{address}{path}\"\nhidden = [\"get-env\"]\n{configured}"
        );
        let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
        Self { server, _everything: Some(everything) }
    }

    /// The gateway starts the server itself, when it needs it.
    fn start_process() -> Self {
        let script = clients::node_modules().join("@modelcontextprotocol/server-everything/dist/index.js");
        let command = json!([clients::node(), script, "stdio"]);
        let configuration = format!(
            "[[server]]\nname = \"everything\"\nkind = \"stdio\"\ncommand = {command}\nhidden = [\"get-env\"]\n"
        );
        let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
        Self { server, _everything: None }
    }

    fn url(&self) -> String {
        format!("{}/mcp/everything", self.server.issuer())
    }

    async fn output(&self, mut client: Command) -> String {
        let ended = client.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = timeout(ENDS_WITHIN, ended).await.expect("the client ends in time").unwrap();
        let (said, log) = (String::from_utf8_lossy(&output.stderr), self.server.log());
        assert!(output.status.success(), "{said}\n{log}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn report(&self, client: Command) -> Value {
        serde_json::from_str(&self.output(client).await).unwrap()
    }
}

/// The server takes a port and not a listening socket, so the port is free only a moment before.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).unwrap()
}

async fn listening(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
