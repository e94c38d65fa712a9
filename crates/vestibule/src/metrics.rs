//! What can be measured while the server runs, in the text format of Prometheus, on a listener of its own.
//!
//! Every metric there is stands in [`Metrics::new`] with its meaning; `docs/metrics.md` is held against it by a test.
//!
//! Labels are bounded by the configuration: endpoints are patterns of routes, servers and tools those that are
//! configured. A client, a person or a name that a stranger chose never becomes a label.
//!
//! What happens on the way of a request is counted in atomics behind handles that are resolved once. What can be looked
//! up is looked up when somebody asks ([`state`]).

mod durations;
mod endpoint;
mod events;
mod memory;
mod requests;
mod state;

use std::{net::SocketAddr, sync::Arc};

use audit::Auditor;
use axum::Router;
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use store::Store;
use tokio::task::JoinSet;

pub(crate) use self::state::Observed;
use self::{
    durations::Durations,
    events::{Counted, Events},
    requests::Requests,
    state::State,
};
use crate::{
    audit::Backlog,
    config::connections::Connections,
    listener::{Listener, Routes},
};

/// Everything that is measured. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Arc<Requests>,
    events: Arc<Events>,
    state: Arc<State>,
}

impl Metrics {
    /// Begins to measure: the store from here on, the rest when it is asked for by the other methods.
    pub(crate) fn new(store: &Store, backlog: Backlog) -> Self {
        let mut registry = Registry::with_prefix("vestibule");
        let requests = Arc::new(Requests::default());
        let events = Arc::new(Events::default());
        let state = Arc::new(State::new(backlog));
        let commits = Commits::default();

        let Requests { total, durations, event_streams, tokens, .. } = &*requests;
        registry.register("http_requests", "Requests, by endpoint and status", total.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time until the head of the answer, by endpoint",
            durations.clone(),
        );
        registry.register(
            "http_event_streams",
            "Event streams that are open, by endpoint",
            event_streams.clone(),
        );
        registry.register("token_requests", "Requests for tokens, by grant type and outcome", tokens.clone());
        let Events { calls, durations, security, .. } = &*events;
        registry.register("tool_calls", "Tool calls, by server, tool and outcome", calls.clone());
        registry.register(
            "tool_call_duration_seconds",
            "Time until the end of a tool call's answer, by server, in whole milliseconds",
            durations.clone(),
        );
        registry.register(
            "security_events",
            "What the audit log keeps beside tool calls, by kind and outcome",
            security.clone(),
        );
        let Commits { groups, batches, failures, durations } = &commits;
        registry.register("database_commits", "Transactions that were committed", groups.clone());
        registry.register("database_batches", "Batches of writes in these transactions", batches.clone());
        registry.register("database_commit_failures", "Transactions that failed", failures.clone());
        registry.register(
            "database_commit_duration_seconds",
            "Time from the beginning of a transaction to its end on the disk",
            durations.clone(),
        );
        registry.register_collector(Box::new(Arc::clone(&state)));

        store.observe_commits(move |commit| commits.count(commit));
        Self { registry: Arc::new(registry), requests, events, state }
    }

    /// All of them as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Fails only when a string cannot be written to.
        text::encode(&mut text, &self.registry).unwrap_or_default();
        text
    }

    /// Counts the requests to all routes of `router`.
    pub(crate) fn measuring(&self, router: Router) -> Router {
        requests::measuring(router, &self.requests)
    }

    /// Counts what `auditor` is told.
    pub(crate) fn counting(&self, auditor: Arc<dyn Auditor>) -> Arc<dyn Auditor> {
        Arc::new(Counted::new(auditor, Arc::clone(&self.events)))
    }

    /// Tells them at `address` until the value is dropped.
    pub(crate) async fn serve(
        &self,
        address: SocketAddr,
        connections: &Connections,
    ) -> anyhow::Result<JoinSet<()>> {
        let listener = Listener::bind(address).await?;
        tracing::info!("metrics at http://{}/metrics", listener.address());
        let routes = Routes::new(endpoint::router(self.clone(), listener.address()));
        let connections = connections.clone();
        let mut server = JoinSet::new();
        server.spawn(async move { listener.serve(&routes, &connections, std::future::pending()).await });
        Ok(server)
    }

    /// These are the servers now.
    pub(crate) fn observe(&self, servers: Vec<Observed>) {
        self.events.know(&servers);
        self.state.observe(servers);
    }
}

/// What the database does.
#[derive(Default)]
struct Commits {
    groups: Counter,
    batches: Counter,
    failures: Counter,
    durations: Durations,
}

impl Commits {
    fn count(&self, commit: store::Commit) {
        if commit.succeeded {
            self.groups.inc();
            self.batches.inc_by(commit.batches as u64);
        } else {
            self.failures.inc();
        }
        self.durations.observe(commit.took);
    }
}

type Counters<L> = Family<L, Counter>;
type Gauges<L> = Family<L, Gauge>;

#[cfg(test)]
mod tests;
