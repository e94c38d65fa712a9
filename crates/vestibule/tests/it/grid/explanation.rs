//! Why something does not pass.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde::Deserialize;

use super::{REVISIONS, verdict::Loss};
use crate::clients;

/// Why a scenario, or some of its checks, does not pass between some revisions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explanation {
    pub(super) scenarios: BTreeSet<String>,
    /// The checks, when not all of the scenarios are meant.
    #[serde(default)]
    checks: BTreeSet<String>,
    /// The revisions of clients; all, when none is named.
    #[serde(default)]
    clients: BTreeSet<String>,
    /// The revisions of servers behind the gateway; all, when none is named.
    #[serde(default)]
    upstreams: BTreeSet<String>,
    pub(super) because: Because,
    pub(super) reason: String,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Because {
    /// The two revisions cannot say it to each other.
    OfTheProtocol,
    /// What the suite looks at does not come up between the two, and need not.
    NotApplicable,
    /// The gateway cannot do it yet.
    NotYet,
    /// The server does not do it, and so does not without the gateway.
    OfTheServer,
}

/// All of them, in the order of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explanations {
    #[serde(default, rename = "explanation")]
    pub(super) list: Vec<Explanation>,
}

impl Explanations {
    pub(super) fn read() -> Self {
        let file = clients::script("conformance-explanations.toml");
        let content = fs::read_to_string(file).expect("the explanations can be read");
        toml::from_str(&content).expect("the explanations are in their format")
    }

    /// The place of the explanation of a loss.
    pub(super) fn of(&self, loss: &Loss) -> Option<usize> {
        self.list.iter().position(|explanation| explanation.explains(loss))
    }

    /// Whether every loss has an explanation.
    pub(super) fn cover(&self, losses: &[Loss]) -> bool {
        losses.iter().all(|loss| self.of(loss).is_some())
    }

    /// Fails when a loss has no explanation, and when an explanation explains nothing.
    pub(super) fn check(&self, losses: &[Loss]) {
        let mut mistakes = String::new();
        for loss in losses.iter().filter(|loss| self.of(loss).is_none()) {
            let Loss { client, upstream, scenario, check, said } = loss;
            let upstream = upstream.unwrap_or("itself");
            writeln!(mistakes, "{client} client, server {upstream}: {scenario}, {check}: {said}").unwrap();
        }
        let used: BTreeSet<_> = losses.iter().filter_map(|loss| self.of(loss)).collect();
        for (place, explanation) in self.list.iter().enumerate() {
            if !used.contains(&place) {
                writeln!(mistakes, "explains nothing: {explanation:?}").unwrap();
            }
        }
        assert!(mistakes.is_empty(), "not what conformance-explanations.toml explains:\n{mistakes}");
    }
}

impl Explanation {
    fn explains(&self, loss: &Loss) -> bool {
        let is_meant = |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(name);
        let is_kind = match (self.because, loss.upstream) {
            (Because::OfTheServer, upstream) => upstream.is_none(),
            // What passes directly passes through to the same revision, or the gateway is at fault.
            (Because::OfTheProtocol, upstream) => upstream.is_some_and(|upstream| upstream != loss.client),
            (Because::NotApplicable, upstream) => upstream != Some(loss.client),
            (Because::NotYet, upstream) => upstream.is_some(),
        };
        is_kind
            && self.scenarios.contains(&loss.scenario)
            && is_meant(&self.checks, &loss.check)
            && is_meant(&self.clients, loss.client)
            && loss.upstream.is_none_or(|upstream| is_meant(&self.upstreams, upstream))
    }
}

#[test]
fn every_explanation_has_a_reason_and_names_revisions_that_there_are() {
    for explanation in Explanations::read().list {
        assert!(explanation.reason.trim().len() > 20 && !explanation.scenarios.is_empty(), "{explanation:?}");
        let mut named = explanation.clients.iter().chain(&explanation.upstreams);
        assert!(named.all(|revision| REVISIONS.contains(&revision.as_str())), "{explanation:?}");
    }
}
