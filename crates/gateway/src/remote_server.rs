//! A server elsewhere as whoever starts the gateway holds it: what is known of it and outlives a reload.

use std::sync::Arc;
use std::time::Duration;

use secret::Secret;

use crate::allowed_requests::AllowedRequests;
use crate::relay::Kept;
use crate::session::sealed::SealedSessions;
use crate::settings::Way;
use crate::upstream::remote::Remote;

/// What makes a server elsewhere the server that it is: while none of this changes, its [`RemoteServer`] can be kept.
#[derive(Clone)]
pub struct RemoteServerSettings {
    /// What it is called here, also in the log.
    pub name: String,
    /// How it is reached.
    pub way: Way,
    /// How long it may take to begin an answer, and to end one that is no stream.
    pub answer_time: Duration,
    /// How long a stream may be silent before it is ended.
    pub idle_time: Duration,
    /// What it may ask of its clients.
    pub allowed: AllowedRequests,
    /// How long a client may take to answer what it asks.
    pub question_time: Duration,
    /// The largest answer, and the largest event of a stream, in bytes.
    pub answer_size: usize,
    /// What must not stand in anything that it sends; those shorter than 8 bytes are not looked for.
    pub secrets: Vec<Secret<String>>,
}

impl RemoteServerSettings {
    /// The default of [`RemoteServerSettings::answer_time`]: 60 seconds.
    pub const ANSWER_TIME: Duration = Duration::from_mins(1);
    /// The default of [`RemoteServerSettings::idle_time`]: five minutes.
    pub const IDLE_TIME: Duration = Duration::from_mins(5);
    /// The default of [`RemoteServerSettings::question_time`]: ten minutes, because people answer.
    pub const QUESTION_TIME: Duration = Duration::from_mins(10);
    /// The default of [`RemoteServerSettings::answer_size`]: 4 MiB, as much as a request may have.
    pub const ANSWER_SIZE: usize = 4 * 1024 * 1024;
}

/// A server elsewhere with everything that is kept of it from request to request: its era, the sessions with it, the
/// sessions that were ended, the calls that wait for an answer, its rest after failures, its process. Cheap to clone.
///
/// It outlives the routers that are made with it: a new one that gets the same server goes on where the old one is. When
/// the last router and the last request that hold it are gone, its process ends.
#[derive(Clone)]
pub struct RemoteServer {
    pub(crate) remote: Arc<Remote>,
    pub(crate) sessions: Arc<SealedSessions>,
    pub(crate) kept: Arc<Kept>,
}

impl RemoteServer {
    /// A server that nobody has needed yet. `session_key` seals the session ids of its clients; the same 256 bit on
    /// all nodes.
    pub fn new(settings: &RemoteServerSettings, session_key: &Secret<[u8; 32]>) -> Self {
        Self {
            remote: Arc::new(Remote::new(settings)),
            sessions: Arc::new(SealedSessions::new(&settings.name, session_key)),
            kept: Arc::new(Kept::new(&settings.name, session_key)),
        }
    }

    /// Whether nobody asks it for now, because it could not be connected to.
    pub fn is_resting(&self) -> bool {
        self.remote.is_resting()
    }
}
