//! One node or two of one installation, before the provider's API.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tempfile::TempDir;

use super::provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use crate::{
    attacks::world::{UNHURRIED, World},
    metrics, postgresql,
    server::{Server, Settings},
};

/// What every node calls itself; its own port is another one each time.
const PUBLIC_URL: &str = "http://localhost:9";

/// The nodes, the provider, and what both are made of.
pub(super) struct Installation {
    pub(super) provider: Provider,
    nodes: Vec<World>,
    settings: Settings,
    data: TempDir,
    /// Stopped when nobody needs it any more, which is after the nodes.
    _postgresql: Option<Arc<postgresql::Server>>,
}

impl Installation {
    /// One node with the embedded database.
    pub(super) async fn alone() -> Self {
        Self::start(1, None, None).await
    }

    /// One node that logs everything.
    pub(super) async fn talkative() -> Self {
        Self::start(1, None, Some("trace")).await
    }

    /// Two nodes on one PostgreSQL.
    pub(super) async fn of_two() -> Self {
        Self::start(2, Some(postgresql::Server::shared()), None).await
    }

    /// Two nodes on one PostgreSQL of their own, for tests that hurt it.
    pub(super) async fn of_two_apart() -> Self {
        Self::start(2, Some(Arc::new(postgresql::Server::start())), None).await
    }

    async fn start(
        number: usize,
        postgresql: Option<Arc<postgresql::Server>>,
        log: Option<&'static str>,
    ) -> Self {
        let (provider, data) = (Provider::start().await, tempfile::tempdir().unwrap());
        let settings = Settings {
            public_url: Some(PUBLIC_URL.to_owned()),
            database: postgresql.as_ref().map(|postgresql| postgresql.create_database()),
            configuration: Some(configuration(&provider, &data)),
            log,
            data_directory: Some(data.path().join("data")),
            ..Settings::default()
        };
        let nodes = (0..number).map(|_| node(&settings)).collect();
        Self { provider, nodes, settings, data, _postgresql: postgresql }
    }

    /// The API refuses every token that there is, and the last time that it did so is more than an hour ago: what it
    /// refuses again and again is not renewed any more.
    pub(super) fn refuse_tokens(&self) {
        let file = self.data_directory().join("vestibule.sqlite3");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.busy_timeout(SOON).unwrap();
        connection.execute("UPDATE credentials SET refusals = 0, refusals_since = 0", []).unwrap();
        self.provider.expire_access_tokens();
    }

    /// The first node.
    pub(super) fn node(&self) -> &World {
        &self.nodes[0]
    }

    pub(super) fn nodes(&self) -> &[World] {
        &self.nodes
    }

    /// The database as `--database` takes it; nothing with the embedded one.
    pub(super) fn database(&self) -> &str {
        self.settings.database.as_deref().unwrap_or_default()
    }

    /// The metrics of the first node.
    pub(super) async fn metrics(&self) -> String {
        let server = &self.node().server;
        metrics::read(metrics::metrics_address(server).await, "/metrics").await
    }

    pub(super) fn data_directory(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Ends the first node with no chance to do anything, and starts it again.
    pub(super) fn kill_and_start(&mut self) {
        let server = Arc::get_mut(&mut self.nodes[0].server).expect("nobody else holds the node");
        server.kill();
        self.nodes[0] = node(&self.settings);
    }
}

fn node(settings: &Settings) -> World {
    World { server: Arc::new(Server::start(settings)) }
}

/// The same API behind two servers: once as the MCP server that it also is, once by its `OpenAPI` document.
fn configuration(provider: &Provider, data: &TempDir) -> String {
    let document = data.path().join("hub.json");
    std::fs::write(&document, provider.api.document().to_string()).unwrap();
    let (url, api, document) = (provider.url(), provider.api.url(), document.display());
    format!(
        r#"{UNHURRIED}
access_token = "1h"

[telemetry]
metrics = "127.0.0.1:0"

[[provider]]
name = "hub"
title = "Hub"
authorization_endpoint = "{url}/authorize"
token_endpoint = "{url}/token"
revocation_endpoint = "{url}/revoke"
account = "{url}/userinfo"
account_name = ["/name"]
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
scope = "repo"

[[server]]
name = "hub"
kind = "remote"
url = "{api}/mcp"
provider = "hub"

[[server]]
name = "rest"
kind = "openapi"
document = "{document}"
base_url = "{api}"
provider = "hub"
"#
    )
}

/// How long a test waits for what has to come, on a machine that is busy with other tests.
pub(super) const SOON: Duration = Duration::from_mins(1);
