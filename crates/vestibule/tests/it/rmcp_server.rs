//! `examples/rmcp-server`, an ordinary rmcp server: protected by our guard alone, and without a guard behind the gateway.

use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use http::{Request, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::{process, time::timeout};

use crate::{
    browser::Browser,
    clients,
    http_client::{self, Answer},
    server::{Server, Settings},
};

const ENDS_WITHIN: Duration = Duration::from_mins(2);
const SCOPES: &str = r#"{ "notes:read" = "Read your notes", "notes:write" = "Change your notes" }"#;

#[tokio::test]
async fn the_python_sdk_signs_in_and_once_more_for_more_scope() {
    let world = World::start();
    let browser = Browser::new();
    let mut script = process::Command::new(clients::python_2());
    script.arg(clients::script("python/notes.py")).arg(&world.url).env("PYTHONDONTWRITEBYTECODE", "1");
    let report = world.report(script, &browser).await;
    assert_eq!(report["protocol_version"], "2026-07-28");
    assert_eq!(report["tools"], json!(["count_words", "forget", "recall", "remember", "who_am_i"]));
    let who = report["who"].as_str().unwrap_or_default();
    assert!(who.starts_with("demo, through the client ") && !who.contains("notes:write"), "{report}");
    let has_write = |scope: &Value| scope.as_str().is_some_and(|scope| scope.contains("notes:write"));
    assert!(!has_write(&report["scope_before"]) && has_write(&report["scope_after"]), "{report}");
    assert_eq!(report["notes"], json!(["from the Python SDK"]));
    let [first, second] = consents(&browser).await;
    assert!(first.contains("It will be able to\nRead your notes\nStay connected"), "{first}");
    assert!(second.contains("in addition, to\nChange your notes\nCan change or delete"), "{second}");
}

#[tokio::test]
async fn our_own_client_signs_in_and_once_more_for_more_scope() {
    let world = World::start();
    let (browser, tokens) = (Browser::new(), tempfile::tempdir().unwrap());
    let vestibule = |command: &str, arguments: &[&str]| {
        let mut vestibule = process::Command::new(env!("CARGO_BIN_EXE_vestibule"));
        vestibule.arg(command).arg(&world.url).args(arguments).env("VESTIBULE_TOKEN_DIR", tokens.path());
        vestibule
    };
    let tools = world.report(vestibule("tools", &["--json"]), &browser).await;
    assert!(tools.as_array().unwrap().iter().any(|tool| tool["name"] == "remember"), "{tools}");
    let who = world.output(vestibule("call", &["who_am_i"]), &browser).await;
    assert!(who.contains("demo, through the client "), "{who}");
    let noted = world.output(vestibule("call", &["remember", "text=from a terminal"]), &browser).await;
    assert!(noted.contains("from a terminal"), "{noted}");
    let [first, second] = consents(&browser).await;
    assert!(first.contains("Read your notes") && !first.contains("Change your notes"), "{first}");
    assert!(second.contains("in addition, to\nChange your notes"), "{second}");
}

#[tokio::test]
async fn gw_01_the_layer_asks_for_a_token_of_its_own_on_every_method() {
    let world = World::start();
    for method in ["GET", "POST", "DELETE"] {
        let refused = world.ask(method, None, "who_am_i").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method}");
        let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
        let metadata = world.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
        assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
        assert!(challenge.contains("scope=\"notes:read\""), "{challenge}");
    }
    let metadata = Request::get("/.well-known/oauth-protected-resource/mcp");
    let metadata = metadata.header(header::HOST, world.address.to_string()).body(Bytes::new()).unwrap();
    let metadata = http_client::send(world.address, metadata).await.json();
    assert_eq!(metadata["resource"], world.url);
    assert_eq!(metadata["authorization_servers"], json!([world.server.issuer()]));
    let elsewhere = world.token(&world.server.mcp_url(), "read").await;
    let refused = world.ask("POST", Some(&elsewhere), "who_am_i").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "a token for the demo server");
    assert!(refused.header("www-authenticate").is_some_and(|told| told.contains("invalid_token")));
    let own = world.token(&world.url, "notes:read").await;
    assert_eq!(world.ask("POST", Some(&own), "who_am_i").await.status, StatusCode::OK);
}

#[tokio::test]
async fn gw_02_gw_03_the_layer_knows_its_host_and_origins() {
    let world = World::start();
    let token = world.token(&world.url, "notes:read").await;
    for (name, value, status) in [
        (header::ORIGIN, "https://evil.test", StatusCode::FORBIDDEN),
        (header::ORIGIN, "null", StatusCode::FORBIDDEN),
        (header::HOST, "attacker.test", StatusCode::FORBIDDEN),
        (header::HOST, "localhost.evil", StatusCode::FORBIDDEN),
    ] {
        for token in [None, Some(&*token)] {
            let mut request = world.request("POST", token, "who_am_i");
            request.headers_mut().insert(&name, value.parse().unwrap());
            let answer = http_client::send(world.address, request).await;
            assert_eq!(answer.status, status, "{name}: {value}, with a token: {}", token.is_some());
        }
    }
}

#[tokio::test]
async fn gw_26_the_layer_names_the_scope_that_is_missing() {
    let world = World::start();
    let token = world.token(&world.url, "notes:read").await;
    let refused = world.ask("POST", Some(&token), "remember").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"notes:read notes:write\""), "{challenge}");
    let token = world.token(&world.url, "notes:read notes:write").await;
    let answer = world.ask("POST", Some(&token), "remember").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn behind_the_gateway_the_guard_is_the_gateways() {
    let address = free_address();
    let _unguarded = Example::start("rmcp-server-unguarded", &[&address.to_string()]);
    let configuration =
        format!("[[server]]\nname = \"notes\"\nkind = \"remote\"\nurl = \"http://{address}/mcp\"\n");
    let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
    let (browser, tokens) = (Browser::new(), tempfile::tempdir().unwrap());
    let mut call = process::Command::new(env!("CARGO_BIN_EXE_vestibule"));
    call.arg("call")
        .arg(format!("{}/mcp/notes", server.issuer()))
        .args(["count_words", "text=three small words"]);
    call.env("VESTIBULE_TOKEN_DIR", tokens.path());
    assert_eq!(output(call, &browser, &server).await.trim(), "3");
}

#[tokio::test]
async fn a_guarded_server_behind_the_gateway_gets_no_token_of_ours() {
    let world = World::start();
    let token = world.token(&format!("{}/mcp/notes", world.server.issuer()), "use").await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let mut request = http_client::json("/mcp/notes", &initialize);
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let answer = world.server.send(request).await;
    // Its 401 is not for our client, who would look for a token in the wrong place.
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

/// What the person read at each of two sign-ins, once the browser has closed.
async fn consents(browser: &Browser) -> [String; 2] {
    let both = async {
        loop {
            let visits = browser.visits().into_iter();
            let texts = visits.map(|visit| visit.pages.into_iter().map(|page| page.text).collect());
            match <[String; 2]>::try_from(texts.collect::<Vec<_>>()) {
                Ok(both) => return both,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(ENDS_WITHIN, both).await.expect("the person signs in twice")
}

/// The guarded server, and a Vestibule that issues tokens for it and has it behind its gateway too.
struct World {
    server: Server,
    _example: Example,
    address: SocketAddr,
    url: String,
}

impl World {
    fn start() -> Self {
        let address = free_address();
        let url = format!("http://{address}/mcp");
        let configuration = format!(
            "[[resource]]\nurl = \"{url}\"\nname = \"Notes\"\nscopes = {SCOPES}\nread_only = [\"notes:read\"]\n\n\
             [[server]]\nname = \"notes\"\nkind = \"remote\"\nurl = \"{url}\"\n"
        );
        let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
        let example = Example::start("rmcp-server", &[server.issuer(), &url, &address.to_string()]);
        Self { server, _example: example, address, url }
    }

    /// A token of a client that acts for itself.
    async fn token(&self, resource: &str, scope: &str) -> String {
        let registration = json!({
            "client_name": "script",
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "scope": scope,
            "token_endpoint_auth_method": "client_secret_post",
        });
        let client = self.server.send(http_client::json("/register", &registration)).await.json();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client["client_id"].as_str().unwrap_or_default()),
            ("client_secret", client["client_secret"].as_str().unwrap_or_default()),
            ("resource", resource),
            ("scope", scope),
        ];
        let tokens = self.server.send(http_client::form("/token", &fields)).await.json();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    fn request(&self, method: &str, token: Option<&str>, tool: &str) -> Request<Bytes> {
        let mut request = http_client::json("/mcp", &call(tool));
        *request.method_mut() = method.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.address.to_string().parse().unwrap());
        headers.insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    async fn ask(&self, method: &str, token: Option<&str>, tool: &str) -> Answer {
        http_client::send(self.address, self.request(method, token, tool)).await
    }

    async fn output(&self, client: process::Command, browser: &Browser) -> String {
        output(client, browser, &self.server).await
    }

    async fn report(&self, client: process::Command, browser: &Browser) -> Value {
        serde_json::from_str(&self.output(client, browser).await).unwrap()
    }
}

/// A call as a client of 2025-06-18 makes it, to a server that keeps no sessions.
fn call(tool: &str) -> Value {
    let params = json!({ "name": tool, "arguments": { "text": "from a script" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

async fn output(mut client: process::Command, browser: &Browser, server: &Server) -> String {
    client.env("BROWSER", browser.command()).env("NO_PROXY", "127.0.0.1,localhost");
    let ended = client.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(ENDS_WITHIN, ended).await.expect("the client ends in time").unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
    String::from_utf8(output.stdout).unwrap()
}

/// A running binary of the example.
struct Example(Child);

impl Example {
    /// Starts it and waits for its one line on stdout.
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut example = Command::new(binary(name));
        let mut child = example.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        Self(child)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Cargo names the binaries of this package only; those of the example lie beside them once the workspace is built.
fn binary(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_vestibule")).with_file_name(name);
    assert!(path.exists(), "{name} is not built: run `cargo build --workspace`, or `cargo xtask test`");
    path
}

/// The server takes a port and not a listening socket, so the port is free only a moment before.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).unwrap()
}
