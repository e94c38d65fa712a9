//! The official SDKs as users of a server that they know nothing about before.

use std::{path::Path, process::Stdio, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use crate::{clients, server::Server};

const ENDS_WITHIN: Duration = Duration::from_mins(2);

/// A line of an SDK.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sdk {
    /// TypeScript, which finds out that the gateway speaks the newest revision.
    TypeScript,
    /// The same, told to open a session.
    TypeScriptWithSessions,
    /// Python, 1.x, which knows sessions only.
    Python1,
    /// Python, 2.x, which finds out as well.
    Python2,
}

/// What a client has seen.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) protocol_version: String,
    pub(super) server: String,
    pub(super) tools: Vec<String>,
    pub(super) results: Vec<CallResult>,
}

/// What came of one call.
#[derive(Debug, Deserialize)]
pub(super) struct CallResult {
    text: String,
    pub(super) structured: Value,
    pub(super) failed: bool,
}

impl Sdk {
    pub(super) const ALL: [Self; 4] =
        [Self::TypeScript, Self::TypeScriptWithSessions, Self::Python1, Self::Python2];

    /// The newest revision that it speaks.
    pub(super) fn newest_revision(self) -> &'static str {
        match self {
            Self::TypeScript | Self::Python2 => "2026-07-28",
            Self::TypeScriptWithSessions | Self::Python1 => "2025-11-25",
        }
    }

    /// Lists the tools of the server at `path` and makes the calls: `[[tool, arguments], …]`.
    pub(super) async fn calls(self, server: &Server, path: &str, token: &str, calls: &Value) -> Report {
        let mut command = self.command();
        let url = format!("{}{path}", server.issuer());
        command.arg(url);
        match self {
            Self::TypeScript => command.arg("auto"),
            Self::TypeScriptWithSessions => command.arg("legacy"),
            Self::Python1 | Self::Python2 => &mut command,
        };
        command
            .arg(calls.to_string())
            .env("VESTIBULE_TEST_TOKEN", token)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(ENDS_WITHIN, command.output()).await.expect("the client ends in time").unwrap();
        let (said, log) = (String::from_utf8_lossy(&output.stderr), server.log());
        assert!(output.status.success(), "{self:?}: {said}\n{log}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn command(self) -> Command {
        match self {
            Self::TypeScript | Self::TypeScriptWithSessions => {
                let mut command = Command::new(clients::node());
                command.arg(clients::script("node/calls.mjs"));
                command.env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules());
                command
            }
            Self::Python1 => python(&clients::python_1()),
            Self::Python2 => python(&clients::python_2()),
        }
    }
}

fn python(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(clients::script("python/calls.py"));
    command
}

impl Report {
    /// What the results say.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.results.iter().map(|result| result.text.as_str()).collect()
    }
}
