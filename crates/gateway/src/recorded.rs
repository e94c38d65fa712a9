//! Tool calls on their way into the audit log.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use audit::{Event, Kind, Outcome, Overloaded, Person, Place, Verdict};
use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use guard::Permit;
use http::header::CONTENT_TYPE;
use oauth::{Clock, Timestamp};

use crate::policy::BY_SCOPE;
use crate::settings::Front;
use crate::upstream::remote::Caller;

/// Records that a server asked its client for something that it may not ask for (UP-17); nothing else was done.
pub(crate) async fn record_refused_request(front: &Front, caller: &Caller, method: &str) {
    let (permit, server) = (caller.permit(), caller.remote().name());
    tracing::warn!(%server, "a server asks its client for something that is not allowed to it");
    let event = Event::new(Kind::ServerRequest, Outcome::Refused)
        .person(Person::new(permit.issuer(), permit.subject(), permit.user_name()))
        .client(permit.client_id())
        .server(server)
        .decision(Verdict::Denied, "allow")
        .detail("method", method);
    match front.auditor.reserve().await {
        Ok(place) => place.record(event),
        Err(error) => {
            tracing::warn!(%server, %error, "a refused request of a server is not in the audit log");
        }
    }
}

/// A call by the permit's holder, as far as their token says what is recorded of it.
fn a_call(permit: &Permit) -> Event {
    let person = Person::new(permit.issuer(), permit.subject(), permit.user_name());
    let event = Event::new(Kind::ToolCall, Outcome::Abandoned).person(person).client(permit.client_id());
    // What the policy decides by, so that it can be asked again about the past.
    let event = event.detail("scope", permit.scope());
    let event = listed(event, "roles", permit.roles());
    let event = listed(event, "groups", permit.groups());
    match permit.grant_id() {
        Some(grant) => event.detail("grant", grant),
        None => event,
    }
}

/// As JSON, since a name from elsewhere may have spaces.
fn listed(event: Event, name: &str, texts: &[String]) -> Event {
    if texts.is_empty() { event } else { event.detail(name, serde_json::json!(texts)) }
}

/// A call that is under way, with its place in the audit log. When it ends without a word, because the client went
/// away, that is recorded too.
pub(crate) struct RecordedCall {
    entry: Option<(Place, Event)>,
    clock: Arc<dyn Clock>,
    began: Timestamp,
}

impl RecordedCall {
    /// A call to `server` by the permit's holder. Nothing is decided or done before this.
    pub(crate) async fn begin(front: &Front, permit: &Permit, server: Arc<str>) -> Result<Self, Overloaded> {
        let place = front.auditor.reserve().await?;
        // What the token says is the same for all its calls.
        let event = permit.derived(a_call).server(server);
        Ok(Self { entry: Some((place, event)), clock: front.clock.clone(), began: front.clock.now() })
    }

    /// `rule` of the policy allows `tool`; what remains is how it ends.
    pub(crate) fn allow(mut self, tool: &str, rule: &str) -> Self {
        // Where there are no rules, scopes decide every call.
        let rule = if rule == BY_SCOPE { Cow::Borrowed(BY_SCOPE) } else { Cow::Owned(rule.to_owned()) };
        let event = |event: Event| event.tool(tool).decision(Verdict::Allowed, rule);
        self.entry = self.entry.take().map(|(place, allowed)| (place, event(allowed)));
        self
    }

    /// It is made with this account at a third party.
    pub(crate) fn act_as(&mut self, account: Option<&str>) {
        if let (Some((_, event)), Some(account)) = (&mut self.entry, account) {
            *event = event.clone().account(account);
        }
    }

    /// Nothing is done: the person is asked to connect an account of `provider` first.
    pub(crate) fn ask_to_connect(mut self, provider: &str) {
        self.record(Outcome::Refused, |event| event.detail("asked_to_connect", provider));
    }

    /// `rule` of the policy denies `tool`.
    pub(crate) fn deny(mut self, tool: &str, rule: &str) {
        self.record(Outcome::Refused, |event| named(event, tool).decision(Verdict::Denied, rule.to_owned()));
    }

    /// `limit` allows no more, to this call or to this request that is none; the entry stands for `refusals`.
    pub(crate) fn deny_too_many(mut self, tool: Option<&str>, limit: &str, refusals: u64) {
        self.record(Outcome::Refused, |event| {
            let event = tool.map_or(event.clone(), |tool| named(event, tool));
            event.decision(Verdict::Denied, limit.to_owned()).detail("refusals", refusals)
        });
    }

    /// There is no such tool for the caller. What they called it is not recorded: it may be anything.
    pub(crate) fn deny_unknown(mut self) {
        self.record(Outcome::Refused, |event| event.decision(Verdict::Denied, "unknown tool"));
    }

    /// It ended like this.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.record(outcome, |event| event);
    }

    /// It ends with this answer of a server elsewhere: a stream is followed to its end.
    pub(crate) fn end_with(self, response: Response) -> Response {
        let ending = response.extensions().get::<Ending>().cloned().unwrap_or_default();
        let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        if is_stream {
            return response.map(|body| {
                Body::from_stream(Followed { body: body.into_data_stream(), call: Some(self), ending })
            });
        }
        let known = ending.get().unwrap_or(Outcome::Succeeded);
        self.end(if response.status().is_success() { known } else { Outcome::Failed });
        response
    }

    fn record(&mut self, outcome: Outcome, complete: impl FnOnce(Event) -> Event) {
        if let Some((place, event)) = self.entry.take() {
            let took = self.clock.now().since(self.began);
            place.record(complete(Event { outcome, ..event }).duration(took));
        }
    }
}

/// How a call ended, told by whoever reads its answer to whoever records it. An answer that asks for input has succeeded:
/// what comes of it is a call of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<OnceLock<Outcome>>);

impl Ending {
    /// The first word counts.
    pub(crate) fn tell(&self, outcome: Outcome) {
        // Fails when it was told before.
        let _ = self.0.set(outcome);
    }

    fn get(&self) -> Option<Outcome> {
        self.0.get().copied()
    }
}

/// The event with the name of a tool, if it can be one: what nobody may call may be called anything.
fn named(event: Event, tool: &str) -> Event {
    let can_be = tool.len() <= 128 && tool.bytes().all(|byte| byte.is_ascii_graphic());
    if can_be { event.tool(tool) } else { event }
}

impl Drop for RecordedCall {
    fn drop(&mut self) {
        self.record(Outcome::Abandoned, |event| event);
    }
}

/// The stream that answers a call. Dropped before its end, the call was abandoned.
struct Followed {
    body: BodyDataStream,
    call: Option<RecordedCall>,
    ending: Ending,
}

impl Stream for Followed {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.body.poll_next_unpin(context));
        let outcome = match next {
            Some(Ok(_)) => return Poll::Ready(next),
            Some(Err(_)) => Outcome::Failed,
            // A stream that ends without a response has broken off.
            None => self.ending.get().unwrap_or(Outcome::Failed),
        };
        if let Some(call) = self.call.take() {
            call.end(outcome);
        }
        Poll::Ready(next)
    }
}
