//! A running process as its callers see it.

use std::sync::Arc;
use std::time::Duration;

use mcp::{ErrorCode, ErrorObject, Request};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::conversation::{Conversation, Inbox};
use super::exchanges::Exchanges;
use super::process::Process;
use super::{Ending, Notice, StdioError, StdioSettings, envelope};
use crate::upstream::Incoming;

/// Requests that are not written yet; the next caller waits.
const WAITING_REQUESTS: usize = 64;
/// Cancellations and answers that are not written yet. A process that leaves so many unread is ended.
const WAITING_CONTROL: usize = 1_024;

/// A way to a process. The process ends when nobody holds it any more.
pub(super) struct Connection {
    exchanges: Arc<Exchanges>,
    requests: mpsc::Sender<(i64, Vec<u8>)>,
    control: mpsc::Sender<Vec<u8>>,
    stop: watch::Sender<Option<Ending>>,
    gone: watch::Receiver<()>,
}

impl Connection {
    /// Starts the process.
    pub(super) fn open(
        settings: &Arc<StdioSettings>,
        notices: broadcast::Sender<Notice>,
    ) -> Result<Arc<Self>, StdioError> {
        let (process, streams) = Process::start(settings).map_err(|error| {
            tracing::warn!(server = %settings.name, %error, "a server process cannot be started");
            StdioError::NotStarted
        })?;
        let exchanges = Arc::new(Exchanges::new());
        let (requests, request_lines) = mpsc::channel(WAITING_REQUESTS);
        let (control, control_lines) = mpsc::channel(WAITING_CONTROL);
        let (stop, stopped) = watch::channel(None);
        let (alive, gone) = watch::channel(());
        let conversation = Conversation {
            settings: Arc::clone(settings),
            exchanges: Arc::clone(&exchanges),
            control: control.clone(),
            notices,
        };
        let inbox = Inbox { requests: request_lines, control: control_lines, stopped };
        tokio::spawn(async move {
            conversation.hold(process, streams, inbox).await;
            drop(alive);
        });
        Ok(Arc::new(Self { exchanges, requests, control, stop, gone }))
    }

    /// Asks, with a deadline for the whole exchange.
    pub(super) async fn exchange(
        self: Arc<Self>,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Exchange, StdioError> {
        let (id, incoming) = self.exchanges.open(request)?;
        let line = envelope::request(id, request);
        // "The `initialize` request MUST NOT be cancelled by clients" (2025-11-25, Cancellation).
        let is_cancellable = request.method != "initialize";
        let exchange = Exchange { id, incoming, deadline, is_cancellable, connection: self };
        match timeout_at(deadline, exchange.connection.requests.send((id, line))).await {
            Ok(Ok(())) => Ok(exchange),
            Ok(Err(_)) => Err(StdioError::Ended),
            Err(_) => Err(StdioError::Deadline),
        }
    }

    /// Writes a line that nobody answers.
    pub(super) fn tell(&self, line: Vec<u8>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.control.try_send(line) {
            self.stop.send_replace(Some(Ending::Unread));
        }
    }

    /// Writes the answer to a request of the process.
    pub(super) fn answer(&self, mut answer: Vec<u8>) {
        answer.push(b'\n');
        self.tell(answer);
    }

    /// Ends the process.
    pub(super) fn stop(&self, ending: Ending) {
        self.stop.send_replace(Some(ending));
    }

    /// Returns when the process is reaped.
    pub(super) async fn gone(&self) {
        // Nothing is ever sent: the other end is dropped.
        let _ = self.gone.clone().changed().await;
    }

    pub(super) fn exchanges(&self) -> &Exchanges {
        &self.exchanges
    }
}

/// A request on its way. Dropped before its response, it is cancelled at the process.
pub(crate) struct Exchange {
    id: i64,
    incoming: mpsc::Receiver<Incoming>,
    deadline: Instant,
    is_cancellable: bool,
    connection: Arc<Connection>,
}

impl Exchange {
    /// A client is asked something, and has `time` to answer before the process goes on.
    pub(crate) fn wait_for_client(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// The next message; the response is the last.
    pub(crate) async fn next(&mut self) -> Result<Incoming, StdioError> {
        match timeout_at(self.deadline, self.incoming.recv()).await {
            Ok(Some(incoming)) => Ok(incoming),
            Ok(None) => Err(StdioError::Ended),
            Err(_) => Err(StdioError::Deadline),
        }
    }
}

#[cfg(test)]
impl Exchange {
    /// The id that the process sees.
    pub(super) fn number(&self) -> i64 {
        self.id
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Some(abandoned) = self.connection.exchanges.abandon(self.id) else { return };
        for asked in &abandoned.asked {
            let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, "nobody answered");
            self.connection.answer(mcp::failure(Some(asked), &error));
        }
        if abandoned.is_sent && self.is_cancellable {
            let params = serde_json::json!({ "requestId": self.id, "reason": "nobody waits for the answer" });
            let mut line = mcp::notification("notifications/cancelled", &params);
            line.push(b'\n');
            self.connection.tell(line);
        }
    }
}
