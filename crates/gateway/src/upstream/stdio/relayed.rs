//! A process as the relay sees it: a server of the legacy era that needs no session.

use guard::Permit;
use http::StatusCode;
use mcp::{InitializeParams, Message, Params, ProtocolVersion, Request};

use super::{Handshake, StdioServer, User, envelope};
use crate::upstream::Incoming;
use crate::upstream::remote::{Answer, UpstreamError};
use crate::upstream::source::Source;

impl StdioServer {
    /// Takes one message of a client.
    pub(crate) async fn post(&self, permit: &Permit, body: &[u8]) -> Result<Answer, UpstreamError> {
        let user = user(permit);
        match Message::parse(body).map_err(|_| UpstreamError::Malformed)? {
            Message::Request(request) if request.method == "initialize" => {
                introduce(&*self.handshake(&user).await?, &request)
            }
            Message::Request(request) => self.ask(&user, &request).await,
            Message::Response(response) => {
                if let Some(id) = &response.id {
                    self.answer(&user, id, body);
                }
                Ok(Answer::Accepted)
            }
            // The process has been told what it must know. The ids in a cancellation are the client's: who wants to
            // cancel ends the exchange instead.
            Message::Notification(_) => Ok(Answer::Accepted),
        }
    }

    /// What the process tells everybody, for as long as somebody listens.
    pub(crate) fn events(&self, permit: &Permit) -> Result<Answer, UpstreamError> {
        Ok(Answer::Stream(Source::Notices(self.listen(&user(permit))?)))
    }

    async fn ask(&self, user: &User, request: &Request<'_>) -> Result<Answer, UpstreamError> {
        let mut exchange = self.exchange(user, request).await?;
        match exchange.next().await? {
            Incoming::Response(response) => {
                let text: Box<str> = response.into();
                Ok(Answer::Json(StatusCode::OK, String::from(text).into()))
            }
            Incoming::Message(first) => Ok(Answer::Stream(Source::Exchange(Some(first), exchange))),
        }
    }
}

/// The answer to a client's own `initialize`: what the process said at its start. A client of an older revision is
/// answered in it (2025-11-25, Lifecycle, Version Negotiation).
fn introduce(handshake: &Handshake, request: &Request<'_>) -> Result<Answer, UpstreamError> {
    let params = Params::read(request.params).map_err(|_| UpstreamError::Malformed)?;
    let asked = InitializeParams::read(&params).map_err(|_| UpstreamError::Malformed)?;
    let asked = ProtocolVersion::parse(&asked.protocol_version).unwrap_or(handshake.version);
    let version = asked.min(handshake.version);
    let result = envelope::with_member(handshake.result.get(), "protocolVersion", &version)
        .ok_or(UpstreamError::Malformed)?;
    Ok(Answer::Json(StatusCode::OK, mcp::success(&request.id, &result).into()))
}

fn user(permit: &Permit) -> User {
    User { issuer: permit.issuer().as_str().to_owned(), subject: permit.subject().to_owned() }
}
