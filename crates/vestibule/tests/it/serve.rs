//! What `vestibule serve` promises to whoever starts it.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use http::{Request, StatusCode};
use hyper::body::Bytes;
use tokio::process::Command;

use crate::server::{self, Server, Settings};

const ENDS_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn it_answers_that_it_is_alive_and_ready() {
    let server = Server::start(&Settings::default());
    for path in ["/health", "/ready"] {
        let answer = server.send(get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn demo_mode_says_how_to_begin_and_keeps_stdout_clean() {
    let mut server = Server::start(&Settings::default());
    let (mcp_url, log) = (server.mcp_url(), server.log_with("asyncio.run(main())\n").await);
    for told in [server::USERNAME, &mcp_url, "vestibule tools", "mcpServers", "OAuthClientProvider"] {
        assert!(log.contains(told), "no {told:?} in:\n{log}");
    }
    let stdout = server.stop();
    assert_eq!(stdout, "", "stdout has more than the one line");
}

#[tokio::test]
async fn demo_mode_is_refused_beyond_loopback() {
    for beyond in [["--listen", "0.0.0.0:0"], ["--public-url", "https://vestibule.example"]] {
        let data = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = serve();
        command.arg("--demo").args(beyond).arg("--data-dir").arg(data.path());
        let output = ended(command).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{beyond:?}: {said}");
        assert!(said.contains("on this computer only"), "{beyond:?}: {said}");
        assert_eq!(output.stdout, b"");
    }
}

#[tokio::test]
async fn an_unknown_key_of_the_configuration_is_an_error_that_names_the_line() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("vestibule.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nlissten = 1\n").expect("the file can be written");
    let mut command = serve();
    command.arg("--config").arg(&file);
    let output = ended(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("vestibule.toml:2") && said.contains("lissten"), "{said}");
}

fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("serve").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What is left of a process that must end by itself.
async fn ended(mut command: Command) -> Output {
    let output = tokio::time::timeout(ENDS_WITHIN, command.output()).await;
    output.expect("the process ends by itself").expect("the binary starts")
}

fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).expect("the path is a valid target")
}
