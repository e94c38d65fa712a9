//! One request at the server: its messages as they come, and what is owed to the server when nobody wants them any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use mcp::{Event, EventStream, RequestId};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::session::memory::UnderWay;
use crate::upstream::remote::{Answer, Caller, UpstreamError};
use crate::upstream::source::Source;

/// How long an answer is read that nobody waits for, in all.
const LAST_WORDS: Duration = Duration::from_mins(10);

/// What happens to a request whose client has gone.
#[derive(Debug, Clone)]
pub(super) enum Farewell {
    /// The connection is closed, which is all that is to be said: a modern server takes it for a cancellation, a legacy
    /// one does not, and neither should it for a legacy client.
    Close,
    /// A modern client has closed the stream, and a legacy server is told what that means.
    Cancel(RequestId<'static>),
    /// A legacy client has left, which "SHOULD NOT be interpreted as the client cancelling its request" (2025-11-25,
    /// Streamable HTTP): the server may finish.
    Finish,
}

/// A request at the server.
pub(super) struct Conversation {
    caller: Arc<Caller>,
    reply: HeaderMap,
    /// `None` once it has ended.
    source: Option<Source>,
    events: EventStream,
    patience: Duration,
    farewell: Farewell,
}

impl Conversation {
    /// A request whose answer is still to come; `reply` are the headers of messages to the server meanwhile.
    pub(super) fn new(caller: Arc<Caller>, reply: HeaderMap, farewell: Farewell) -> Self {
        let patience = caller.remote().idle_time();
        Self { caller, reply, source: None, events: EventStream::default(), patience, farewell }
    }

    pub(super) fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// What the server says next; an error at the end, for a conversation is over with its response.
    pub(super) async fn next(&mut self) -> Result<Event, UpstreamError> {
        loop {
            let size = self.caller.remote().answer_size();
            match self.events.next_event() {
                Some(event) if event.raw.len() > size => return Err(UpstreamError::TooLarge),
                Some(event) => return Ok(event),
                None => {}
            }
            if self.events.pending() > size {
                return Err(UpstreamError::TooLarge);
            }
            // A stream that has ended will say no more.
            let source = self.source.as_mut().ok_or(UpstreamError::Unreachable)?;
            let received = timeout(self.patience, source.chunk()).await;
            self.patience = self.caller.remote().idle_time();
            match received.map_err(|_| UpstreamError::TimedOut)?? {
                Some(bytes) => self.events.push(&bytes),
                None => self.source = None,
            }
        }
    }

    /// Sends the server a message that it does not answer.
    pub(super) fn tell(&self, message: Vec<u8>) -> impl Future<Output = Result<(), UpstreamError>> + use<> {
        let (caller, headers) = (self.caller.clone(), self.reply.clone());
        async move { caller.post(headers, message.into()).await.map(drop) }
    }

    /// The server waits for an answer of the client, and may be silent for as long as that takes.
    pub(super) fn wait_for_client(&mut self) {
        self.patience = self.caller.remote().question_time().max(self.patience);
        if let Some(source) = &mut self.source {
            source.wait_for_client(self.caller.remote().question_time());
        }
    }

    /// This is the answer, to the request or to the same one when it was sent again.
    pub(super) fn go_on_with(&mut self, source: Source) {
        self.events = EventStream::default();
        self.source = Some(source);
    }

    /// The response has come: nothing is owed any more, though the server may still say something.
    pub(super) fn answered(&mut self) {
        self.farewell = Farewell::Close;
    }

    /// What is left of it, to be gone on with later; here it is over.
    pub(super) fn part(&mut self) -> Self {
        let over = Self {
            caller: self.caller.clone(),
            reply: self.reply.clone(),
            source: None,
            events: EventStream::default(),
            patience: self.patience,
            farewell: Farewell::Close,
        };
        std::mem::replace(self, over)
    }

    /// It is over.
    pub(super) fn end(&mut self) {
        self.source = None;
        self.events = EventStream::default();
        self.farewell = Farewell::Close;
    }

    /// The client has cancelled the request.
    pub(super) fn cancel(&mut self) {
        if let Farewell::Finish = self.farewell {
            self.farewell = Farewell::Close;
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // Without a runtime nobody is left to be told anything.
        let Ok(runtime) = Handle::try_current() else { return };
        match (std::mem::replace(&mut self.farewell, Farewell::Close), self.source.take()) {
            (Farewell::Cancel(id), Some(source)) => {
                let (caller, headers) = (self.caller.clone(), std::mem::take(&mut self.reply));
                drop(source);
                runtime.spawn(async move { cancel(&caller, headers, &id).await });
            }
            (Farewell::Finish, Some(source)) => {
                let idle = self.caller.remote().idle_time();
                runtime.spawn(async move { timeout(LAST_WORDS, finish(source, idle)).await });
            }
            _ => {}
        }
    }
}

/// "`notifications/cancelled`": the result will be unused (2025-11-25, Cancellation).
async fn cancel(caller: &Caller, headers: HeaderMap, id: &RequestId<'_>) {
    let params = json!({ "requestId": id, "reason": "nobody waits for the answer" });
    let message = mcp::notification("notifications/cancelled", &params);
    if let Err(error) = caller.post(headers, message.into()).await {
        tracing::debug!(%error, "a request of the upstream could not be cancelled");
    }
}

/// A request that a legacy server has not begun to answer. Dropped meanwhile, it is cancelled there.
pub(super) struct Unanswered(Option<(Arc<Caller>, HeaderMap, RequestId<'static>)>);

impl Unanswered {
    pub(super) fn new(caller: &Arc<Caller>, headers: &HeaderMap, id: &RequestId<'static>) -> Self {
        Self(Some((caller.clone(), headers.clone(), id.clone())))
    }

    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let (Some((caller, headers, id)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { cancel(&caller, headers, &id).await });
        }
    }
}

/// Reads an answer that nobody waits for.
async fn finish(mut source: Source, idle: Duration) {
    while let Ok(Ok(Some(_))) = timeout(idle, source.chunk()).await {}
}

/// Sends a legacy client's request so that it is finished even if the client leaves before there is an answer; `None`
/// when the client has cancelled it.
pub(super) async fn ask_to_the_end(
    caller: &Arc<Caller>,
    headers: HeaderMap,
    body: Bytes,
    under_way: &UnderWay,
) -> Result<Option<Answer>, UpstreamError> {
    let (sender, receiver) = oneshot::channel();
    let asker = caller.clone();
    let asking = tokio::spawn(async move {
        let idle = asker.remote().idle_time();
        let answer = asker.post(headers, body).await.map(|(_, answer)| answer);
        if let Err(Ok(Answer::Stream(source))) = sender.send(answer) {
            // Fails when it takes too long, and nobody waits.
            let _ = timeout(LAST_WORDS, finish(source, idle)).await;
        }
    });
    tokio::select! {
        answer = receiver => answer.unwrap_or(Err(UpstreamError::Unreachable)).map(Some),
        () = under_way.cancelled() => {
            asking.abort();
            Ok(None)
        }
    }
}
