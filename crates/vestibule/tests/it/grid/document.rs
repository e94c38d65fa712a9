//! `docs/conformance.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use serde_json::Value;

use super::{
    REVISIONS,
    explanation::{Because, Explanations},
    measured::Counts,
    verdict::Loss,
};
use crate::clients;

/// The document, from the measurements alone.
pub(super) fn render(
    direct: &BTreeMap<&'static str, Counts>,
    losses: &[Loss],
    explanations: &Explanations,
) -> String {
    let grid = Grid { direct, losses, explanations };
    let mut text = introduction();
    grid.overview(&mut text);
    grid.reasons(&mut text);
    for client in REVISIONS {
        grid.scenarios(&mut text, client);
    }
    text
}

fn introduction() -> String {
    format!(
        "<!-- Written by a test: crates/vestibule/tests/it/grid.rs. VESTIBULE_UPDATE_CONFORMANCE=1 writes it anew. -->\n\
         # Conformance\n\n\
         What the conformance suite of the Model Context Protocol finds behind Vestibule's gateway, between every\n\
         revision of a client and every revision of a server. A test measures this and fails when it is no longer so.\n\n\
         - The client is the suite, `@modelcontextprotocol/conformance` {}: the scenarios that 2025-11-25 and 2026-07-28\n  \
           require, and for older clients those that the suite has for 2025-06-18, the oldest revision that it covers,\n  \
           with `initialize` asking for the older revision.\n\
         - The server is `tests/clients/node/fixture`, on the official TypeScript SDK (`@modelcontextprotocol/server`\n  \
           {}), and speaks one revision only.\n\
         - 2024-11-05 is spoken over HTTP with SSE, by client and server; everything newer over Streamable HTTP.\n\
         - \"Direct\" is without the gateway: the client meets a server of its own revision.\n\
         - A scenario passes when all of its checks pass that pass directly. A check that is left out, and one that\n  \
           warns, count as failed.\n\n",
        pinned("@modelcontextprotocol/conformance"),
        pinned("@modelcontextprotocol/server"),
    )
}

/// The version of a package in `package.json`.
fn pinned(package: &str) -> String {
    let content = fs::read(clients::script("node/package.json")).expect("the packages are listed");
    let content: Value = serde_json::from_slice(&content).expect("the list is JSON");
    content["dependencies"][package].as_str().expect("the package is pinned").to_owned()
}

struct Grid<'a> {
    direct: &'a BTreeMap<&'static str, Counts>,
    losses: &'a [Loss],
    explanations: &'a Explanations,
}

impl Grid<'_> {
    fn overview(&self, text: &mut String) {
        text.push_str("## Scenarios that pass\n\n| client | direct |");
        heads(text);
        for client in REVISIONS {
            let scenarios = self.direct[client].len();
            let directly = self.failing(client, None);
            write!(text, "| **{client}** | {} of {scenarios} |", scenarios - directly.len()).unwrap();
            for upstream in REVISIONS {
                let all = scenarios - directly.len();
                let lost = self.failing(client, Some(upstream)).difference(&directly).count();
                write!(text, " {} of {all} |", all - lost).unwrap();
            }
            text.push('\n');
        }
        text.push_str("\nThrough the gateway, the scenarios count that pass directly.\n\n");
    }

    fn failing(&self, client: &'static str, upstream: Option<&'static str>) -> BTreeSet<&str> {
        let losses = self.losses.iter().filter(|loss| loss.client == client && loss.upstream == upstream);
        losses.map(|loss| loss.scenario.as_str()).collect()
    }

    fn reasons(&self, text: &mut String) {
        for (because, title) in [
            (Because::OfTheProtocol, "What the protocol makes impossible"),
            (Because::NotApplicable, "What does not come up"),
            (Because::NotYet, "What the gateway does not do yet"),
            (Because::OfTheServer, "What the server of the tests does not do"),
        ] {
            let list = self.explanations.list.iter().enumerate();
            let of_this_kind: Vec<_> =
                list.filter(|(_, explanation)| explanation.because == because).collect();
            if of_this_kind.is_empty() {
                continue;
            }
            writeln!(text, "## {title}\n").unwrap();
            for (place, explanation) in of_this_kind {
                writeln!(text, "- **[{}]** {}", place + 1, explanation.reason.trim()).unwrap();
            }
            text.push('\n');
        }
    }

    fn scenarios(&self, text: &mut String, client: &'static str) {
        write!(text, "## Clients of {client}\n\n| scenario | direct |").unwrap();
        heads(text);
        for scenario in self.direct[client].keys() {
            write!(text, "| {scenario} |").unwrap();
            for upstream in columns() {
                write!(text, " {} |", self.cell(client, upstream, scenario)).unwrap();
            }
            text.push('\n');
        }
        text.push('\n');
    }

    /// The reasons why a scenario does not pass; what fails directly is not expected of the gateway.
    fn cell(&self, client: &str, upstream: Option<&str>, scenario: &str) -> String {
        let lost = self.losses.iter().filter(|loss| {
            let is_here = loss.upstream.is_none() || loss.upstream == upstream;
            loss.client == client && loss.scenario == scenario && is_here
        });
        let places: BTreeSet<_> = lost.filter_map(|loss| self.explanations.of(loss)).collect();
        let cell: Vec<_> = places.into_iter().map(|place| format!("[{}]", place + 1)).collect();
        if cell.is_empty() { "✓".into() } else { cell.join(" ") }
    }
}

/// Directly, then the server of each revision behind the gateway.
fn columns() -> impl Iterator<Item = Option<&'static str>> {
    [None].into_iter().chain(REVISIONS.map(Some))
}

fn heads(text: &mut String) {
    for upstream in REVISIONS {
        write!(text, " server {upstream} |").unwrap();
    }
    writeln!(text, "\n|---|{}", "---|".repeat(REVISIONS.len() + 1)).unwrap();
}
