//! What is looked up when somebody asks.

use std::{fmt, sync::Weak};

use arc_swap::ArcSwap;
use gateway::{RemoteServer, StdioServer};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::memory;
use crate::audit::Backlog;

/// A server whose calls and state are told.
pub(crate) struct Observed {
    /// As it is configured.
    pub(crate) name: String,
    /// Its tools, as far as they are known before anybody asks it.
    pub(crate) tools: Vec<String>,
    /// How it does, if it is elsewhere.
    pub(crate) server: Option<RemoteServer>,
    /// Its process, if it is one.
    pub(crate) process: Option<Weak<StdioServer>>,
}

/// What is there now.
pub(super) struct State {
    servers: ArcSwap<Vec<Observed>>,
    backlog: Backlog,
}

impl State {
    pub(super) fn new(backlog: Backlog) -> Self {
        Self { servers: ArcSwap::default(), backlog }
    }

    pub(super) fn observe(&self, servers: Vec<Observed>) {
        self.servers.store(servers.into());
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name, help, value: u64| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge(
            "audit_queue_events",
            "Events that wait to be written to the audit log",
            self.backlog.waiting(),
        )?;
        gauge("audit_queue_capacity", "Events that may wait at the same time", self.backlog.capacity())?;
        if let Some(bytes) = memory::resident() {
            gauge("memory_resident_bytes", "Memory of the process", bytes)?;
        }
        self.encode_servers(encoder)
    }
}

impl State {
    fn encode_servers(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let servers = self.servers.load();
        let help = "Whether a server elsewhere is asked (1), or rests because it could not be reached (0)";
        let mut gauges = encoder.encode_descriptor("upstream_up", help, None, MetricType::Gauge)?;
        for Observed { name, server, .. } in servers.iter() {
            if let Some(server) = server {
                let up = ConstGauge::new(i64::from(!server.is_resting()));
                up.encode(gauges.encode_family(&[("server", name.as_str())])?)?;
            }
        }
        let help = "How often processes of a server were started";
        let mut counters =
            encoder.encode_descriptor("upstream_process_starts", help, None, MetricType::Counter)?;
        for Observed { name, process, .. } in servers.iter() {
            if let Some(process) = process.as_ref().and_then(Weak::upgrade) {
                let starts = ConstCounter::new(process.starts());
                starts.encode(counters.encode_family(&[("server", name.as_str())])?)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("State")
    }
}
