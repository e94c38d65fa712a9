//! What the gateway is told by whoever starts it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use audit::Auditor;
use guard::Guard;
use oauth::{Clock, Scope};
use outbound::Egress;
use secret::{Random, Secret};
use store::Store;

use crate::upstream::stdio::StdioServer;

use crate::admission::Admission;
use crate::body::BodyLimits;

/// Everything the gateway needs; nothing is read from the environment.
pub struct Settings {
    /// The URL under which the world reaches this server; decides which hosts and origins are its own.
    pub public_url: http::Uri,
    /// Further values of `Host` to answer for, as `host[:port]`.
    pub allowed_hosts: Vec<String>,
    /// Further web origins that may use the server, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Signs the session ids of the legacy era; the same on all nodes.
    pub session_key: Secret<[u8; 32]>,
    /// The largest body that is read, in bytes.
    pub body_size: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes session ids.
    pub random: Arc<dyn Random>,
    /// Keeps every tool call: none is made without a place in it.
    pub auditor: Arc<dyn Auditor>,
    /// The built-in demo server, when it is wanted.
    pub demo: Option<DemoSettings>,
    /// Servers that speak MCP elsewhere.
    pub remote: Vec<RemoteSettings>,
}

impl Settings {
    /// The default of [`Settings::body_size`]: 4 MiB.
    pub const BODY_SIZE: usize = 4 * 1024 * 1024;
    /// The default of [`Settings::body_time`]: 30 seconds.
    pub const BODY_TIME: Duration = Duration::from_secs(30);
}

/// The built-in demo server.
#[derive(Clone)]
pub struct DemoSettings {
    /// Guards the server at its own path (the path of the guard's resource) and its resource API.
    pub guard: Guard,
    /// Guards the same server at its older path.
    pub compatible_guard: Guard,
    /// Keeps the items.
    pub store: Store,
}

/// A server that speaks MCP elsewhere, in either era.
#[derive(Clone)]
pub struct RemoteSettings {
    /// What it is called here, also in the log.
    pub name: String,
    /// Guards it at the path of the guard's resource.
    pub guard: Guard,
    /// How it is reached.
    pub way: Way,
    /// Which scopes its tools need.
    pub tools: ToolScopes,
    /// How long it may take to begin an answer, and to end one that is no stream.
    pub answer_time: Duration,
    /// How long a stream may be silent before it is ended.
    pub idle_time: Duration,
}

/// How a server is reached.
#[derive(Clone)]
pub enum Way {
    /// Over Streamable HTTP.
    Http {
        /// Its endpoint.
        url: http::Uri,
        /// Which addresses the endpoint may have.
        egress: Egress,
    },
    /// Over the standard streams of a process.
    Process(Arc<StdioServer>),
}

impl RemoteSettings {
    /// The default of [`RemoteSettings::answer_time`]: 60 seconds.
    pub const ANSWER_TIME: Duration = Duration::from_mins(1);
    /// The default of [`RemoteSettings::idle_time`]: five minutes.
    pub const IDLE_TIME: Duration = Duration::from_mins(5);
}

/// Which scopes the tools of a server need.
#[derive(Debug, Clone, Default)]
pub struct ToolScopes {
    /// What every tool needs that is not named, and everything that is no tool (resources, prompts, completion).
    pub default: Scope,
    /// What a tool needs, by its name.
    pub named: BTreeMap<String, Scope>,
    /// Tools that nobody sees or calls here.
    pub hidden: BTreeSet<String>,
}

/// What all endpoints share.
pub(crate) struct Front {
    pub(crate) admission: Admission,
    pub(crate) body: BodyLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) auditor: Arc<dyn Auditor>,
}

impl Front {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            admission: Admission::new(
                &settings.public_url,
                &settings.allowed_hosts,
                &settings.allowed_origins,
            ),
            body: BodyLimits { size: settings.body_size, time: settings.body_time },
            clock: settings.clock.clone(),
            random: settings.random.clone(),
            auditor: settings.auditor.clone(),
        }
    }
}
