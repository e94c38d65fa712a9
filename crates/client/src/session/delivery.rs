//! How one message gets to the server and its answer back: with a token, and with logins in between where the server
//! asks for them.

use http::{HeaderValue, Response, StatusCode, header};
use mcp::{ErrorCode, ErrorObject, EventStream, Message, RequestId, headers};
use oauth::Scope;
use outbound::Body;
use secret::Secret;
use serde_json::json;

use super::{
    ANSWER, Answer, Login, ProtocolError, Session,
    wire::{self, Reaction, Wire, Written},
};
use crate::{browser::Notice, challenge::Challenge, error::Error, step_up};

impl Session<'_> {
    /// Sends one message, with as many logins in between as it takes and is allowed. Also returns the session that
    /// the server named.
    pub(super) async fn send(
        &mut self,
        id: i64,
        write: &(dyn Fn(&Wire) -> Written + Sync),
    ) -> Result<(Option<HeaderValue>, Answer), Error> {
        self.attempts.begin_request();
        let mut token = self.client.access_token(&self.server).await?;
        loop {
            let response = self.post(write(&self.wire), token.as_ref()).await?;
            token = match wire::reaction(response.status(), response.headers()) {
                Reaction::Read => {
                    let session = response.headers().get(headers::SESSION_ID).cloned();
                    return Ok((session, self.read(response, id, token.as_ref()).await?));
                }
                Reaction::Redirected => return Err(ProtocolError::Redirected.into()),
                Reaction::Authorize(challenge) => Some(self.authorize(&challenge, token.as_ref()).await?),
                Reaction::StepUp(challenge) => Some(self.step_up(&challenge).await?),
            };
        }
    }

    /// A token after a 401: refreshed if that was not tried yet, else by a login.
    async fn authorize(
        &mut self,
        challenge: &Challenge,
        rejected: Option<&Secret<String>>,
    ) -> Result<Secret<String>, Error> {
        if let Some(rejected) = rejected
            && self.attempts.may_renew()
            && let Some(renewed) = self.client.renew(&self.server, rejected, challenge).await?
        {
            return Ok(renewed);
        }
        let tokens = match self.login {
            Login::Never => return Err(Error::LoginRequired(self.server.clone())),
            _ if !self.attempts.may_login() => return Err(Error::TokensRefused(self.server.clone())),
            Login::ClientCredentials => self.client.client_credentials(&self.server, Some(challenge)).await?,
            Login::Person(browser) => self.client.login(&self.server, Some(challenge), None, browser).await?,
        };
        Ok(tokens.access_token)
    }

    /// A token after an `insufficient_scope`: a login for the union of all scopes.
    async fn step_up(&mut self, challenge: &Challenge) -> Result<Secret<String>, Error> {
        let contents = self.client.store.read()?;
        let before = contents.binding(&self.server).and_then(|binding| contents.tokens(binding));
        let before = before.map_or_else(Scope::default, |tokens| tokens.scope.clone());
        let asked = self.client.settings.scope.as_ref();
        let scope = step_up::union(&before, asked, challenge.scope.as_ref());
        let Login::Person(browser) = self.login else {
            return Err(Error::LoginRequired(self.server.clone()));
        };
        if !self.attempts.may_login() {
            let scope = challenge.scope.clone().unwrap_or_default();
            return Err(Error::ScopeRefused { server: self.server.clone(), scope });
        }
        browser.tell(&Notice::StepUp { scope: &scope });
        let tokens = self.client.login(&self.server, Some(challenge), Some(&scope), browser).await?;
        Ok(tokens.access_token)
    }

    pub(super) async fn post(
        &self,
        written: Written,
        token: Option<&Secret<String>>,
    ) -> Result<Response<Body>, Error> {
        let token = token.and_then(bearer);
        let request = wire::post(self.server.as_str(), written, token.as_ref())
            .map_err(|_| outbound::Error::InvalidUrl("it cannot be written into a request"))?;
        Ok(self.client.http.stream(request, ANSWER).await?)
    }

    /// Reads the answer to `id`. Requests of the server that come before it are answered; notifications are not
    /// looked at.
    async fn read(
        &self,
        response: Response<Body>,
        id: i64,
        token: Option<&Secret<String>>,
    ) -> Result<Answer, Error> {
        let (head, mut body) = response.into_parts();
        let content_type = head.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if !head.status.is_success() || !content_type.starts_with(b"text/event-stream") {
            let body = body.collect().await?;
            return Ok(answer(head.status, &body, id).unwrap_or(Answer::Error(head.status, None)));
        }
        let mut events = EventStream::default();
        while let Some(chunk) = body.chunk().await? {
            events.push(&chunk);
            while let Some(event) = events.next_event() {
                let Some(data) = event.data else { continue };
                if let Some(answer) = answer(head.status, data.as_bytes(), id) {
                    return Ok(answer);
                }
                if let Ok(Message::Request(request)) = Message::parse(data.as_bytes()) {
                    let body = reply(&request.id, &request.method);
                    self.post(Written { body, ..self.wire_headers() }, token).await?;
                }
            }
        }
        Err(ProtocolError::NoAnswer.into())
    }

    /// An empty message with the headers that every message of the session has.
    pub(super) fn wire_headers(&self) -> Written {
        Written { headers: self.wire.headers(), body: Vec::new() }
    }
}

/// The `Authorization` header of a bearer token (RFC 6750 §2.1), hidden from logs.
pub(super) fn bearer(token: &Secret<String>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The response to request `id` in a body or event; `None` when it is another message. An error without id answers
/// too: the server could not read which request it was.
fn answer(status: StatusCode, body: &[u8], id: i64) -> Option<Answer> {
    let Ok(Message::Response(response)) = Message::parse(body) else { return None };
    match (response.id, response.outcome) {
        (Some(RequestId::Integer(found)), Ok(result)) if found == id => {
            Some(Answer::Result(result.get().as_bytes().to_vec()))
        }
        (Some(RequestId::Integer(found)), Err(error)) if found == id => {
            Some(Answer::Error(status, Some(error)))
        }
        (None, Err(error)) => Some(Answer::Error(status, Some(error))),
        _ => None,
    }
}

/// What a client without capabilities answers to a server's request.
fn reply(id: &RequestId<'_>, method: &str) -> Vec<u8> {
    match method {
        "ping" => mcp::success(id, &json!({})),
        _ => mcp::failure(
            Some(id),
            &ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "not supported by this client"),
        ),
    }
}
