//! A server that is a program on this machine, spoken to over its standard streams (MCP, Transports, stdio).
//!
//! 1. The command comes from the configuration file and from nowhere else. It is an argument vector, no shell reads it,
//!    and its environment holds nothing of ours (`process`).
//! 2. The first call starts it, and `initialize` is said once. After a failure it is left alone, longer each time, and
//!    callers are told so at once (`slot`, `back_off`).
//! 3. Any number of exchanges share it (`connection`, `exchanges`): it sees our numbers, every client its own
//!    (`envelope`). A client that reads slowly loses notifications, and delays nobody.
//! 4. What it writes is not trusted (`conversation`): lines have a length, what is no message is skipped, and in a process
//!    that many share what it asks for is refused, and what it says to everybody is only passed on when it is about
//!    nobody. The process of one user may ask whoever waits for its answer.
//! 5. A call that is dropped is cancelled at the process. When the process ends, what waits fails and is never sent
//!    again, because it may have had its effect. With the process ends its whole group.

mod back_off;
mod connection;
mod conversation;
mod diagnostics;
mod envelope;
mod exchanges;
mod lines;
mod own;
mod process;
mod relayed;
mod slot;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcp::{ProtocolVersion, Request, RequestId};
use secret::{Random, Secret};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::allowed_requests::AllowedRequests;
use crate::trace_context::upstream_span;
pub(crate) use connection::Exchange;
use slot::{Begun, Live, Slot};

/// How a server process is started and kept.
#[derive(Debug, Clone)]
pub struct StdioSettings {
    /// What the log calls it.
    pub name: String,
    /// The program and its arguments. With a process for each user, [`StdioSettings::USER`]
    /// in an argument is the user.
    pub command: Vec<String>,
    /// Its environment, beside `PATH` and `LANG=C.UTF-8`; may replace both. The user stands there as
    /// in `command`.
    pub environment: Arc<BTreeMap<String, Secret<String>>>,
    /// Its `PATH`, which also says where the program is.
    pub path: OsString,
    /// Where it runs; ours when it is not said.
    pub directory: Option<PathBuf>,
    /// Who shares a process.
    pub sharing: Sharing,
    /// What a process may ask of the clients of its one user; a process that many share asks nothing.
    pub allowed: AllowedRequests,
    /// How long it may take from start to the answer to `initialize`.
    pub start: Duration,
    /// How long a call may take.
    pub call: Duration,
    /// How long it may take to leave when it is asked to.
    pub grace: Duration,
}

impl StdioSettings {
    /// The default of [`StdioSettings::start`]: one minute, because programs may have to be fetched first.
    pub const START: Duration = Duration::from_mins(1);
    /// The default of [`StdioSettings::grace`]: two seconds.
    pub const GRACE: Duration = Duration::from_secs(2);
}

/// Who shares a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// One process for all users, for as long as we run.
    Everybody,
    /// Every user has one.
    EachUser {
        /// It is ended after so long without a call.
        idle: Duration,
        /// So many may run at the same time; the one that was idle longest makes room.
        at_most: usize,
    },
}

/// Who calls; a subject means nothing without its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct User {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

/// A notification for everybody who listens.
pub(crate) type Notice = Arc<RawValue>;

/// What a server answered to `initialize`.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// The revision it speaks.
    pub(crate) version: ProtocolVersion,
    /// The whole result, as it came.
    pub(crate) result: Box<RawValue>,
}

/// Why there is no answer. The log has the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StdioError {
    /// The command does not run.
    #[error("the server process cannot be started")]
    NotStarted,
    /// It runs, but is no MCP server.
    #[error("the server process does not speak MCP")]
    NoHandshake,
    /// It ended before it answered. The call may have had its effect.
    #[error("the server process ended")]
    Ended,
    /// It failed and is left alone for so long.
    #[error("the server process failed; it is started again in {} s", .0.as_secs() + 1)]
    BackingOff(Duration),
    /// It took too long. The call may have had its effect.
    #[error("the server process did not answer in time")]
    Deadline,
    /// No process for one more user.
    #[error("too many users have a process of this server; try again later")]
    Full,
    /// As many calls as may be wait for its one process.
    #[error("the server process is busy; try again later")]
    Busy,
    /// The gateway ends.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// Why a conversation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The process closed a stream or exited.
    Exited,
    /// It wrote a longer line than a message may be.
    LineTooLong,
    /// It does not read what it is told.
    Unread,
    /// It had nothing to do.
    Idle,
    /// We ended it.
    Stopped,
}

/// One for each user, or one for nobody in particular.
type Slots = HashMap<Option<User>, Arc<Slot>>;

/// A server behind its standard streams.
pub struct StdioServer {
    settings: Arc<StdioSettings>,
    random: Arc<dyn Random>,
    starts: Arc<AtomicU64>,
    /// `None` once the gateway ends.
    slots: Mutex<Option<Slots>>,
}

impl StdioServer {
    /// A server that nobody has needed yet: nothing is started.
    pub fn new(settings: StdioSettings, random: Arc<dyn Random>) -> Self {
        let slots = Mutex::new(Some(HashMap::new()));
        Self { settings: Arc::new(settings), random, starts: Arc::default(), slots }
    }

    /// How many processes were started so far.
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// What the server said about itself; starts it if it does not run.
    pub(crate) async fn handshake(&self, user: &User) -> Result<Arc<Handshake>, StdioError> {
        let deadline = Instant::now() + self.settings.call;
        Ok(self.live(user, deadline).await?.handshake)
    }

    /// Asks the server for `user`; starts it if it does not run.
    pub(crate) async fn exchange(&self, user: &User, request: &Request<'_>) -> Result<Exchange, StdioError> {
        let deadline = Instant::now() + self.settings.call;
        let call = async { self.live(user, deadline).await?.connection.exchange(request, deadline).await };
        call.instrument(upstream_span(&self.settings.name)).await
    }

    /// Tells the process of `user` the answer to something that it asked. Starts nothing.
    pub(crate) fn answer(&self, user: &User, id: &RequestId<'_>, answer: &[u8]) {
        let slot = self.slots().as_mut().map(|slots| self.slot(slots, user));
        if let Some(connection) = slot.and_then(|slot| slot.running())
            && connection.exchanges().takes_answer(id)
        {
            let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
            connection.answer(answer.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect());
        }
    }

    /// What the server tells everybody who may know. Starts nothing.
    pub(crate) fn listen(&self, user: &User) -> Result<broadcast::Receiver<Notice>, StdioError> {
        let mut slots = self.slots();
        let slots = slots.as_mut().ok_or(StdioError::ShuttingDown)?;
        Ok(self.slot(slots, user).listen())
    }

    /// Ends every process, and returns when they are gone. Nothing is started any more.
    pub async fn shut_down(&self) {
        let slots = self.slots().take().unwrap_or_default();
        let stops: Vec<_> =
            slots.into_values().map(|slot| tokio::spawn(async move { slot.stop().await })).collect();
        for stop in stops {
            // Fails when the runtime ends, which kills the processes.
            let _ = stop.await;
        }
    }

    async fn live(&self, user: &User, deadline: Instant) -> Result<Live, StdioError> {
        let begun = self.begin(user)?;
        timeout_at(deadline, begun.live()).await.unwrap_or(Err(StdioError::Deadline))
    }

    /// With a process for each user there is room for so many: the one that was idle longest makes room.
    fn begin(&self, user: &User) -> Result<Begun, StdioError> {
        let mut slots = self.slots();
        let slots = slots.as_mut().ok_or(StdioError::ShuttingDown)?;
        let slot = self.slot(slots, user);
        if let Sharing::EachUser { at_most, .. } = self.settings.sharing
            && !slot.is_in_use()
        {
            slots.retain(|_, slot| slot.is_in_use() || slot.has_listeners() || Arc::strong_count(slot) > 1);
            if slots.values().filter(|slot| slot.is_in_use()).count() >= at_most {
                let idle = slots.iter().filter_map(|(key, slot)| Some((slot.idle_for()?, key)));
                let (_, longest) = idle.max_by_key(|(idle, _)| *idle).ok_or(StdioError::Full)?;
                let longest = longest.clone();
                // The last who holds a slot ends its process by dropping it.
                slots.remove(&longest);
            }
        }
        slot.begin()
    }

    /// The user's place for a process.
    fn slot(&self, slots: &mut Slots, user: &User) -> Arc<Slot> {
        let key = (self.settings.sharing != Sharing::Everybody).then(|| user.clone());
        let new = |user: &Option<User>| {
            let settings =
                user.as_ref().map_or_else(|| Arc::clone(&self.settings), |user| self.settings.of(user));
            Arc::new(Slot::new(settings, Arc::clone(&self.random), Arc::clone(&self.starts)))
        };
        Arc::clone(slots.entry(key).or_insert_with_key(new))
    }

    fn slots(&self) -> MutexGuard<'_, Option<Slots>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ending {
    /// Whether it counts against the server.
    fn is_failure(self) -> bool {
        matches!(self, Self::Exited | Self::LineTooLong | Self::Unread)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exited => "it closed its streams or exited",
            Self::LineTooLong => "it wrote a line of more than 4 MiB",
            Self::Unread => "it does not read what it is told",
            Self::Idle => "it had nothing to do",
            Self::Stopped => "it was told to",
        })
    }
}
