//! Sessions with a legacy server on behalf of modern clients, who know none: one per principal, opened when it is first
//! needed. No two principals share one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use mcp::headers::{PROTOCOL_VERSION, SESSION_ID};
use mcp::{InitializeResult, ProtocolVersion, RequestId};
use secret::Digest;
use serde_json::json;
use tokio::sync::Mutex;

use super::envelope::{Outcome, first_response};
use super::{Caller, UpstreamError, implementation};
use crate::endpoint::principal;

/// How many principals have a session with one server at a time.
const SESSIONS: u64 = 10_000;
/// How long a session waits for its principal to come back.
const IDLE: Duration = Duration::from_mins(30);

/// The sessions with one server, by principal.
pub(super) struct Pool(moka::sync::Cache<Digest, Slot>);

/// Locked while the session is opened, so that one is opened.
type Slot = Arc<Mutex<Option<Arc<PooledSession>>>>;

impl Default for Pool {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(SESSIONS).time_to_idle(IDLE).build())
    }
}

/// A session that the gateway opened.
pub(crate) struct PooledSession {
    /// What the server said of itself.
    pub(crate) description: InitializeResult,
    headers: HeaderMap,
    last_id: AtomicI64,
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
    /// The principal's session.
    pub(crate) async fn pooled_session(&self) -> Result<Arc<PooledSession>, UpstreamError> {
        let slot = self.slot();
        let mut session = slot.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let opened = Arc::new(self.open().await?);
        *session = Some(opened.clone());
        Ok(opened)
    }

    /// Lets go of a session that the server has ended, unless another one has taken its place.
    pub(crate) async fn forget_session(&self, ended: &Arc<PooledSession>) {
        let slot = self.slot();
        let mut session = slot.lock().await;
        if session.as_ref().is_some_and(|current| Arc::ptr_eq(current, ended)) {
            *session = None;
        }
    }

    fn slot(&self) -> Slot {
        self.remote.pool.0.get_with(principal(&self.permit).digest(), Slot::default)
    }

    async fn open(&self) -> Result<PooledSession, UpstreamError> {
        let id = RequestId::Integer(0);
        let params = json!({
            "protocolVersion": ProtocolVersion::LATEST_LEGACY,
            "capabilities": {},
            "clientInfo": implementation(),
        });
        let body = mcp::request(&id, "initialize", &params);
        let (answered, answer) = self.post(HeaderMap::new(), body.into()).await?;
        let Outcome::Result(result) = first_response(&self.remote, answer, &id).await? else {
            return Err(UpstreamError::Malformed);
        };
        let description: InitializeResult =
            serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
        let version =
            ProtocolVersion::parse(&description.protocol_version).ok_or(UpstreamError::Malformed)?;
        let headers = session_headers(version, answered.get(SESSION_ID).cloned());
        let initialized = mcp::notification("notifications/initialized", &json!({}));
        self.post(headers.clone(), initialized.into()).await?;
        Ok(PooledSession { description, headers, last_id: AtomicI64::new(1) })
    }
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
