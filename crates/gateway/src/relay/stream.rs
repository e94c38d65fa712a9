//! A request on its way: one event at a time, taken from the server when the client has room for it, so that a slow
//! reader slows the server down and nothing collects here.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use audit::Outcome;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;
use mcp::{Event, write_event};
use secret::Digest;
use tokio::time::timeout;

use super::RelayEndpoint;
use super::conversation::Conversation;
use super::event::{calmed, has_field};
use super::interview::{Interview, Interviewer};
use super::kept::Kept;
use super::passage::{Passage, Passed};
use super::replayed::Replayed;
use crate::recorded::{Ending, record_refused_request};
use crate::session::memory::UnderWay;
use crate::settings::Front;
use crate::upstream::remote::UpstreamError;
use crate::upstream::remote::envelope::{Envelope, refusal};

/// How many requests that it may not make a server may try on one stream.
const REFUSALS: u8 = 16;
/// How often a client that waits for an answer of its own user hears that it is not forgotten.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What the client gets next.
#[derive(Debug)]
pub(super) enum Output {
    /// Something that goes before the response.
    Before(Bytes),
    /// The response, and the status for an answer that is no stream.
    Response(StatusCode, Vec<u8>),
}

/// A request whose answer passes from the server to the client. It is large, and a stream of it may be silent for hours:
/// it stands in a box, and so does what waits for anything but the next event.
pub(super) struct Relayed {
    pub(super) front: Arc<Front>,
    pub(super) kept: Arc<Kept>,
    pub(super) conversation: Conversation,
    /// `None` once the response has passed, and where none is expected (`GET`).
    pub(super) passage: Option<Passage>,
    pub(super) manner: Manner,
    /// Set where the client can cancel it by its id.
    under_way: Option<UnderWay>,
    pub(super) queue: VecDeque<Output>,
    /// Events had ids, so that the client can ask for the rest (2025-11-25, Resumability and Redelivery).
    may_resume: bool,
    refusals: u8,
    /// Set on a stream on which responses may come again.
    pub(super) replayed: Option<Replayed>,
    /// Something was taken out of the answer, and that is in the audit log.
    pub(super) is_redacted: bool,
    /// Where it is told how the call ended.
    pub(super) ending: Ending,
}

/// How the client is asked what the server asks.
pub(super) enum Manner {
    /// As the server asks.
    Same,
    /// A legacy client by requests, and its answers go to a modern server.
    Requests(Box<Interviewer>, Option<Interview>),
    /// A modern client by the result of this request; the call is held meanwhile.
    Results(Digest),
}

impl Relayed {
    pub(super) fn new(
        endpoint: &RelayEndpoint,
        conversation: Conversation,
        passage: Option<Passage>,
        manner: Manner,
        under_way: Option<UnderWay>,
    ) -> Box<Self> {
        Box::new(Self {
            front: endpoint.front.clone(),
            kept: endpoint.kept.clone(),
            conversation,
            passage,
            manner,
            under_way,
            queue: VecDeque::new(),
            may_resume: false,
            refusals: 0,
            replayed: None,
            is_redacted: false,
            ending: Ending::default(),
        })
    }

    /// Everything that the client gets.
    pub(super) fn outputs(self: Box<Self>) -> impl Stream<Item = Output> + Send {
        stream::unfold(self, async |mut relayed| {
            let under_way = relayed.under_way.take();
            let output = match &under_way {
                None => relayed.next().await,
                Some(cancellable) => tokio::select! {
                    biased;
                    () = cancellable.cancelled() => {
                        relayed.conversation.cancel();
                        None
                    }
                    output = relayed.next() => output,
                },
            };
            relayed.under_way = under_way;
            Some((output?, relayed))
        })
    }

    async fn next(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.queue.pop_front() {
                return Some(output);
            }
            let outcome = match &mut self.manner {
                Manner::Requests(_, Some(interview)) => {
                    match timeout(SIGN_OF_LIFE, interview.complete()).await {
                        Err(_) => Ok(Some(Output::Before(Bytes::from_static(b":\n\n")))),
                        Ok(()) => Box::pin(self.ask_again()).await,
                    }
                }
                _ => match self.conversation.next().await {
                    Ok(event) => self.pass(event).await,
                    Err(error) => Err(error),
                },
            };
            match outcome {
                Ok(Some(output)) => return Some(output),
                Ok(None) => {}
                Err(error) => return self.end(&error),
            }
        }
    }

    /// What becomes of an event; `None` when it is not for the client, or not yet.
    async fn pass(&mut self, event: Event) -> Result<Option<Output>, UpstreamError> {
        let event = self.redacted_event(event).await;
        self.may_resume |= matches!(self.manner, Manner::Same) && has_field(&event.raw, b"id");
        let Some(data) = event.data.as_deref().filter(|data| !data.is_empty()) else {
            // The modern era resumes nothing: of events without data it knows comments alone.
            let is_withheld = matches!(self.manner, Manner::Results(_)) && !event.raw.starts_with(b":");
            return Ok((!is_withheld).then(|| Output::Before(calmed(event.raw).into())));
        };
        let envelope = Envelope::read(data.as_bytes()).ok_or(UpstreamError::Malformed)?;
        if let (Some(method), Some(id)) = (&envelope.method, envelope.id) {
            if !self.conversation.caller().remote().allowed().allows(method) {
                let reply = refusal(method, id).ok_or(UpstreamError::Malformed)?;
                return Box::pin(self.refuse(method, reply)).await.map(|()| None);
            }
            self.conversation.wait_for_client();
        }
        if self.passage.is_none() && envelope.method.is_none() {
            let passed = self.replayed.as_mut().map_or(Passed::Withheld, |replayed| replayed.pass(&envelope));
            return Box::pin(self.replay(passed, event.raw)).await;
        }
        match self.passage.as_ref().map_or(Passed::Before, |passage| passage.pass(&envelope)) {
            Passed::Before => Ok(Some(Output::Before(calmed(event.raw).into()))),
            Passed::Response(outcome) => {
                self.finish(outcome);
                Ok(Some(Output::Before(calmed(event.raw).into())))
            }
            passed => Box::pin(self.settle(passed)).await,
        }
    }

    /// What becomes of a response on a stream that answers no request, or no more.
    async fn replay(&mut self, passed: Passed, raw: Vec<u8>) -> Result<Option<Output>, UpstreamError> {
        match passed {
            Passed::Withheld => Ok(None),
            Passed::Response(_) => Ok(Some(Output::Before(calmed(raw).into()))),
            Passed::Rewritten(_, body, _) => Ok(Some(Output::Before(write_event(&body).into()))),
            Passed::Refused(method, body) => {
                record_refused_request(&self.front, self.conversation.caller(), &method).await;
                Ok(Some(Output::Before(write_event(&body).into())))
            }
            _ => Err(UpstreamError::Malformed),
        }
    }

    /// What an answer is that is no stream.
    pub(super) fn judge(&self, body: &[u8]) -> Passed {
        let (Some(passage), Some(envelope)) = (&self.passage, Envelope::read(body)) else {
            return Passed::Malformed;
        };
        passage.pass(&envelope)
    }

    /// What becomes of a message that does not pass as it came.
    pub(super) async fn settle(&mut self, passed: Passed) -> Result<Option<Output>, UpstreamError> {
        match passed {
            Passed::Rewritten(status, body, outcome) => Ok(Some(self.respond(status, body, outcome))),
            Passed::BeforeInstead(message) => Ok(Some(Output::Before(write_event(&message).into()))),
            Passed::Withheld => Ok(None),
            Passed::Undeliverable(reply) => {
                self.answer(reply).await;
                Ok(None)
            }
            Passed::Refused(method, body) => {
                record_refused_request(&self.front, self.conversation.caller(), &method).await;
                Ok(Some(self.respond(StatusCode::OK, body, Outcome::Failed)))
            }
            Passed::Question(question) => self.hold(question).await,
            Passed::InputRequired(input) => self.interview(input),
            Passed::Links(links) => Ok(self.follow(links)),
            Passed::Before | Passed::Response(_) | Passed::Malformed => Err(UpstreamError::Malformed),
        }
    }

    pub(super) fn respond(&mut self, status: StatusCode, body: Vec<u8>, outcome: Outcome) -> Output {
        self.finish(outcome);
        Output::Response(status, body)
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.ending.tell(outcome);
        self.passage = None;
        self.conversation.answered();
    }

    /// Refuses a request that the server may not make (UP-17).
    async fn refuse(&mut self, method: &str, reply: Vec<u8>) -> Result<(), UpstreamError> {
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return Err(UpstreamError::Malformed);
        }
        record_refused_request(&self.front, self.conversation.caller(), method).await;
        self.answer(reply).await;
        Ok(())
    }

    /// Answers a request of the server in the client's place.
    pub(super) async fn answer(&mut self, reply: Vec<u8>) {
        if let Err(error) = self.conversation.tell(reply).await {
            tracing::debug!(%error, "a request of the upstream could not be answered");
        }
    }

    /// Ends the stream. A client that still waits for a response, and cannot ask for it again, is told why there is
    /// none.
    fn end(&mut self, error: &UpstreamError) -> Option<Output> {
        // Whoever can ask for the rest hears there how it ends, and here nobody knows.
        self.ending.tell(if self.may_resume { Outcome::Abandoned } else { Outcome::Failed });
        let passage = self.passage.take().filter(|_| !self.may_resume);
        self.conversation.end();
        Some(Output::Response(StatusCode::BAD_GATEWAY, passage?.failure(error.to_string())))
    }
}

/// A body of all outputs.
pub(super) fn body(outputs: impl Stream<Item = Output> + Send + 'static) -> Body {
    Body::from_stream(outputs.map(|output| {
        Ok::<_, Infallible>(match output {
            Output::Before(bytes) => bytes,
            Output::Response(_, body) => write_event(&body).into(),
        })
    }))
}
