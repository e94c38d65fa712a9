//! What the gateway is told by whoever starts it.

use std::sync::Arc;
use std::time::Duration;

use guard::Guard;
use oauth::Clock;
use secret::{Random, Secret};
use store::Store;

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
    /// The built-in demo server, when it is wanted.
    pub demo: Option<DemoSettings>,
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

/// What all endpoints share.
pub(crate) struct Front {
    pub(crate) admission: Admission,
    pub(crate) body: BodyLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
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
        }
    }
}
