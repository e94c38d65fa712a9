//! `vestibule server add`, `list`, `test` and `remove`.

use std::{fs, net::SocketAddr, process::Stdio, time::Duration};

use axum::{Json, Router, response::IntoResponse as _, routing::post};
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::server::{Server, Settings};

const ENDS_WITHIN: Duration = Duration::from_mins(1);
const FILE: &str = "# our servers\n\n[limits]  # strict\nfailed_logins = 3\n";

struct Operator(TempDir);

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Operator {
    fn new(configuration: &str) -> Self {
        let operator = Self(tempfile::tempdir().unwrap());
        fs::write(operator.file(), configuration).unwrap();
        operator
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("vestibule.toml")
    }

    fn configuration(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    async fn runs(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.arg("server").arg(arguments[0]).arg("--config").arg(self.file()).args(&arguments[1..]);
        command.arg("--data-dir").arg(self.0.path());
        // What follows -- is the command of the new server.
        if let Some(position) = arguments.iter().position(|argument| *argument == "--") {
            command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
            command.arg("server").args(&arguments[..position]).arg("--config").arg(self.file());
            command.args(&arguments[position..]);
        }
        command.env("TOKEN_OF_THE_TEST", "from here").stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(ENDS_WITHIN, command.output()).await.expect("it ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

#[tokio::test]
async fn servers_are_added_listed_and_removed() {
    let operator = Operator::new(FILE);
    let ended =
        operator.runs(&["add", "far", "https://far.example/mcp", "--title", "Far", "--scope", "far"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "/mcp/far\n"), "{}", ended.stderr);
    let ended = operator
        .runs(&["add", "near", "--env", "TOKEN_OF_THE_TEST", "--env", "A=b", "--", "npx", "-y", "it"])
        .await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "/mcp/near\n"), "{}", ended.stderr);
    let expected = format!(
        "{FILE}\n[[server]]\nname = \"far\"\nkind = \"remote\"\nurl = \"https://far.example/mcp\"\ntitle = \"Far\"\nscope = \"far\"\n\n[[server]]\nname = \"near\"\nkind = \"stdio\"\ncommand = [\"npx\", \"-y\", \"it\"]\nenvironment = {{ TOKEN_OF_THE_TEST = \"from here\", A = \"b\" }}\n"
    );
    assert_eq!(operator.configuration(), expected);

    let listed = operator.runs(&["list"]).await;
    let table = "NAME  KIND    PATH       BEHIND\nfar   remote  /mcp/far   https://far.example/mcp\nnear  stdio   /mcp/near  npx -y it\n";
    assert_eq!(listed.stdout, table);
    assert!(!listed.stdout.contains("from here"), "the environment is not shown");
    let listed: Value = serde_json::from_str(&operator.runs(&["list", "--json"]).await.stdout).unwrap();
    assert_eq!(listed[0]["title"], "Far");
    assert_eq!(listed[1]["path"], "/mcp/near");

    for name in ["far", "near"] {
        let ended = operator.runs(&["remove", name]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert_eq!(operator.configuration(), FILE);
}

#[tokio::test]
async fn a_mistake_changes_nothing_and_is_explained() {
    let operator = Operator::new(FILE);
    for (arguments, code, told) in [
        (&["add", "Far", "https://far.example/mcp"][..], 2, "cannot be called so"),
        (&["add", "far", "http://far.example/mcp"], 2, "hint: write https://"),
        (&["add", "far"], 2, "required"),
        (&["add", "far", "https://far.example/mcp", "--per-user"], 2, "cannot be used with"),
        (&["remove", "far"], 1, "there is no server \"far\""),
        (&["test", "far"], 1, "there is no server \"far\""),
    ] {
        let ended = operator.runs(arguments).await;
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(told) && ended.stdout.is_empty(), "{arguments:?}: {}", ended.stderr);
        assert_eq!(operator.configuration(), FILE, "{arguments:?}");
    }
    fs::write(operator.file(), "[limits]\nx = 1\n").unwrap();
    let ended = operator.runs(&["list"]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("vestibule.toml:2: unknown field `x`"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_running_server_takes_an_added_server_over() {
    let server = Server::start(&Settings { configuration: Some(FILE.to_owned()), ..Settings::default() });
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(["server", "add", "far", "https://far.example/mcp", "--config"])
        .arg(server.configuration_file());
    assert!(command.output().await.unwrap().status.success());
    server.log_with("the configuration was read again and is in force").await;
    let request = http::Request::get("/mcp/far").body(hyper::body::Bytes::new()).unwrap();
    assert_eq!(server.send(request).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_test_says_step_by_step_what_works() {
    let operator = Operator::new(FILE);
    let modern = upstream(|method| match method {
        "server/discover" => (StatusCode::OK, json!({ "result": {
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "new\u{1b}[2J", "version": "2" } } } })),
        _ => (StatusCode::OK, json!({ "result": { "resultType": "complete", "tools": [{ "name": "a" }, { "name": "b" }] } })),
    })
    .await;
    let ended = operator.runs(&["test", &modern]).await;
    let expected = "ok  an HTTP server answers\nok  it speaks MCP 2026-07-28, without a handshake\nok  it calls itself new[2J 2\nok  it has 2 tools: a, b\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected), "{}", ended.stderr);

    let legacy = upstream(|method| match method {
        "initialize" => (StatusCode::OK, json!({ "result": { "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": { "name": "old", "version": "1" } } })),
        "notifications/initialized" => (StatusCode::ACCEPTED, Value::Null),
        _ => (StatusCode::BAD_REQUEST, json!({ "error": { "code": -32000, "message": "no session" } })),
    })
    .await;
    let ended = operator.runs(&["test", &legacy]).await;
    let expected = "ok  an HTTP server answers\nok  it speaks MCP 2025-06-18, opened with initialize\nok  it calls itself old 1\nok  it offers no tools\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected), "{}", ended.stderr);

    let closed = upstream(|_| (StatusCode::UNAUTHORIZED, Value::Null)).await;
    let ended = operator.runs(&["test", &closed]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "ok  an HTTP server answers\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("asks for an access token (HTTP status 401)"), "{}", ended.stderr);

    let ended = operator.runs(&["test", "http://127.0.0.1:1/mcp"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("cannot connect to 127.0.0.1"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_test_starts_a_process_and_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("server.py");
    fs::write(&script, include_str!("reload/patient_server.py")).unwrap();
    let operator = Operator::new(FILE);
    let (script, path) = (script.display().to_string(), directory.path().display().to_string());
    operator.runs(&["add", "near", "--", "python3", &script, &path]).await;
    let ended = operator.runs(&["test", "near"]).await;
    assert!(
        ended.stdout.ends_with("ok  it calls itself patient 1\nok  it has 2 tools: wait, pid\n"),
        "{}",
        ended.stdout
    );
    let started = fs::read_dir(directory.path()).unwrap().filter_map(|file| {
        file.unwrap().file_name().to_str().unwrap().strip_prefix("pid-").map(str::to_owned)
    });
    let started: Vec<_> = started.collect();
    assert_eq!(started.len(), 1);
    assert!(!std::path::Path::new("/proc").join(&started[0]).exists(), "it is gone");

    operator.runs(&["add", "nobody", "--", "/nowhere/program"]).await;
    let ended = operator.runs(&["test", "nobody"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
}

/// A server that answers by the method of the request; its URL.
async fn upstream(answer: fn(&str) -> (StatusCode, Value)) -> String {
    let respond = move |Json(request): Json<Value>| async move {
        let (status, mut body) = answer(request["method"].as_str().unwrap_or_default());
        if !body.is_object() {
            return status.into_response();
        }
        body["jsonrpc"] = json!("2.0");
        body["id"] = request["id"].clone();
        (status, Json(body)).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let router = Router::new().route("/mcp", post(respond));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/mcp")
}
