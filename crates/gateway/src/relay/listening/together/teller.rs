//! The one who asks the server, and tells everybody what it says.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use mcp::{Era, SubscriptionFilter};

use super::super::super::conversation::{Conversation, Farewell};
use super::super::super::kept::Kept;
use super::super::super::passage::{Eras, Kind as Asked, Passage};
use super::super::super::redacted::without_secrets;
use super::heard::{Heard, heard};
use super::hub::{Hub, Opened};
use super::listener::Meeting;
use super::request::request;
use super::told::{OURS, Told};
use crate::recorded::record_refused_request;
use crate::settings::Front;
use crate::shut_down::end_of_subscription;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::{Answer, Caller, UpstreamError, error_in};

/// How many requests, which it may not make, a server may try on one stream.
const REQUESTS: u8 = 16;

struct Teller {
    front: Arc<Front>,
    kept: Arc<Kept>,
    hub: Arc<Hub>,
    filter: SubscriptionFilter,
    conversation: Conversation,
    passage: Passage,
    requests: u8,
}

/// Opens the stream of a hub, with the permit of the first who listens, and tells what it says for as long as anybody
/// does.
pub(super) fn open(meeting: &Meeting, caller: &Arc<Caller>, hub: &Arc<Hub>, filter: SubscriptionFilter) {
    let passage = Passage {
        asked_as: OURS,
        answered_as: OURS,
        list: None,
        asked: Asked::Other,
        eras: Eras::Same { knows_links: true },
        allowed: caller.remote().allowed(),
        is_personal: false,
    };
    let teller = Teller {
        front: meeting.front.clone(),
        kept: meeting.kept.clone(),
        hub: hub.clone(),
        filter,
        conversation: Conversation::new(caller.clone(), HeaderMap::new(), Farewell::Close),
        passage,
        requests: 0,
    };
    let closing = Closing(meeting.kept.clone(), hub.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = closing.0.hubs.left(&closing.1) => {}
            () = teller.tell() => {}
        }
    });
}

/// However it ends, nobody is left waiting.
struct Closing(Arc<Kept>, Arc<Hub>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.hubs.forget(&self.1);
        self.1.close();
    }
}

impl Teller {
    async fn tell(mut self) {
        let opened = self.ask().await.unwrap_or_else(Opened::Failed);
        let is_stream = matches!(opened, Opened::Stream);
        if !is_stream {
            // Whoever comes from now on asks again.
            self.kept.hubs.forget(&self.hub);
        }
        self.hub.open(opened);
        if is_stream {
            self.tell_events().await;
        }
    }

    /// Until the end of the stream, or until the process is asked to end.
    async fn tell_events(&mut self) {
        let streams = self.front.event_streams.clone();
        loop {
            let told = tokio::select! {
                biased;
                () = streams.drained() => Told::response(end_of_subscription(&OURS)),
                next = self.next() => match next {
                    Ok(Some(told)) => told,
                    Ok(None) => continue,
                    Err(error) => Told::failure(&error.to_string()),
                },
            };
            self.hub.room().await;
            if told.is_last() {
                self.kept.hubs.forget(&self.hub);
                return self.hub.tell(told);
            }
            self.hub.tell(told);
        }
    }

    fn caller(&self) -> &Arc<Caller> {
        self.conversation.caller()
    }

    async fn ask(&mut self) -> Result<Opened, UpstreamError> {
        let (headers, body) = request(&self.filter);
        match self.caller().post(headers, body).await? {
            (_, Answer::Stream(source)) => {
                self.conversation.go_on_with(source);
                Ok(Opened::Stream)
            }
            (_, Answer::Json(status, body)) => self.answered(status, &body).await,
            (_, Answer::Accepted | Answer::Refused(_)) => Err(UpstreamError::Malformed),
        }
    }

    /// An answer that is no stream, and has to be the response.
    async fn answered(&mut self, status: StatusCode, body: &[u8]) -> Result<Opened, UpstreamError> {
        if status != StatusCode::OK {
            self.caller().note_error(Era::Modern, status, error_in(body).as_ref()).await;
        }
        let text = std::str::from_utf8(body).map_err(|_| UpstreamError::Malformed)?;
        match self.hear(text).await {
            Ok(Some(told)) if told.is_last() => Ok(Opened::Answer(status, Arc::new(told))),
            _ if status != StatusCode::OK => Err(UpstreamError::Status(status)),
            _ => Err(UpstreamError::Malformed),
        }
    }

    /// What is told next; `None` when it is for nobody.
    async fn next(&mut self) -> Result<Option<Told>, UpstreamError> {
        let event = self.conversation.next().await?;
        match event.data.filter(|data| !data.is_empty()) {
            Some(data) => self.hear(&data).await,
            None => Ok(Some(Told::comment())),
        }
    }

    async fn hear(&mut self, text: &str) -> Result<Option<Told>, UpstreamError> {
        let redacted = without_secrets(self.caller(), &self.front.issuer, text);
        let text = redacted.as_deref().unwrap_or(text);
        let envelope = Envelope::read(text.as_bytes()).ok_or(UpstreamError::Malformed)?;
        let told = match heard(&self.passage, &self.filter, &envelope) {
            Heard::Told(kind) => Told::read(kind, text, &envelope)?,
            Heard::Refused(method, body) => {
                record_refused_request(&self.front, self.caller(), &method).await;
                Told::response(body)
            }
            Heard::Request(method) => return self.refuse(&method).await.map(|()| None),
            Heard::Unwanted => return Ok(None),
            Heard::Malformed => return Err(UpstreamError::Malformed),
        };
        Ok(Some(told.redacted(redacted.is_some())))
    }

    /// A request that a modern server does not make, and that could not be for everybody (UP-17).
    async fn refuse(&mut self, method: &str) -> Result<(), UpstreamError> {
        self.requests += 1;
        if self.requests > REQUESTS {
            return Err(UpstreamError::Malformed);
        }
        record_refused_request(&self.front, self.caller(), method).await;
        Ok(())
    }
}
