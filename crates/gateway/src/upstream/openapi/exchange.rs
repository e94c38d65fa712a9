//! One request to an API, and its answer.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response, StatusCode};
use mcp::CallToolResult;
use oauth::Scope;
use openapi::{Answered, Call};
use outbound::{Egress, Limits};
use tokio::time::Instant;
use tracing::Instrument;

use super::failed;
use super::search::Shown;
use crate::trace_context::upstream_span;
use crate::upstream::remote::breaker::Breaker;
use crate::upstream::remote::{Presented, Remote, UpstreamError, presented};

/// Who is asking; some APIs answer nobody else.
const OURSELVES: HeaderValue = HeaderValue::from_static(concat!("vestibule/", env!("CARGO_PKG_VERSION")));

/// What goes along with a call.
#[derive(Clone, Copy)]
pub(crate) struct Going<'a> {
    /// The credential of whoever calls.
    pub(crate) presented: Option<&'a Presented>,
    /// What whoever calls may see (search mode).
    pub(crate) shown: Option<&'a Shown>,
}

/// The way to an API.
pub(super) struct Exchange {
    client: outbound::Client,
    breaker: Breaker,
}

impl Exchange {
    pub(super) fn new(egress: Egress) -> Self {
        Self { client: outbound::Client::new(egress), breaker: Breaker::default() }
    }

    pub(super) fn is_resting(&self) -> bool {
        self.breaker.is_resting(Instant::now())
    }

    /// Sends the request of a call, and makes a result of the answer. Dropped, it drops the connection.
    pub(super) async fn call(
        &self,
        remote: &Remote,
        going: Going<'_>,
        call: &Call,
        request: Request<Vec<u8>>,
    ) -> Result<CallToolResult, UpstreamError> {
        let mut request = request.map(Bytes::from);
        request.headers_mut().insert(USER_AGENT, OURSELVES);
        let answer = async {
            let (head, body) = self.send(remote, going.presented, request).await?.into_parts();
            let (body, is_cut) = beginning(body, remote.answer_size()).await?;
            Ok(call.result(&Answered { status: head.status, headers: &head.headers, body: &body, is_cut }))
        };
        match answer.await {
            Ok(result) => Ok(result),
            Err(credential @ UpstreamError::Credential(_)) => Err(credential),
            // The model hears of it: it may do something else meanwhile.
            Err(error) => Ok(failed(&told(&error))),
        }
    }

    /// A credential that the API does not take is refreshed once: a request that was refused for that had no effect.
    async fn send(
        &self,
        remote: &Remote,
        presented: Option<&Presented>,
        request: Request<Bytes>,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        let Some(presented) = presented else { return self.attempt(remote, request).await };
        let credential = presented.current().await?;
        let mut response = self.attempt(remote, presented::with(request.clone(), &credential)).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let credential = presented.rejected(&credential).await?;
            response = self.attempt(remote, presented::with(request, &credential)).await?;
        }
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(presented.reconnect()),
            StatusCode::FORBIDDEN => match missing(&response) {
                Some(missing) => Err(presented.step_up(missing)),
                None => Ok(response),
            },
            _ => Ok(response),
        }
    }

    async fn attempt(
        &self,
        remote: &Remote,
        request: Request<Bytes>,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        if !self.breaker.lets_pass(Instant::now()) {
            return Err(UpstreamError::Resting);
        }
        // How large it is, `beginning` says: what is cut is still an answer.
        let limits = Limits { bytes: usize::MAX, headers: remote.answer_time(), total: remote.answer_time() };
        // Where it is, so that its some kilobytes are not moved.
        let answer = pin!(self.client.stream(request, limits));
        let outcome = answer.instrument(upstream_span(remote.name())).await;
        self.breaker.note(&outcome, Instant::now());
        outcome.map_err(|error| {
            // The error names the host and no more of the URL, which may hold a key (OA-13).
            tracing::warn!(server = %remote.name(), %error, "the API gives no answer");
            error.into()
        })
    }
}

/// What the credential lacks, when that is why it was refused.
fn missing(response: &Response<outbound::Body>) -> Option<Scope> {
    let headers = response.headers();
    presented::insufficient_scope(headers)
        .or_else(|| openapi::missing_scope(headers).and_then(|scope| Scope::parse(scope).ok()))
}

/// As much of a body as may be, and whether there is more.
async fn beginning(mut body: outbound::Body, size: usize) -> Result<(Bytes, bool), UpstreamError> {
    let Some(first) = body.chunk().await? else { return Ok((Bytes::new(), false)) };
    let mut whole = BytesMut::from(first);
    while whole.len() <= size {
        match body.chunk().await? {
            Some(chunk) => whole.extend_from_slice(&chunk),
            None => return Ok((whole.freeze(), false)),
        }
    }
    whole.truncate(size);
    Ok((whole.freeze(), true))
}

fn told(error: &UpstreamError) -> String {
    let effect = match error {
        UpstreamError::Resting => "Nothing was sent.",
        _ => "Whether the call had an effect is not known.",
    };
    format!("The call failed: {error}. {effect}")
}
