//! Servers from the registries behind the gateway, used by the official SDKs. (`everything` has a file of its own.)

mod sdk;

use std::{
    fs,
    future::ready,
    path::Path,
    process::{Command as SyncCommand, Stdio},
    time::Duration,
};

use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

use self::sdk::{Report, Sdk};
use crate::{
    acting_client, clients,
    server::{Server, Settings},
};

const READY_WITHIN: Duration = Duration::from_mins(1);

#[tokio::test]
async fn filesystem_reads_and_writes_below_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let script = clients::node_modules().join("@modelcontextprotocol/server-filesystem/dist/index.js");
    let mut server = process("files", &json!([clients::node(), script, directory.path()]), "");
    let note = directory.path().join("note.txt");
    let token = acting_client::token(&server, "/mcp/files").await;

    let calls =
        json!([["write_file", { "path": note, "content": "hello" }], ["read_text_file", { "path": note }]]);
    let report = Sdk::TypeScript.calls(&server, "/mcp/files", &token, &calls).await;
    assert!(report.tools.len() > 10 && report.tools.contains(&"list_directory".to_owned()), "{report:?}");
    assert_eq!(report.texts()[1], "hello");
    assert_eq!(fs::read_to_string(&note).unwrap(), "hello");

    let calls = json!([
        ["list_directory", { "path": directory.path() }],
        ["edit_file", { "path": note, "edits": [{ "oldText": "hello", "newText": "goodbye" }] }],
        ["read_text_file", { "path": "/etc/hostname" }],
    ]);
    let report = Sdk::Python2.calls(&server, "/mcp/files", &token, &calls).await;
    assert!(report.texts()[0].contains("[FILE] note.txt"), "{report:?}");
    assert_eq!(fs::read_to_string(&note).unwrap(), "goodbye");
    assert!(report.results[2].failed, "{report:?}");
    server.stop();
}

#[tokio::test]
async fn memory_is_each_users_own() {
    let directory = tempfile::tempdir().unwrap();
    let script = clients::node_modules().join("@modelcontextprotocol/server-memory/dist/index.js");
    let file = directory.path().join("{user}.jsonl");
    let settings = format!("per_user = true\nenvironment = {{ MEMORY_FILE_PATH = {} }}\n", json!(file));
    let mut server = process("memory", &json!([clients::node(), script]), &settings);
    let alice = acting_client::token(&server, "/mcp/memory").await;
    let bob = acting_client::token(&server, "/mcp/memory").await;
    let remember = |name: &str| {
        let entity = json!({ "name": name, "entityType": "person", "observations": ["has a secret"] });
        json!([["create_entities", { "entities": [entity] }]])
    };
    let recall = json!([["read_graph", {}], ["search_nodes", { "query": "secret" }]]);

    let report = Sdk::TypeScript.calls(&server, "/mcp/memory", &alice, &remember("alice")).await;
    assert!(report.tools.contains(&"read_graph".to_owned()) && !report.results[0].failed, "{report:?}");
    let seen = Sdk::Python2.calls(&server, "/mcp/memory", &bob, &recall).await;
    for result in &seen.results {
        assert_eq!(result.structured["entities"], json!([]), "{seen:?}");
    }
    Sdk::Python1.calls(&server, "/mcp/memory", &bob, &remember("bob")).await;

    for (user, sdk, name) in
        [(&alice, Sdk::Python2, "alice"), (&alice, Sdk::TypeScript, "alice"), (&bob, Sdk::TypeScript, "bob")]
    {
        let seen = sdk.calls(&server, "/mcp/memory", user, &recall).await;
        for result in &seen.results {
            let entities = result.structured["entities"].as_array().unwrap();
            assert!(entities.len() == 1 && entities[0]["name"] == name, "{name}: {seen:?}");
        }
    }
    let files: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    server.stop();
}

#[tokio::test]
async fn fetch_reads_pages_and_needs_an_allowance_for_private_addresses() {
    let page = a_page("<html><body><h1>Opening hours</h1><p>From nine to five.</p></body></html>").await;
    let command = |more: &[&str]| {
        let mut command = vec![clients::python_servers().to_string_lossy().into_owned()];
        command.extend(["-m", "mcp_server_fetch"].into_iter().chain(more.iter().copied()).map(str::to_owned));
        json!(command)
    };
    let configuration =
        stdio("fetch", &command(&["--allow-private-ips"]), "") + &stdio("cautious", &command(&[]), "");
    let mut server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
    let calls = json!([["fetch", { "url": page }]]);
    let token = acting_client::token(&server, "/mcp/fetch").await;
    for sdk in [Sdk::TypeScript, Sdk::Python2] {
        let report = sdk.calls(&server, "/mcp/fetch", &token, &calls).await;
        assert_eq!(report.tools, ["fetch"]);
        assert!(report.texts()[0].contains("Opening hours") && !report.results[0].failed, "{report:?}");
        assert!(report.texts()[0].contains("From nine to five."), "{report:?}");
    }
    let token = acting_client::token(&server, "/mcp/cautious").await;
    let report = Sdk::Python2.calls(&server, "/mcp/cautious", &token, &calls).await;
    assert!(report.results[0].failed && !report.texts()[0].contains("Opening"), "{report:?}");
    server.stop();
}

#[tokio::test]
async fn git_shows_and_changes_a_repository() {
    let repository = a_repository();
    let path = repository.path();
    let command = json!([clients::python_servers(), "-m", "mcp_server_git", "--repository", path]);
    let environment = "environment = { GIT_AUTHOR_NAME = \"Ada\", GIT_AUTHOR_EMAIL = \"ada@example.com\", \
                       GIT_COMMITTER_NAME = \"Ada\", GIT_COMMITTER_EMAIL = \"ada@example.com\" }\n";
    let mut server = process("git", &command, environment);
    let token = acting_client::token(&server, "/mcp/git").await;

    let calls = json!([["git_log", { "repo_path": path }], ["git_status", { "repo_path": path }]]);
    let report = Sdk::TypeScript.calls(&server, "/mcp/git", &token, &calls).await;
    assert!(report.tools.contains(&"git_commit".to_owned()), "{report:?}");
    assert!(report.texts()[0].contains("the first page"), "{report:?}");
    assert!(report.texts()[1].contains("clean"), "{report:?}");

    fs::write(path.join("second.txt"), "second").unwrap();
    let calls = json!([
        ["git_add", { "repo_path": path, "files": ["second.txt"] }],
        ["git_commit", { "repo_path": path, "message": "the second page" }],
        ["git_log", { "repo_path": path }],
        ["git_log", { "repo_path": "/" }],
    ]);
    let report = Sdk::Python2.calls(&server, "/mcp/git", &token, &calls).await;
    assert!(report.texts()[2].contains("the second page"), "{report:?}");
    assert!(report.results[3].failed, "{report:?}");
    assert!(git(path, &["log", "--format=%s %an"]).contains("the second page Ada"));
    server.stop();
}

#[tokio::test]
async fn a_fastmcp_server_elsewhere_is_used_by_every_line_of_the_sdks() {
    let fastmcp = FastMcp::listen().await;
    let configuration = format!(
        "[[server]]\nname = \"workshop\"\nkind = \"remote\"\nurl = \"http://{}/mcp\"\n",
        fastmcp.address
    );
    let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
    let token = acting_client::token(&server, "/mcp/workshop").await;
    for sdk in Sdk::ALL {
        let report = sdk.calls(&server, "/mcp/workshop", &token, &workshop_calls()).await;
        check_workshop(sdk, &report);
        assert_eq!(report.protocol_version, sdk.newest_revision());
    }
    // FastMCP itself cannot ask in the stateless revision.
    for sdk in [Sdk::TypeScriptWithSessions, Sdk::Python1] {
        let report = sdk.calls(&server, "/mcp/workshop", &token, &json!([["greet", {}]])).await;
        assert_eq!(report.texts(), ["Hello, Ada!"]);
    }
}

#[tokio::test]
async fn a_fastmcp_server_as_a_process_is_used_by_every_line_of_the_sdks() {
    let command = json!([clients::python_servers(), clients::script("python/fastmcp_server.py"), "stdio"]);
    let mut server = process("workshop", &command, "");
    let token = acting_client::token(&server, "/mcp/workshop").await;
    for sdk in Sdk::ALL {
        check_workshop(sdk, &sdk.calls(&server, "/mcp/workshop", &token, &workshop_calls()).await);
    }
    server.stop();
}

fn workshop_calls() -> Value {
    json!([["add", { "a": 20, "b": 22 }], ["count", { "to": 3 }], ["divide", { "a": 1, "b": 0 }]])
}

fn check_workshop(sdk: Sdk, report: &Report) {
    assert_eq!(report.server, "workshop", "{sdk:?}");
    assert_eq!(report.tools, ["add", "count", "greet", "divide"], "{sdk:?}");
    assert_eq!(report.results[0].structured, json!({ "total": 42 }), "{sdk:?}: {report:?}");
    assert_eq!(report.texts()[1], "counted to 3", "{sdk:?}");
    assert!(
        report.results[2].failed && report.texts()[2].contains("division by zero"),
        "{sdk:?}: {report:?}"
    );
}

/// The gateway with one server that it starts itself.
fn process(name: &str, command: &Value, more: &str) -> Server {
    let configuration = Some(stdio(name, command, more));
    Server::start(&Settings { configuration, ..Settings::default() })
}

fn stdio(name: &str, command: &Value, more: &str) -> String {
    format!("[[server]]\nname = \"{name}\"\nkind = \"stdio\"\ncommand = {command}\n{more}")
}

/// A web server on this computer with one page and no robots.txt.
async fn a_page(html: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page", listener.local_addr().unwrap());
    let answer = move |request: Request<Incoming>| {
        let (status, body) = if request.uri().path() == "/page" { (200, html) } else { (404, "") };
        let response = Response::builder().status(status).header("content-type", "text/html");
        ready(response.body(Full::new(Bytes::from_static(body.as_bytes()))))
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    url
}

/// A git repository with one commit.
fn a_repository() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("first.txt"), "first").unwrap();
    git(directory.path(), &["init", "--quiet"]);
    git(directory.path(), &["add", "first.txt"]);
    let author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    git(directory.path(), &[&author[..], &["commit", "--quiet", "--message", "the first page"]].concat());
    directory
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = SyncCommand::new("git").current_dir(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A `FastMCP` server that listens; it ends with the value.
struct FastMcp {
    address: String,
    _process: Child,
}

impl FastMcp {
    async fn listen() -> Self {
        let mut command = Command::new(clients::python_servers());
        command.arg(clients::script("python/fastmcp_server.py")).arg("http");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(READY_WITHIN, lines.next_line()).await.expect("it starts in time").unwrap();
        let line = line.unwrap_or_default();
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { address, _process: process }
    }
}
