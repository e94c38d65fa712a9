//! What is said over the streams of one process, from its start to its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use mcp::{ErrorCode, ErrorObject, Message, Notification, Request, RequestId};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::sleep;

use super::diagnostics;
use super::exchanges::Exchanges;
use super::lines::{Line, Lines};
use super::process::{Process, Streams};
use super::{Ending, Notice, Sharing, StdioSettings};

/// The longest message of a process, in bytes.
pub(super) const LINE: usize = 4 * 1024 * 1024;
/// After a process has exited, what it had written is still read, for this long.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The notifications that say nothing about a person, so that all users of a shared process may see them.
const PUBLIC: [&str; 4] = [
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
];

/// The house's side of the streams.
pub(super) struct Conversation {
    pub(super) settings: Arc<StdioSettings>,
    pub(super) exchanges: Arc<Exchanges>,
    pub(super) control: mpsc::Sender<Vec<u8>>,
    pub(super) notices: broadcast::Sender<Notice>,
}

/// What callers want written or done.
pub(super) struct Inbox {
    pub(super) requests: mpsc::Receiver<(i64, Vec<u8>)>,
    pub(super) control: mpsc::Receiver<Vec<u8>>,
    pub(super) stopped: watch::Receiver<Option<Ending>>,
}

impl Conversation {
    /// Speaks until one side ends it; then nobody waits any more, and the process and its group are gone.
    pub(super) async fn hold(self, process: Process, streams: Streams, inbox: Inbox) {
        let Streams { stdin, stdout, stderr } = streams;
        let Inbox { requests, control, mut stopped } = inbox;
        let log = tokio::spawn(diagnostics::log(self.settings.name.clone(), stderr));
        let ending = tokio::select! {
            ending = self.read(stdout) => ending,
            ending = self.write(stdin, requests, control) => ending,
            ending = stop(&mut stopped) => ending,
            () = self.idle() => Ending::Idle,
            () = process.exited() => { sleep(LAST_WORDS).await; Ending::Exited }
        };
        self.exchanges.close(ending);
        if ending.is_failure() {
            tracing::warn!(server = %self.settings.name, reason = %ending, "a server process is ended");
        }
        process.end(self.settings.grace).await;
        log.abort();
    }

    async fn read(&self, stdout: ChildStdout) -> Ending {
        let mut lines = Lines::new(stdout, LINE);
        loop {
            match lines.next().await {
                Ok(Line::Whole(line)) => {
                    if self.receive(line).is_err() {
                        return Ending::Unread;
                    }
                }
                Ok(Line::Long(_)) => return Ending::LineTooLong,
                Ok(Line::End) | Err(_) => return Ending::Exited,
            }
        }
    }

    /// Cancellations overtake requests: they make room.
    async fn write(
        &self,
        mut stdin: ChildStdin,
        mut requests: mpsc::Receiver<(i64, Vec<u8>)>,
        mut control: mpsc::Receiver<Vec<u8>>,
    ) -> Ending {
        loop {
            let line = tokio::select! {
                biased;
                Some(line) = control.recv() => line,
                Some((id, line)) = requests.recv() => {
                    if !self.exchanges.send(id) {
                        continue;
                    }
                    line
                }
            };
            if stdin.write_all(&line).await.is_err() {
                // It does not listen any more, but what it has written is still read.
                sleep(LAST_WORDS).await;
                return Ending::Exited;
            }
        }
    }

    /// Takes one line of the process. Fails when an answer to it finds no room any more.
    fn receive(&self, line: &[u8]) -> Result<(), mpsc::error::TrySendError<Vec<u8>>> {
        let line = line.trim_ascii();
        match (Message::parse(line), std::str::from_utf8(line)) {
            (Ok(Message::Response(response)), Ok(text)) => {
                if let Some(RequestId::Integer(id)) = response.id {
                    self.exchanges.respond(id, text);
                }
            }
            (Ok(Message::Notification(notification)), Ok(text)) => self.route(&notification, text),
            (Ok(Message::Request(request)), Ok(text)) => {
                if !self.ask(&request, text) {
                    return self.control.try_send(answer(&request));
                }
            }
            _ if line.is_empty() => {}
            _ => tracing::debug!(
                server = %self.settings.name,
                line = diagnostics::printable(line),
                "a server process wrote a line that is no message"
            ),
        }
        Ok(())
    }

    /// Passes a request of the process on to the one who may be asked: with a process for each user, whoever waits for
    /// its answer. In a process that many share nobody knows whom it means.
    fn ask(&self, request: &Request<'_>, text: &str) -> bool {
        if request.method == "ping" {
            return false;
        }
        if self.settings.sharing == Sharing::Everybody {
            tracing::warn!(server = %self.settings.name, "a server process asks for what it was not offered");
            return false;
        }
        let message = RawValue::from_string(text.to_owned());
        message.is_ok_and(|message| self.exchanges.ask(&request.id, message))
    }

    /// Progress has an address. Of the rest, what a shared process says may be about anybody: only what is about nobody
    /// is passed on.
    fn route(&self, notification: &Notification<'_>, text: &str) {
        let method = &*notification.method;
        match method {
            "notifications/progress" => return self.exchanges.report_progress(notification, text),
            // Its own requests are answered at once: there is nothing to cancel.
            "notifications/cancelled" => return,
            _ => {}
        }
        let is_private = self.settings.sharing != Sharing::Everybody;
        let Ok(message) = RawValue::from_string(text.to_owned()) else { return };
        if PUBLIC.contains(&method) || is_private {
            let undelivered = if is_private { self.exchanges.deliver_to_only(message) } else { Err(message) };
            if let Err(message) = undelivered {
                // Fails when nobody listens.
                let _ = self.notices.send(Arc::from(message));
            }
        }
    }

    async fn idle(&self) {
        let Sharing::EachUser { idle, .. } = self.settings.sharing else { return pending().await };
        loop {
            let quiet = self.exchanges.idle_for().unwrap_or_default();
            if quiet >= idle {
                return;
            }
            sleep(idle.saturating_sub(quiet)).await;
        }
    }
}

/// The answer to a request of the process that nobody else is asked.
fn answer(request: &Request<'_>) -> Vec<u8> {
    let mut line = if request.method == "ping" {
        mcp::success(&request.id, &Map::<String, Value>::new())
    } else {
        let message = "this client offers no such capability";
        mcp::failure(Some(&request.id), &ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message))
    };
    line.push(b'\n');
    line
}

/// Returns when the process is to end: because somebody says so, or because nobody is left who could.
async fn stop(stopped: &mut watch::Receiver<Option<Ending>>) -> Ending {
    match stopped.wait_for(Option::is_some).await {
        Ok(ending) => ending.unwrap_or(Ending::Stopped),
        Err(_) => Ending::Stopped,
    }
}
