//! One process over its lives: started at first use, left alone after a failure, started again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcp::{Era, Implementation, Message, ProtocolVersion, Request, RequestId};
use secret::Random;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::back_off::back_off;
use super::connection::Connection;
use super::{Ending, Handshake, Notice, Sharing, StdioError, StdioSettings};
use crate::upstream::Incoming;

/// A process that ran for this long and then failed has failed for the first time.
const STABLE: Duration = Duration::from_mins(1);
/// How many notices may wait for a listener that reads slowly.
const NOTICES: usize = 64;

/// A process that runs when it is needed.
pub(super) struct Slot {
    settings: Arc<StdioSettings>,
    random: Arc<dyn Random>,
    /// Counts the starts of all processes of the server.
    starts: Arc<AtomicU64>,
    state: Mutex<State>,
    notices: broadcast::Sender<Notice>,
}

struct State {
    /// Failures in a row.
    failures: u32,
    stage: Stage,
}

enum Stage {
    /// Not needed yet, or not any more.
    Idle,
    /// Started, and saying hello in a task of its own: a caller who leaves does not stop it for the others.
    Starting(Arc<Connection>, Outcome),
    Running(Live),
    /// Left alone until then.
    BackingOff(Instant),
}

/// Where the end of a start is told.
type Outcome = watch::Receiver<Option<Result<Live, StdioError>>>;

/// A process that has answered `initialize`.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: Arc<Connection>,
    pub(super) handshake: Arc<Handshake>,
    since: Instant,
}

/// A process that runs, or will in a moment.
pub(super) enum Begun {
    Running(Live),
    Starting(Outcome),
}

impl Begun {
    /// Waits until it has said hello.
    pub(super) async fn live(self) -> Result<Live, StdioError> {
        let mut outcome = match self {
            Self::Running(live) => return Ok(live),
            Self::Starting(outcome) => outcome,
        };
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(StdioError::NotStarted)),
            Err(_) => Err(StdioError::NotStarted),
        }
    }
}

impl Slot {
    pub(super) fn new(settings: Arc<StdioSettings>, random: Arc<dyn Random>, starts: Arc<AtomicU64>) -> Self {
        let state = Mutex::new(State { failures: 0, stage: Stage::Idle });
        Self { settings, random, starts, state, notices: broadcast::channel(NOTICES).0 }
    }

    /// The running process, which is started if it has to be. While it is left alone after a failure, that is said at
    /// once. Nothing waits here: the outcome does.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Begun, StdioError> {
        let mut state = self.state();
        self.look_after(&mut state);
        match &state.stage {
            Stage::Running(live) => Ok(Begun::Running(live.clone())),
            Stage::Starting(_, outcome) => Ok(Begun::Starting(outcome.clone())),
            Stage::BackingOff(until) => {
                Err(StdioError::BackingOff(until.saturating_duration_since(Instant::now())))
            }
            Stage::Idle => {
                let connection = Connection::open(&self.settings, self.notices.clone())
                    .inspect_err(|_| self.fail(&mut state, Instant::now()))?;
                self.starts.fetch_add(1, Ordering::Relaxed);
                let (sender, outcome) = watch::channel(None);
                state.stage = Stage::Starting(Arc::clone(&connection), outcome.clone());
                let slot = Arc::clone(self);
                tokio::spawn(async move { sender.send_replace(Some(slot.greet(connection).await)) });
                Ok(Begun::Starting(outcome))
            }
        }
    }

    /// The process, if it runs.
    pub(super) fn running(&self) -> Option<Arc<Connection>> {
        match &self.state().stage {
            Stage::Running(live) => Some(Arc::clone(&live.connection)),
            _ => None,
        }
    }

    /// What the process tells everybody.
    pub(super) fn listen(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// How long the process has had nothing to do: `None` while it has, and when there is none.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        match &self.state().stage {
            Stage::Running(live) => live.connection.exchanges().idle_for(),
            _ => None,
        }
    }

    /// Whether a process runs or is started, or failed a moment ago.
    pub(super) fn is_in_use(&self) -> bool {
        let mut state = self.state();
        self.look_after(&mut state);
        !matches!(state.stage, Stage::Idle)
    }

    /// Whether anybody hears what the process tells everybody.
    pub(super) fn has_listeners(&self) -> bool {
        self.notices.receiver_count() > 0
    }

    /// Ends the process, if there is one, and returns when it is gone.
    pub(super) async fn stop(&self) {
        let connection = match &self.state().stage {
            Stage::Running(Live { connection, .. }) | Stage::Starting(connection, _) => {
                Some(Arc::clone(connection))
            }
            Stage::Idle | Stage::BackingOff(_) => None,
        };
        if let Some(connection) = connection {
            connection.stop(Ending::Stopped);
            connection.gone().await;
        }
    }

    async fn greet(&self, connection: Arc<Connection>) -> Result<Live, StdioError> {
        let outcome = handshake(Arc::clone(&connection), &self.settings).await;
        let mut state = self.state();
        match &outcome {
            Ok(live) => state.stage = Stage::Running(live.clone()),
            Err(_) => match connection.exchanges().ending() {
                Some((ending, _)) if !ending.is_failure() => state.stage = Stage::Idle,
                _ => self.fail(&mut state, Instant::now()),
            },
        }
        outcome
    }

    /// Brings the stage up to date with the process and the time.
    fn look_after(&self, state: &mut State) {
        let now = Instant::now();
        if let Stage::Running(live) = &state.stage
            && let Some((ending, at)) = live.connection.exchanges().ending()
        {
            if at.duration_since(live.since) >= STABLE || !ending.is_failure() {
                state.failures = 0;
            }
            if ending.is_failure() {
                self.fail(state, at);
            } else {
                state.stage = Stage::Idle;
            }
        }
        if matches!(state.stage, Stage::BackingOff(until) if until <= now) {
            state.stage = Stage::Idle;
        }
    }

    fn fail(&self, state: &mut State, at: Instant) {
        let mut jitter = [0; 2];
        self.random.fill(&mut jitter);
        state.failures = state.failures.saturating_add(1);
        let pause = back_off(state.failures, u16::from_be_bytes(jitter));
        tracing::info!(server = %self.settings.name, failures = state.failures, ?pause, "a server process failed");
        state.stage = Stage::BackingOff(at + pause);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `initialize` and `notifications/initialized` (2025-11-25, Lifecycle). What is offered is what the process may ask of
/// clients (UP-17), and nothing when many share it: what it asks names nobody.
async fn handshake(connection: Arc<Connection>, settings: &StdioSettings) -> Result<Live, StdioError> {
    let client =
        Implementation { name: "vestibule".into(), title: None, version: env!("CARGO_PKG_VERSION").into() };
    let version = ProtocolVersion::LATEST_LEGACY;
    let capabilities = match settings.sharing {
        Sharing::Everybody => json!({}),
        Sharing::EachUser { .. } => settings.allowed.offered(),
    };
    let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
    let params = to_raw_value(&params).expect("a JSON value is JSON");
    let request = Request {
        id: RequestId::Integer(0),
        method: "initialize".into(),
        params: Some(&params),
        unknown: mcp::json::Object::default(),
    };
    let deadline = Instant::now() + settings.start;
    let mut exchange = Arc::clone(&connection).exchange(&request, deadline).await?;
    let response = loop {
        if let Incoming::Response(response) = exchange.next().await? {
            break response;
        }
    };
    let handshake = read(&response).ok_or_else(|| {
        tracing::warn!(server = %settings.name, "a server process does not answer initialize as MCP asks");
        StdioError::NoHandshake
    })?;
    let mut line = mcp::notification("notifications/initialized", &json!({}));
    line.push(b'\n');
    connection.tell(line);
    Ok(Live { connection, handshake: Arc::new(handshake), since: Instant::now() })
}

/// What a server agreed to; `None` when it refused, or when it speaks no revision that we know.
fn read(response: &RawValue) -> Option<Handshake> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Result {
        protocol_version: String,
    }
    let Ok(Message::Response(response)) = Message::parse(response.get().as_bytes()) else { return None };
    let result = response.outcome.ok()?;
    let Result { protocol_version } = serde_json::from_str(result.get()).ok()?;
    let version = ProtocolVersion::parse(&protocol_version).filter(|version| version.era() == Era::Legacy)?;
    Some(Handshake { version, result: result.to_owned() })
}
