//! Which era a server speaks: asked once, remembered for a while.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use mcp::{Era, ProtocolVersion, RequestId, RequestMeta, headers};
use secret::Digest;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::envelope::{Outcome, first_response};
use super::{Answer, Presented, Remote, UpstreamError, error_in, implementation};

/// How long the answer holds, unless the server contradicts it.
const TIME: Duration = Duration::from_mins(5);

/// What a server said when it was asked.
#[derive(Debug, Clone)]
pub(crate) enum Description {
    /// It opens with `initialize`.
    Legacy,
    /// It needs no opening; the raw result of `server/discover`.
    Modern(Arc<RawValue>),
}

/// How many connections' answers are remembered.
const CONNECTIONS: u64 = 10_000;

/// The last answer and when it ends.
type Known = Mutex<Option<(Description, Instant)>>;

/// What was answered. Whoever is known to the server may be told what others are not, so that every connection has an
/// answer of its own (GW-21).
pub(super) struct KnownEra {
    to_all: Known,
    to_one: moka::sync::Cache<Digest, Arc<Known>>,
}

impl Default for KnownEra {
    fn default() -> Self {
        let to_one = moka::sync::Cache::builder().max_capacity(CONNECTIONS).time_to_live(TIME).build();
        Self { to_all: Known::default(), to_one }
    }
}

impl KnownEra {
    pub(super) async fn get(
        &self,
        remote: &Remote,
        presented: Option<&Presented>,
    ) -> Result<Description, UpstreamError> {
        match presented {
            None => look_up(&self.to_all, remote, None).await,
            Some(presented) => {
                let known = self.to_one.get_with(*presented.connection(), Arc::default);
                look_up(&known, remote, Some(presented)).await
            }
        }
    }

    pub(super) async fn forget(&self) {
        *self.to_all.lock().await = None;
        self.to_one.invalidate_all();
    }
}

/// The answer that is known, or a new one. The lock is held while the server is asked, so that it is asked once.
async fn look_up(
    known: &Known,
    remote: &Remote,
    presented: Option<&Presented>,
) -> Result<Description, UpstreamError> {
    // Whoever waits for another's question waits no longer than for an answer of their own.
    let mut known = match known.try_lock() {
        Ok(known) => known,
        Err(_) => timeout(remote.answer_time, known.lock()).await.map_err(|_| UpstreamError::TimedOut)?,
    };
    if let Some((description, until)) = &*known
        && Instant::now() < *until
    {
        return Ok(description.clone());
    }
    let description = Box::pin(ask(remote, presented)).await?;
    if let Description::Modern(result) = &description {
        remote.said().introduced(result);
    }
    *known = Some((description.clone(), Instant::now() + TIME));
    Ok(description)
}

/// `server/discover`: whoever answers it with a result or a modern error is modern, everybody else may be legacy
/// (2026-07-28, Streamable HTTP, Backward Compatibility).
async fn ask(remote: &Remote, presented: Option<&Presented>) -> Result<Description, UpstreamError> {
    let id = RequestId::Integer(0);
    let meta = RequestMeta {
        protocol_version: ProtocolVersion::LATEST,
        client_info: &implementation(),
        client_capabilities: &json!({}),
    };
    let body = mcp::request(&id, "server/discover", &json!({ "_meta": meta }));
    let headers: HeaderMap =
        headers::compose(ProtocolVersion::LATEST, "server/discover", None).into_iter().collect();
    let (status, outcome) = match remote.post(headers, body.into(), presented).await {
        Ok((_, Answer::Json(status, body))) if status != StatusCode::OK => (status, error_in(&body).map(Err)),
        Ok((_, answer)) => match first_response(remote, answer, &id).await? {
            Outcome::Result(result) => (StatusCode::OK, Some(Ok(result))),
            Outcome::Error(error) => (StatusCode::OK, serde_json::from_str(error.get()).ok().map(Err)),
        },
        Err(UpstreamError::NoStream) => (StatusCode::METHOD_NOT_ALLOWED, None),
        // Servers fail in these ways over a question that they do not know.
        Err(UpstreamError::Status(status)) if matches!(status.as_u16(), 406 | 415 | 422 | 500 | 501) => {
            (status, None)
        }
        Err(error) => return Err(error),
    };
    match outcome {
        Some(Ok(result)) => Ok(Description::Modern(result.into())),
        Some(Err(error)) if Era::of_refusal(status, Some(&error)) == Era::Modern => {
            Err(UpstreamError::Malformed)
        }
        _ => Ok(Description::Legacy),
    }
}
