//! A server on an official SDK that speaks nothing but HTTP with SSE, used through the gateway by the official Python SDK:
//! over the same transport, and over Streamable HTTP.

mod streams;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

use crate::{
    acting_client, clients,
    server::{Server, Settings},
};

const ENDS_WITHIN: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_python_sdk_uses_an_old_server_over_both_transports() {
    let world = World::start().await;
    let token = acting_client::token(&world.server, "/mcp/old").await;
    for (path, transport) in [("/mcp/old", ""), ("/mcp/old/sse", "sse")] {
        let mut client = Command::new(clients::python_1());
        client.arg(clients::script("python/old_server.py"));
        client.args([&format!("{}{path}", world.server.issuer()), transport]);
        let report = world.report(client.env("VESTIBULE_TEST_TOKEN", &token)).await;
        assert_eq!(report["protocol_version"], "2025-11-25", "{transport}: {report}");
        assert_eq!(report["server"], "old");
        assert_eq!(report["tools"], json!(["add", "count", "greet"]));
        assert_eq!(report["added"], "42");
        assert_eq!(report["counted"], "done");
        assert_eq!(report["progress"], json!([1.0, 2.0, 3.0]), "{transport}: {report}");
        assert_eq!(report["greeted"], "Hello, Ada", "what the server asks, the client answers");
    }
}

#[tokio::test]
async fn an_operator_sees_that_an_old_server_works() {
    let world = World::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut test = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    test.args(["server", "test", "old", "--config"]).arg(world.server.configuration_file());
    test.arg("--data-dir").arg(data.path());
    let output = timeout(ENDS_WITHIN, test.kill_on_drop(true).output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("3 tools: add, count, greet"), "{said}");
}

/// The server and the gateway before it.
struct World {
    server: Server,
    _old: Child,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut old = Command::new(clients::python_1());
        old.arg(clients::script("python/sse_server.py")).arg(address.port().to_string());
        old.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::null());
        let old = old.stderr(Stdio::null()).kill_on_drop(true).spawn().expect("Python starts");
        timeout(ENDS_WITHIN, listening(address)).await.expect("the server listens");
        let configuration =
            format!("[[server]]\nname = \"old\"\nkind = \"remote\"\nurl = \"http://{address}/sse\"\n");
        let server = Server::start(&Settings { configuration: Some(configuration), ..Settings::default() });
        Self { server, _old: old }
    }

    /// What a client's script prints at its end.
    async fn report(&self, client: &mut Command) -> Value {
        let client = client.env("NO_PROXY", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
        let ended = client.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = timeout(ENDS_WITHIN, ended).await.expect("the client ends in time").unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("no report ({error}):\n{}\n{}", String::from_utf8_lossy(&output.stderr), self.server.log())
        })
    }
}

async fn listening(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
}
