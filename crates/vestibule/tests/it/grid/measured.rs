//! What the suite says about one server.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use super::{front::Listening, is_over_http_sse};
use crate::{
    clients,
    conformance::{Check, Status, checks_below, suite},
};

const ENDS_WITHIN: Duration = Duration::from_mins(3);
/// The oldest revision for which the suite has scenarios to speak of.
const OLDEST_IN_THE_SUITE: &str = "2025-06-18";
/// The revisions for which the suite says what a server must pass.
const WITH_REQUIREMENTS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// How the checks of each scenario ended.
pub(super) type Counts = BTreeMap<String, Scenario>;

/// How the checks of one scenario ended. The suite names several checks alike, so they are counted.
#[derive(Debug, Default)]
pub(super) struct Scenario {
    pub(super) passed: BTreeMap<String, usize>,
    /// A warning counts as a failure; and what the suite said about it.
    pub(super) failed: BTreeMap<String, String>,
}

/// Runs the scenarios of a client revision, one after the other in one process.
pub(super) async fn measure(client: &str, server: &Listening) -> Counts {
    let results = tempfile::tempdir().expect("a temporary directory can be made");
    let mut command = suite("server");
    command.args(["--url", &server.url(), "--output-dir"]).arg(results.path());
    if WITH_REQUIREMENTS.contains(&client) {
        command.args(["--requirements", client]);
    } else {
        command.args(["--suite", "all", "--spec-version", OLDEST_IN_THE_SUITE]);
    }
    if is_over_http_sse(client) {
        let older_transport = clients::script("node/suite-over-http-sse.mjs");
        command.env("NODE_OPTIONS", format!("--import={}", older_transport.display()));
        command.env("VESTIBULE_TEST_NODE_MODULES", clients::node_modules());
    }
    // Its exit code says whether everything passed, which the checks say as well.
    let run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tokio::time::timeout(ENDS_WITHIN, run).await.expect("the suite ends in time").expect("the suite starts");
    let counts: Counts = checks_below(results.path())
        .into_iter()
        .map(|(directory, checks)| (scenario_of(&directory), Scenario::of(&checks)))
        .collect();
    assert!(!counts.is_empty(), "the suite ran nothing as a {client} client");
    counts
}

impl Scenario {
    fn of(checks: &[Check]) -> Self {
        let mut scenario = Self::default();
        for check in checks {
            if check.has_failed() {
                let said = check.error_message.as_deref().unwrap_or(&check.description);
                scenario.failed.insert(check.id.clone(), said.to_owned());
            } else if check.status == Status::Success {
                *scenario.passed.entry(check.id.clone()).or_default() += 1;
            }
        }
        scenario
    }
}

/// The suite calls a directory `server-SCENARIO-TIME`.
fn scenario_of(directory: &Path) -> String {
    let name = directory.file_name().expect("results lie in a directory").to_string_lossy();
    let time_at = name.len().checked_sub("-2026-11-20T18-58-18-382Z".len());
    let scenario = time_at.and_then(|at| name.get(..at)?.strip_prefix("server-"));
    scenario.unwrap_or_else(|| panic!("{name} is not named as the suite names results")).to_owned()
}
