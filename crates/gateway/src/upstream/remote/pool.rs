//! Sessions with a legacy server on behalf of modern clients, who know none: one for a principal, the
//! connection it acts with and what its client can do, opened when it is first needed. No two principals share one, nor
//! do two accounts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex as StandardMutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use mcp::headers::{PROTOCOL_VERSION, SESSION_ID};
use mcp::{InitializeResult, LogLevel, ProtocolVersion, RequestId};
use secret::Digest;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::envelope::{Outcome, first_response};
use super::session_stream::SessionStream;
use super::{Answer, Caller, UpstreamError, implementation};

/// How many principals have a session with one server at a time.
const PRINCIPALS: u64 = 10_000;
/// How many sessions one principal has: clients that can do different things do not share one.
const SESSIONS: usize = 8;
/// How long a session waits for its principal to come back.
const IDLE: Duration = Duration::from_mins(30);

/// The sessions with one server, by principal.
pub(super) struct Pool(moka::sync::Cache<Digest, Arc<Places>>);

/// The sessions of one principal, by what its client can do; the one that was opened first stands first.
type Places = StandardMutex<VecDeque<(Digest, Slot)>>;

/// Locked while the session is opened, so that one is opened.
type Slot = Arc<Mutex<Option<Arc<PooledSession>>>>;

impl Default for Pool {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(PRINCIPALS).time_to_idle(IDLE).build())
    }
}

impl Pool {
    /// The place of a session; the one that was opened first makes room.
    fn slot(&self, principal: Digest, capabilities: &RawValue) -> Slot {
        let sessions = self.0.get_with(principal, Arc::default);
        let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Digest::of(capabilities.get().as_bytes());
        if let Some((_, slot)) = sessions.iter().find(|(found, _)| *found == key) {
            return slot.clone();
        }
        if sessions.len() >= SESSIONS {
            sessions.pop_front();
        }
        let slot = Slot::default();
        sessions.push_back((key, slot.clone()));
        slot
    }

    /// Lets go of a session, unless another one has taken its place.
    fn forget(&self, principal: Digest, ended: &Arc<PooledSession>) {
        let Some(sessions) = self.0.get(&principal) else { return };
        sessions.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, slot)| {
            // One that is being opened is not the one that has ended.
            let Ok(session) = slot.try_lock() else { return true };
            !session.as_ref().is_some_and(|current| Arc::ptr_eq(current, ended))
        });
    }
}

/// A session that the gateway opened.
pub(crate) struct PooledSession {
    /// What the server said of itself.
    pub(crate) description: InitializeResult,
    headers: HeaderMap,
    last_id: AtomicI64,
    /// The least grave messages that anybody in the session has asked for.
    log_level: Mutex<Option<LogLevel>>,
    pub(super) stream: SessionStream,
}

impl PooledSession {
    /// The headers of every message of the session.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// An id that no other request of the session has.
    pub(crate) fn next_id(&self) -> RequestId<'static> {
        RequestId::Integer(self.last_id.fetch_add(1, Ordering::Relaxed))
    }
}

impl Caller {
    /// The principal's session for clients with these capabilities.
    pub(crate) async fn pooled_session(
        &self,
        capabilities: &RawValue,
    ) -> Result<Arc<PooledSession>, UpstreamError> {
        let slot = self.remote.pool.slot(self.identity(), capabilities);
        // Whoever waits for another's question waits no longer than for an answer of their own.
        let waiting = timeout(self.remote.answer_time, slot.lock()).await;
        let mut session = waiting.map_err(|_| UpstreamError::TimedOut)?;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let opened = Arc::new(self.open_session(capabilities).await?);
        *session = Some(opened.clone());
        Ok(opened)
    }

    /// Lets go of a session that the server has ended.
    pub(crate) fn forget_session(&self, ended: &Arc<PooledSession>) {
        self.remote.pool.forget(self.identity(), ended);
    }

    async fn open_session(&self, capabilities: &RawValue) -> Result<PooledSession, UpstreamError> {
        let id = RequestId::Integer(0);
        let params = json!({
            "protocolVersion": ProtocolVersion::LATEST_LEGACY,
            "capabilities": capabilities,
            "clientInfo": implementation(),
        });
        let body = mcp::request(&id, "initialize", &params);
        let (answered, answer) = self.post(HeaderMap::new(), body.into()).await?;
        let Outcome::Result(result) = first_response(&self.remote, answer, &id).await? else {
            return Err(UpstreamError::Malformed);
        };
        self.remote.said().introduced(&result);
        let description: InitializeResult =
            serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
        let version =
            ProtocolVersion::parse(&description.protocol_version).ok_or(UpstreamError::Malformed)?;
        let headers = session_headers(version, answered.get(SESSION_ID).cloned());
        let initialized = mcp::notification("notifications/initialized", &json!({}));
        self.post(headers.clone(), initialized.into()).await?;
        Ok(PooledSession {
            description,
            headers,
            last_id: AtomicI64::new(1),
            log_level: Mutex::default(),
            stream: SessionStream::default(),
        })
    }

    /// Makes sure that log messages of a level come. Many requests share the session, so that the least grave level that
    /// anybody asked for is the server's, and every request leaves out what it did not ask for.
    pub(crate) async fn tell_log_level(&self, session: &PooledSession, level: LogLevel) {
        if !session.description.capabilities.contains_key("logging") {
            return;
        }
        let mut told = session.log_level.lock().await;
        if told.is_some_and(|told| told <= level) {
            return;
        }
        let id = session.next_id();
        let body = mcp::request(&id, "logging/setLevel", &json!({ "level": level }));
        match self.post(session.headers(), body.into()).await {
            Ok((_, answer @ (Answer::Stream(_) | Answer::Json(StatusCode::OK, _)))) => {
                if first_response(&self.remote, answer, &id).await.is_ok() {
                    *told = Some(level);
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the upstream could not be told a level of log messages"),
        }
    }
}

/// What a client can do that is only ourselves.
pub(crate) fn no_capabilities() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

/// The headers of every message of a legacy session. The version is said since 2025-06-18.
pub(crate) fn session_headers(version: ProtocolVersion, session: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if version >= ProtocolVersion::V2025_06_18 {
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version.as_str()));
    }
    if let Some(session) = session {
        headers.insert(SESSION_ID, session);
    }
    headers
}
