//! The members of a virtual server, and how one is asked.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use guard::{Guard, Permit};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request as HttpRequest};
use http_body_util::{BodyExt, Limited};
use mcp::{Event, EventStream, Params, ProtocolVersion, RequestId, headers as mirror, write_event};
use serde_json::value::RawValue;

use super::{Asked, results};
use crate::endpoint::Refusal;
use crate::http_sse::Serve;
use crate::upstream::remote::envelope::{Envelope, Outcome};
use crate::upstream::remote::{Answer, MESSAGE_SIZE, UpstreamError};

/// Headers that mirror arguments; they go to the member as they came.
const PARAMETER_HEADERS: &str = "mcp-param-";

/// Whom a virtual server joins at the moment.
pub(crate) struct Members {
    /// Of the virtual server: it makes the permits for members.
    pub(crate) guard: Guard,
    pub(crate) list: Vec<Member>,
}

/// One of them.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) endpoint: Arc<dyn Serve>,
}

impl Members {
    pub(super) fn named(&self, name: &str) -> Option<&Member> {
        self.list.iter().find(|member| member.name == name)
    }

    /// Asks `member` in the place of the client, with these parameters.
    pub(super) async fn ask(
        &self,
        member: &Member,
        permit: &Permit,
        asked: &Asked<'_>,
        params: &RawValue,
    ) -> Result<Response, Refusal> {
        // A token that ended since the client's request was let in.
        let permit = self.guard.renew(permit).ok_or(Refusal::from(UpstreamError::Resting))?;
        let request = mcp::Request { params: Some(params), ..asked.request.clone() };
        let parts = parts(asked, params)?;
        member.endpoint.serve(permit, parts, Body::from(request.to_vec())).await
    }
}

/// The head of a request to a member: what mirrors the body is made from the body.
fn parts(asked: &Asked<'_>, params: &RawValue) -> Result<Parts, Refusal> {
    let method = &*asked.request.method;
    let params = Params::read(Some(params)).map_err(|_| UpstreamError::Malformed)?;
    let name = mirror::name_of(method, &params);
    let mut request = HttpRequest::new(());
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.extend(mirror::compose(ProtocolVersion::LATEST, method, name.as_deref()));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    for (name, value) in asked.headers {
        if name.as_str().starts_with(PARAMETER_HEADERS) {
            headers.append(name.clone(), value.clone());
        }
    }
    Ok(request.into_parts().0)
}

/// A member's answer, read to its end: the result or the error of the request.
pub(super) async fn outcome(response: Response, id: &RequestId<'_>) -> Result<Outcome, UpstreamError> {
    let is_stream = is_stream(response.headers());
    let body = Limited::new(response.into_body(), MESSAGE_SIZE).collect().await;
    let body = body.map_err(|_| UpstreamError::Malformed)?.to_bytes();
    let read = |text: &[u8]| Some(Envelope::read(text)?.response_to(id)?.to_owned());
    if !is_stream {
        return read(&body).ok_or(UpstreamError::Malformed);
    }
    let mut events = EventStream::default();
    events.push(&body);
    std::iter::from_fn(|| events.next_event())
        .find_map(|event| read(event.data?.as_bytes()))
        .ok_or(UpstreamError::Malformed)
}

/// A member's answer on its way to the client, with spaced URIs.
pub(super) async fn passed_on(
    member: &Member,
    response: Response,
    id: &RequestId<'_>,
) -> Result<Answer, UpstreamError> {
    let (head, body) = response.into_parts();
    let (member, id) = (member.name.clone(), id.clone().into_owned());
    if is_stream(&head.headers) {
        let body = Mutex::new(body.into_data_stream());
        let stream = MemberStream { member, id, body, events: EventStream::default() };
        return Ok(Answer::Stream(crate::upstream::source::Source::Member(Box::new(stream))));
    }
    let body = Limited::new(body, MESSAGE_SIZE).collect().await;
    let body = body.map_err(|_| UpstreamError::Malformed)?.to_bytes();
    let spaced = results::spaced_response(&member, &id, &body);
    Ok(Answer::Json(head.status, spaced.map_or(body, Bytes::from)))
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The events of a member's answer, the response among them with spaced URIs.
pub(crate) struct MemberStream {
    member: String,
    id: RequestId<'static>,
    /// Locked by nobody: it is in a lock because whoever holds the stream may have to be shared.
    body: Mutex<BodyDataStream>,
    events: EventStream,
}

impl MemberStream {
    /// The next piece; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            if let Some(event) = self.events.next_event() {
                return Ok(Some(self.spaced(event)));
            }
            let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
            match body.next().await {
                Some(Ok(bytes)) => self.events.push(&bytes),
                Some(Err(_)) => return Err(UpstreamError::Unreachable),
                None => return Ok(None),
            }
            if self.events.pending() > MESSAGE_SIZE {
                return Err(UpstreamError::Malformed);
            }
        }
    }

    fn spaced(&self, event: Event) -> Bytes {
        let data = event.data.as_deref().unwrap_or_default();
        match results::spaced_response(&self.member, &self.id, data.as_bytes()) {
            Some(body) => write_event(&body).into(),
            None => event.raw.into(),
        }
    }
}
