//! A server with everything that the suite asks for, in one revision of the protocol.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::is_over_http_sse;
use crate::clients;

const READY_WITHIN: Duration = Duration::from_mins(1);

/// The running server; it ends with the value.
pub(super) struct Fixture {
    revision: &'static str,
    address: SocketAddr,
    _process: Child,
}

impl Fixture {
    pub(super) async fn start(revision: &'static str) -> Self {
        let mut command = Command::new(clients::node());
        command.arg(clients::script("node/fixture/server.mjs")).arg(revision);
        command.env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("node starts");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let line = timeout(READY_WITHIN, lines.next_line()).await.expect("the server starts in time");
        let line = line.expect("the server can be read").unwrap_or_default();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        Self { revision, address: address.unwrap_or_else(|| panic!("{line:?}")), _process: process }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its endpoint is, or its stream.
    pub(super) fn path(&self) -> &'static str {
        if is_over_http_sse(self.revision) { "/sse" } else { "/mcp" }
    }
}
