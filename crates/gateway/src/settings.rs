//! What the gateway is told by whoever starts it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use audit::Auditor;
use guard::Guard;
use oauth::{Clock, Scope};
use outbound::Egress;
use secret::Random;

use crate::admission::Admission;
use crate::body::BodyLimits;
use crate::http_sse::EventStreams;
use crate::lock::Locks;
use crate::policy::Policy;
use crate::quota::Quotas;
use crate::remote_server::RemoteServer;
use crate::server::BuiltInServer;
use crate::server_credentials::ServerCredentials;
use crate::signed::SignedRequests;
use crate::upstream::openapi::OpenApiServer;
use crate::upstream::stdio::StdioServer;
use crate::virtual_server::{VirtualServer, VirtualSettings};

/// Everything the gateway needs; nothing is read from the environment.
pub struct Settings {
    /// The URL under which the world reaches this server; decides which hosts and origins are its own.
    pub public_url: http::Uri,
    /// Further values of `Host` to answer for, as `host[:port]`.
    pub allowed_hosts: Vec<String>,
    /// Further web origins that may use the server, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
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
    /// The streams of the older transport that are open; the same for all routers that follow each other.
    pub event_streams: EventStreams,
    /// Who may do what.
    pub policy: Policy,
    /// How often.
    pub quotas: Arc<Quotas>,
    /// What of the servers elsewhere was approved.
    pub locks: Locks,
    /// Requests that are signed with an access key, when they are accepted.
    pub signed_requests: Option<SignedRequests>,
    /// The built-in demo server, when it is wanted.
    pub demo: Option<DemoSettings>,
    /// Servers that speak MCP elsewhere.
    pub remote: Vec<RemoteSettings>,
    /// Servers that join others.
    pub virtual_servers: Vec<VirtualSettings>,
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
    /// What it is called in the configuration.
    pub name: String,
    /// Guards the server at its own path (the path of the guard's resource) and its resource API.
    pub guard: Guard,
    /// Guards the same server at its older path.
    pub compatible_guard: Guard,
    /// The server itself.
    pub server: BuiltInServer,
}

/// A server that speaks MCP elsewhere, in either era.
#[derive(Clone)]
pub struct RemoteSettings {
    /// Guards it at the path of the guard's resource.
    pub guard: Guard,
    /// The server itself.
    pub server: RemoteServer,
    /// Which scopes its tools need.
    pub tools: ToolScopes,
    /// Whose credential goes with requests to it, if it takes one.
    pub credentials: Option<Arc<ServerCredentials>>,
}

/// How a server is reached.
#[derive(Clone)]
pub enum Way {
    /// Over HTTP.
    Http {
        /// Its endpoint.
        url: http::Uri,
        /// Which addresses the endpoint may have.
        egress: Egress,
        /// How messages travel.
        transport: Transport,
    },
    /// Over the standard streams of a process.
    Process(Arc<StdioServer>),
    /// As an API over HTTP, whose operations are its tools.
    OpenApi(OpenApiServer),
    /// Not at all: it is here, and joins others.
    Virtual(VirtualServer),
}

/// How messages travel to a server over HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// In whichever of the two ways the server takes them (2025-11-25, Transports, Backwards Compatibility).
    #[default]
    Detected,
    /// Streamable HTTP, since 2025-03-26.
    StreamableHttp,
    /// HTTP with SSE, of 2024-11-05.
    HttpSse,
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
    /// Which scopes each of these stands for, beside itself.
    pub implied: BTreeMap<String, Scope>,
}

/// What all endpoints share.
pub(crate) struct Front {
    pub(crate) admission: Admission,
    pub(crate) body: BodyLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) auditor: Arc<dyn Auditor>,
    pub(crate) policy: Policy,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) locks: Locks,
    /// Whose access tokens are nobody's to read.
    pub(crate) issuer: String,
    pub(crate) signed_requests: Option<SignedRequests>,
    pub(crate) event_streams: EventStreams,
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
            policy: settings.policy.clone(),
            quotas: settings.quotas.clone(),
            locks: settings.locks.clone(),
            issuer: settings.public_url.to_string().trim_end_matches('/').to_owned(),
            signed_requests: settings.signed_requests.clone(),
            event_streams: settings.event_streams.clone(),
        }
    }
}
