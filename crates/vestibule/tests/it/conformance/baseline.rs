//! What is known to fail, and why.

use std::fs;

use serde::Deserialize;

use super::Check;
use crate::clients;

/// A check that is known to fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFailure {
    scenario: String,
    /// The revision of the protocol, where the suite runs the scenario in more than one.
    revision: Option<String>,
    check: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    #[serde(default)]
    expected_failure: Vec<ExpectedFailure>,
}

/// Compares the checks of one run with the baseline, both ways.
pub(super) fn judge(scenario: &str, revision: Option<&str>, checks: &[Check]) {
    let baseline = read();
    let mut expected: Vec<_> = baseline
        .expected_failure
        .iter()
        .filter(|entry| entry.scenario == scenario)
        .filter(|entry| entry.revision.is_none() || entry.revision.as_deref() == revision)
        .map(|entry| entry.check.as_str())
        .collect();
    let mut failed: Vec<_> =
        checks.iter().filter(|check| check.has_failed()).map(|check| check.id.as_str()).collect();
    expected.sort_unstable();
    failed.sort_unstable();
    failed.dedup();
    let told: Vec<_> = checks.iter().filter(|check| check.has_failed()).map(tell).collect();
    assert_eq!(failed, expected, "(failed, baseline) of {scenario} {revision:?}\n{}", told.join("\n"));
}

fn tell(check: &Check) -> String {
    let message = check.error_message.as_deref().unwrap_or(&check.description);
    format!("{:?} {}: {message}", check.status, check.id)
}

fn read() -> Baseline {
    let file = clients::script("conformance-baseline.toml");
    let content = fs::read_to_string(file).expect("the baseline can be read");
    toml::from_str(&content).expect("the baseline is in its format")
}

#[test]
fn every_entry_has_a_reason_and_a_scenario_that_runs() {
    for entry in read().expected_failure {
        assert!(!entry.reason.trim().is_empty(), "{entry:?}");
        let runs = super::client::SCENARIOS.contains(&entry.scenario.as_str())
            || super::authorization_server::SCENARIOS.contains(&entry.scenario.as_str());
        assert!(runs, "{entry:?} names a scenario that does not run");
    }
}
