//! The conformance grid: clients of every revision against servers of every revision, with the gateway between them.
//!
//! The client is the conformance suite, the server `tests/clients/node/fixture` on the official TypeScript SDK. First
//! each client meets the server of its own revision directly; what passes then has to pass through the gateway, too,
//! to servers of each revision. The suite sends no token, so a proxy of the test adds one (`front`).
//!
//! What was measured is `docs/conformance.md`. What does not pass is explained in
//! `tests/clients/conformance-explanations.toml`; the test fails when something stays unexplained, when an explanation
//! explains nothing, and when the document says something else than the measurement.

mod document;
mod explanation;
mod fixture;
mod front;
mod measured;
mod verdict;

use std::{collections::BTreeMap, fs, iter};

use futures_util::{StreamExt as _, stream};

use self::{
    explanation::Explanations,
    fixture::Fixture,
    front::Front,
    measured::{Counts, measure},
    verdict::Loss,
};
use crate::{
    acting_client, clients,
    server::{Server, Settings},
};

/// The revisions of the protocol, the oldest first.
const REVISIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// Whether clients and servers of that revision speak HTTP with SSE, because there was nothing else yet.
fn is_over_http_sse(revision: &str) -> bool {
    revision < "2025-03-26"
}

/// The suite mostly waits, so that more of it than there are cores may run.
const AT_THE_SAME_TIME: usize = 4;
/// How often a cell is measured before it counts as lossy without a reason: the suite has time limits of half a second, and the tests of
/// a whole workspace may run on the same cores.
const ATTEMPTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_revision_uses_every_server_revision() {
    let (world, explanations) = (World::start().await, Explanations::read());
    let direct: BTreeMap<_, _> = stream::iter(REVISIONS)
        .map(async |revision| (revision, world.directly(revision, &explanations).await))
        .buffer_unordered(AT_THE_SAME_TIME)
        .collect()
        .await;
    let pairs = REVISIONS.iter().flat_map(|client| iter::repeat(*client).zip(REVISIONS));
    let cells: Vec<_> = stream::iter(pairs)
        .map(|(client, upstream)| world.losses(client, upstream, &direct[client], &explanations))
        .buffer_unordered(AT_THE_SAME_TIME)
        .collect()
        .await;
    let shortcomings = direct.iter().flat_map(|(revision, counts)| verdict::shortcomings(revision, counts));
    let losses: Vec<_> = shortcomings.chain(cells.into_iter().flatten()).collect();
    explanations.check(&losses);
    hold_against_the_document(&document::render(&direct, &losses, &explanations));
}

/// A server of every revision, and the gateway before all of them.
struct World {
    fixtures: BTreeMap<&'static str, Fixture>,
    gateway: Server,
    tokens: BTreeMap<&'static str, String>,
}

impl World {
    async fn start() -> Self {
        let mut fixtures = BTreeMap::new();
        for revision in REVISIONS {
            fixtures.insert(revision, Fixture::start(revision).await);
        }
        let servers = fixtures.iter().map(|(revision, fixture)| {
            format!(
                "[[server]]\nname = \"{}\"\nkind = \"remote\"\nurl = \"http://{}{}\"\n\
                 allow = [\"elicitation\", \"sampling\", \"roots\"]\n",
                name(revision),
                fixture.address(),
                fixture.path()
            )
        });
        let configuration = Some(servers.collect());
        let gateway = Server::start(&Settings { configuration, ..Settings::default() });
        let mut tokens = BTreeMap::new();
        for revision in REVISIONS {
            tokens.insert(revision, acting_client::token(&gateway, &path(revision)).await);
        }
        Self { fixtures, gateway, tokens }
    }

    /// What passes without the gateway.
    async fn directly(&self, revision: &'static str, explanations: &Explanations) -> Counts {
        let fixture = &self.fixtures[revision];
        let front = Front { server: fixture.address(), path: fixture.path().into(), token: None, revision };
        let front = front.listen().await;
        let mut counts = Counts::new();
        for _ in 0..ATTEMPTS {
            counts = measure(revision, &front).await;
            if explanations.cover(&verdict::shortcomings(revision, &counts)) {
                break;
            }
        }
        counts
    }

    /// What a client loses when it goes through the gateway to a server of that revision.
    async fn losses(
        &self,
        client: &'static str,
        upstream: &'static str,
        direct: &Counts,
        explanations: &Explanations,
    ) -> Vec<Loss> {
        let front = Front {
            server: self.gateway.address(),
            path: path(upstream) + if is_over_http_sse(client) { "/sse" } else { "" },
            token: Some(self.tokens[upstream].clone()),
            revision: client,
        };
        let front = front.listen().await;
        let mut losses = Vec::new();
        for _ in 0..ATTEMPTS {
            losses = verdict::losses(client, upstream, direct, &measure(client, &front).await);
            if explanations.cover(&losses) {
                break;
            }
        }
        losses
    }
}

fn name(revision: &str) -> String {
    format!("speaks-{revision}")
}

fn path(revision: &str) -> String {
    format!("/mcp/{}", name(revision))
}

fn hold_against_the_document(measured: &str) {
    let file = clients::repository().join("docs/conformance.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test decides whether the document is written"
    )]
    if std::env::var_os("VESTIBULE_UPDATE_CONFORMANCE").is_some() {
        fs::write(&file, measured).expect("the document can be written");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == measured,
        "docs/conformance.md is not what was measured; look at what changed with\n\
         VESTIBULE_UPDATE_CONFORMANCE=1 cargo test -p vestibule --test it grid && git diff docs/conformance.md\n\
         {measured}"
    );
}
