//! A session for a client that did not ask for one.
//!
//! Clients that are built on `EventSource` (WHATWG HTML section 9.2) open a stream again by themselves when it has ended,
//! because a connection broke, a token expired or the gateway was started anew. They do not know that the session went
//! with it, and go on with their requests; most servers of this transport let them. So a session is opened for them: of
//! the revision that they say was agreed on, and as for a client that can be asked nothing.

use std::sync::Arc;

use guard::Permit;
use http::request::Parts;
use http::{HeaderValue, Method};
use mcp::{Era, ProtocolVersion, RequestId};
use serde_json::json;

use super::Serve;
use super::listening::listen;
use super::message::Kind;
use super::session::Session;
use crate::endpoint::Refusal;
use crate::upstream::remote::implementation;

/// The request for a message in the session at the endpoint, which is opened where there is none. `None` when the message
/// is for nobody: what a client says, and does not ask, was for the session that has ended.
pub(super) async fn request(
    endpoint: &Arc<dyn Serve>,
    session: &Arc<Session>,
    permit: &Permit,
    (kind, version): (&Kind, Option<HeaderValue>),
) -> Result<Option<Parts>, Refusal> {
    loop {
        session.is_settled().await;
        if let Some(parts) = session.request(Method::POST) {
            return Ok(Some(parts));
        }
        if kind.asked().is_none() {
            return Ok(None);
        }
        if let Some(opening) = session.opening(Method::POST, true) {
            open(endpoint, session, permit, (opening, version.as_ref())).await?;
        }
    }
}

async fn open(
    endpoint: &Arc<dyn Serve>,
    session: &Arc<Session>,
    permit: &Permit,
    (opening, version): (Parts, Option<&HeaderValue>),
) -> Result<(), Refusal> {
    let Some(own) = endpoint.guard().renew(permit) else { return Err(Refusal::SessionUnknown) };
    let params = json!({
        "protocolVersion": agreed(version),
        "capabilities": {},
        "clientInfo": implementation(),
    });
    let initialize = mcp::request(&RequestId::Integer(0), "initialize", &params);
    let answered = endpoint.serve(own, opening, initialize.into()).await;
    session.note_opening(&answered, true);
    answered?;
    tracing::debug!(path = session.path(), "a session is opened for a client that came back without one");
    if let (Some(own), Some(parts)) = (endpoint.guard().renew(permit), session.request(Method::POST)) {
        let initialized = mcp::notification("notifications/initialized", &json!({}));
        endpoint.serve(own, parts, initialized.into()).await?;
    }
    listen(endpoint, session);
    Ok(())
}

/// The revision that the client names, if it is one that has sessions.
fn agreed(version: Option<&HeaderValue>) -> ProtocolVersion {
    version
        .and_then(|version| ProtocolVersion::parse(version.to_str().ok()?))
        .filter(|version| version.era() == Era::Legacy)
        .unwrap_or(ProtocolVersion::V2024_11_05)
}
