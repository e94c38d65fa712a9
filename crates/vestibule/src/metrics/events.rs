//! What the audit log is told, counted on its way there: tool calls, and what the authorization server decided.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use audit::{Auditor, Event, Kind, Observer, Outcome, Reservation};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{Counters, Durations, state::Observed};

/// More tools of one server than this are counted as one.
const MAXIMUM_TOOLS: usize = 64;
/// Where a call of a tool is counted that no configuration names, and one that there is not.
const OTHER: &str = "other";
const OUTCOMES: [Outcome; 4] = [Outcome::Succeeded, Outcome::Refused, Outcome::Failed, Outcome::Abandoned];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    server: String,
    tool: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ServerLabel {
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SecurityLabels {
    kind: String,
    outcome: &'static str,
}

/// Everything that is counted of events.
#[derive(Default)]
pub(super) struct Events {
    pub(super) calls: Counters<CallLabels>,
    pub(super) durations: Family<ServerLabel, Durations>,
    pub(super) security: Counters<SecurityLabels>,
    servers: ArcSwap<HashMap<String, Server>>,
}

/// The handles of one server.
struct Server {
    tools: HashMap<String, [Counter; OUTCOMES.len()]>,
    other: [Counter; OUTCOMES.len()],
    durations: Durations,
}

impl Events {
    /// Calls of these servers are counted from now on.
    pub(super) fn know(&self, servers: &[Observed]) {
        let handles = servers.iter().map(|server| (server.name.clone(), self.handles(server)));
        self.servers.store(Arc::new(handles.collect()));
    }

    fn handles(&self, Observed { name, tools, .. }: &Observed) -> Server {
        let counters = |tool: &str| {
            OUTCOMES.map(|outcome| {
                let labels = CallLabels {
                    server: name.clone(),
                    tool: tool.to_owned(),
                    outcome: outcome_name(outcome),
                };
                self.calls.get_or_create(&labels).clone()
            })
        };
        Server {
            tools: tools.iter().take(MAXIMUM_TOOLS).map(|tool| (tool.clone(), counters(tool))).collect(),
            other: counters(OTHER),
            durations: self.durations.get_or_create(&ServerLabel { server: name.clone() }).clone(),
        }
    }

    fn count(&self, event: &Event) {
        if event.kind == Kind::ToolCall {
            self.count_call(event);
        } else {
            let labels = SecurityLabels { kind: kind_name(event.kind), outcome: outcome_name(event.outcome) };
            self.security.get_or_create(&labels).inc();
        }
    }

    fn count_call(&self, event: &Event) {
        let servers = self.servers.load();
        let Some(server) = event.server.as_deref().and_then(|name| servers.get(name)) else { return };
        let counters = event.tool.as_ref().and_then(|tool| server.tools.get(tool)).unwrap_or(&server.other);
        counters[event.outcome as usize].inc();
        if let Some(took) = event.duration_ms {
            server.durations.observe(Duration::from_millis(took));
        }
    }
}

/// The order of [`OUTCOMES`].
fn outcome_name(outcome: Outcome) -> &'static str {
    ["succeeded", "refused", "failed", "abandoned"][outcome as usize]
}

/// As the audit log writes it.
fn kind_name(kind: Kind) -> String {
    let name = serde_json::to_value(kind).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// An auditor whose events are counted.
pub(super) struct Counted {
    auditor: Arc<dyn Auditor>,
    events: Arc<Events>,
}

impl Counted {
    pub(super) fn new(auditor: Arc<dyn Auditor>, events: Arc<Events>) -> Self {
        Self { auditor, events }
    }
}

impl Auditor for Counted {
    fn reserve(&self) -> Reservation<'_> {
        self.auditor.reserve().observed_by(Arc::<Events>::clone(&self.events))
    }
}

impl Observer for Events {
    fn see(&self, event: &Event) {
        self.count(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_where_they_are_looked_for() {
        for (index, outcome) in OUTCOMES.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome_name(outcome));
        }
        assert_eq!(kind_name(Kind::RefreshTokenReused), "refresh_token_reused");
    }
}
