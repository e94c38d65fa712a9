//! `subscriptions/listen` before a legacy server.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use mcp::{InvalidParams, RequestId, SUBSCRIPTION_ID, SubscriptionFilter, write_event};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::timeout;

use super::super::{Asked, RelayEndpoint, event_stream};
use super::redaction::Redaction;
use super::{SIGN_OF_LIFE, in_subscription, uri_of};
use crate::endpoint::Refusal;
use crate::shut_down::until_shut_down;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::{Caller, PooledSession, UpstreamError};

/// How many resources one stream may be about.
const SUBSCRIPTIONS: usize = 256;

/// Opens the stream. What the server does not tell is left out of the acknowledgement.
pub(in super::super) async fn before_legacy(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    capabilities: &RawValue,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let wanted = wanted(asked).map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    let session = caller.pooled_session(capabilities).await?;
    let redaction = Redaction::new(&endpoint.front, &caller);
    let mut subscribed = Subscribed { caller, session, told: SubscriptionFilter::default() };
    let said = subscribed.begin(wanted).await?;
    let listening = Listening {
        id: asked.request.id.clone().into_owned(),
        subscribed,
        said,
        redaction,
        stage: Stage::Beginning,
    };
    let response = event_stream(Body::from_stream(stream::unfold(listening, async |mut listening| {
        let event = listening.next().await?;
        Some((Ok::<_, Infallible>(event), listening))
    })));
    Ok(until_shut_down(&endpoint.front, response, Some(&asked.request.id)))
}

fn wanted(asked: &Asked<'_>) -> Result<SubscriptionFilter, InvalidParams> {
    let wanted = asked.params.object("notifications")?.ok_or(InvalidParams::Missing("notifications"))?;
    let wrong = InvalidParams::Type { member: "notifications", expected: "a filter of notifications" };
    let filter: SubscriptionFilter = serde_json::from_str(wanted.get()).map_err(|_| wrong)?;
    let too_many = InvalidParams::Type { member: "notifications", expected: "about at most 256 resources" };
    Some(filter).filter(|filter| filter.resource_subscriptions.len() <= SUBSCRIPTIONS).ok_or(too_many)
}

/// What the server was asked to tell; it is asked no longer when this is dropped.
struct Subscribed {
    caller: Arc<Caller>,
    session: Arc<PooledSession>,
    told: SubscriptionFilter,
}

type Said = broadcast::Receiver<Arc<str>>;

impl Subscribed {
    async fn begin(&mut self, wanted: SubscriptionFilter) -> Result<Option<Said>, UpstreamError> {
        let capabilities = &self.session.description.capabilities;
        let subscribe = capabilities.get("resources").and_then(|resources| resources.get("subscribe"));
        let can_subscribe = subscribe.and_then(serde_json::Value::as_bool) == Some(true);
        let mut told = wanted.limited_to(&SubscriptionFilter::of_lists(capabilities));
        let uris = std::mem::take(&mut told.resource_subscriptions);
        if told.is_empty() && (uris.is_empty() || !can_subscribe) {
            return Ok(None);
        }
        let said = self.caller.hear(&self.session).await?;
        if said.is_some() {
            self.told = told;
            for uri in uris.into_iter().filter(|_| can_subscribe) {
                if self.caller.subscribe(&self.session, &uri).await? {
                    self.told.resource_subscriptions.insert(uri);
                }
            }
        }
        Ok(said)
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let uris = std::mem::take(&mut self.told.resource_subscriptions);
        let Ok(runtime) = Handle::try_current() else { return };
        let (caller, session) = (self.caller.clone(), self.session.clone());
        runtime.spawn(async move {
            for uri in uris {
                caller.unsubscribe(&session, &uri).await;
            }
        });
    }
}

struct Listening {
    /// Of the request that asked for the stream.
    id: RequestId<'static>,
    subscribed: Subscribed,
    /// `None` when nothing will be said.
    said: Option<Said>,
    redaction: Redaction,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Beginning,
    Under,
    Over,
}

impl Listening {
    /// What the client gets next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Beginning => {
                self.stage = Stage::Under;
                return Some(self.acknowledged());
            }
            Stage::Over => return None,
            Stage::Under => {}
        }
        loop {
            let said = async {
                match &mut self.said {
                    Some(said) => said.recv().await,
                    None => std::future::pending().await,
                }
            };
            match timeout(SIGN_OF_LIFE, said).await {
                Err(_) => return Some(Bytes::from_static(b":\n\n")),
                Ok(Ok(message)) => {
                    let message = self.redaction.of(&message).await;
                    if let Some(event) = self.pass(&message) {
                        return Some(event);
                    }
                }
                Ok(Err(RecvError::Lagged(lost))) => {
                    tracing::debug!(
                        lost,
                        "a listener reads too slowly: notifications of an upstream are lost"
                    );
                }
                Ok(Err(RecvError::Closed)) => return Some(self.end()),
            }
        }
    }

    /// "The server MUST send `notifications/subscriptions/acknowledged` as the first message" (2026-07-28).
    fn acknowledged(&self) -> Bytes {
        let params = json!({ "notifications": self.subscribed.told, "_meta": { SUBSCRIPTION_ID: self.id } });
        write_event(&mcp::notification("notifications/subscriptions/acknowledged", &params)).into()
    }

    /// The server has closed its own stream for good.
    fn end(&mut self) -> Bytes {
        self.stage = Stage::Over;
        let result = json!({ "resultType": "complete", "_meta": { SUBSCRIPTION_ID: self.id } });
        write_event(&mcp::success(&self.id, &result)).into()
    }

    fn pass(&self, message: &str) -> Option<Bytes> {
        let envelope = Envelope::read(message.as_bytes())?;
        let method = envelope.method.as_deref()?;
        let uri = uri_of(envelope.params);
        if !self.subscribed.told.takes(method, uri.as_deref()) {
            return None;
        }
        Some(write_event(&in_subscription(method, envelope.params, Some(&self.id))?).into())
    }
}
