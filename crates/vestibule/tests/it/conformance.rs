//! The conformance suite of the Model Context Protocol (`@modelcontextprotocol/conformance`), pinned.
//!
//! A scenario passes when none of its checks is a failure *or a warning*, but for the checks that stand in
//! `tests/clients/conformance-baseline.toml` with a reason; and a check that stands there must not pass.

mod authorization_server;
mod baseline;
mod client;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use crate::clients;

/// One thing that the suite has looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Check {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) description: String,
    pub(crate) error_message: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

impl Check {
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.status, Status::Failure | Status::Warning)
    }
}

/// The suite's command line.
pub(crate) fn suite(mode: &str) -> Command {
    let mut command = Command::new(clients::node());
    command.arg(clients::node_modules().join("@modelcontextprotocol/conformance/dist/index.js"));
    command.arg(mode).kill_on_drop(true);
    command
}

/// The checks of every scenario that left a `checks.json` below the directory, by the name of the
/// directory that holds it.
pub(crate) fn checks_below(directory: &Path) -> BTreeMap<PathBuf, Vec<Check>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("the suite's results can be listed") {
        let path = entry.expect("the suite's results can be listed").path();
        if path.is_dir() {
            found.append(&mut checks_below(&path));
        } else if path.ends_with("checks.json") {
            let content = fs::read(&path).expect("the suite's results can be read");
            let checks = serde_json::from_slice(&content).expect("the suite writes its checks as JSON");
            found.insert(directory.to_owned(), checks);
        }
    }
    found
}
