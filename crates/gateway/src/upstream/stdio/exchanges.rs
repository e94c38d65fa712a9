//! The exchanges of one process that wait for their response.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcp::{Notification, Params, Request, RequestId};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::envelope;
use super::{Ending, StdioError};
use crate::upstream::Incoming;

/// How many messages may wait for a client that reads slowly; later ones are lost. There is always room for the
/// response.
const WAITING_MESSAGES: usize = 64;

/// How many exchanges one process has at the same time.
const AT_MOST: usize = 1_024;

/// All exchanges of one process.
pub(super) struct Exchanges {
    table: Mutex<Table>,
}

struct Table {
    last_id: i64,
    waiting: HashMap<i64, Waiting>,
    last_used: Instant,
    ending: Option<(Ending, Instant)>,
}

/// An exchange without a response yet.
struct Waiting {
    /// As the client numbered its request.
    id: Box<RawValue>,
    progress_token: Option<Box<RawValue>>,
    sender: mpsc::Sender<Incoming>,
    is_sent: bool,
    /// What the process has asked the client, and the client has not answered.
    asked: Vec<RequestId<'static>>,
}

/// An exchange that nobody waits for any more.
pub(super) struct Abandoned {
    /// Whether the process works on it.
    pub(super) is_sent: bool,
    /// What the process waits for in vain.
    pub(super) asked: Vec<RequestId<'static>>,
}

impl Exchanges {
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::new(Table {
                last_id: 0,
                waiting: HashMap::new(),
                last_used: Instant::now(),
                ending: None,
            }),
        }
    }

    /// Opens an exchange: our number for it, and where its messages arrive.
    pub(super) fn open(&self, request: &Request<'_>) -> Result<(i64, mpsc::Receiver<Incoming>), StdioError> {
        let id = to_raw_value(&request.id).expect("an id is an integer or a string");
        let progress_token = envelope::progress_token(request.params);
        let (sender, receiver) = mpsc::channel(WAITING_MESSAGES + 1);
        let mut table = self.table();
        if table.ending.is_some() {
            return Err(StdioError::Ended);
        }
        if table.waiting.len() >= AT_MOST {
            return Err(StdioError::Busy);
        }
        table.last_id += 1;
        let number = table.last_id;
        table
            .waiting
            .insert(number, Waiting { id, progress_token, sender, is_sent: false, asked: Vec::new() });
        Ok((number, receiver))
    }

    /// Notes that a request is about to be written; `false` when nobody waits for it any more.
    pub(super) fn send(&self, id: i64) -> bool {
        self.table().waiting.get_mut(&id).is_some_and(|waiting| {
            waiting.is_sent = true;
            true
        })
    }

    /// Forgets an exchange that has no response.
    pub(super) fn abandon(&self, id: i64) -> Option<Abandoned> {
        let Waiting { is_sent, asked, .. } = self.take(id)?;
        Some(Abandoned { is_sent, asked })
    }

    /// Delivers a request of the process to the only exchange there is: it names none, and whoever else waits is asked
    /// nothing. `false` when nobody is asked.
    pub(super) fn ask(&self, id: &RequestId<'_>, message: Box<RawValue>) -> bool {
        let mut table = self.table();
        let mut waiting = table.waiting.values_mut();
        let (Some(only), None) = (waiting.next(), waiting.next()) else { return false };
        let is_delivered = deliver(&only.sender, message);
        if is_delivered {
            only.asked.push(id.clone().into_owned());
        }
        is_delivered
    }

    /// Whether the process waits for this answer; it waits no longer.
    pub(super) fn takes_answer(&self, id: &RequestId<'_>) -> bool {
        let mut table = self.table();
        table.waiting.values_mut().any(|waiting| {
            let before = waiting.asked.len();
            waiting.asked.retain(|asked| asked != id);
            waiting.asked.len() < before
        })
    }

    /// Delivers a response, which ends its exchange. Nobody may wait for it any more: then it is dropped.
    pub(super) fn respond(&self, id: i64, text: &str) {
        let Some(waiting) = self.take(id) else { return };
        if let Some(response) = envelope::with_member(text, "id", &*waiting.id) {
            // Fails when the client has left meanwhile, and never for want of room.
            let _ = waiting.sender.try_send(Incoming::Response(response));
        }
    }

    /// Delivers `notifications/progress` to the exchange that its token names.
    pub(super) fn report_progress(&self, notification: &Notification<'_>, text: &str) {
        let token = Params::read(notification.params).ok().and_then(|params| params.get("progressToken"));
        let Some(id) = token.and_then(|token| token.get().parse::<i64>().ok()) else { return };
        let (token, sender) = match self.table().waiting.get(&id) {
            Some(Waiting { progress_token: Some(token), sender, .. }) => (token.clone(), sender.clone()),
            _ => return,
        };
        if let Some(message) = envelope::progress(text, &token) {
            deliver(&sender, message);
        }
    }

    /// Delivers a message that names no exchange to the only one there is. Gives it back when there is another number
    /// of them.
    pub(super) fn deliver_to_only(&self, message: Box<RawValue>) -> Result<(), Box<RawValue>> {
        let table = self.table();
        let mut waiting = table.waiting.values();
        match (waiting.next(), waiting.next()) {
            (Some(only), None) => {
                deliver(&only.sender, message);
                Ok(())
            }
            _ => Err(message),
        }
    }

    /// Fails everything that waits, and everything to come.
    pub(super) fn close(&self, ending: Ending) {
        let mut table = self.table();
        table.ending = Some((ending, Instant::now()));
        table.waiting.clear();
    }

    /// Why and when it was closed.
    pub(super) fn ending(&self) -> Option<(Ending, Instant)> {
        self.table().ending
    }

    /// For how long there has been no exchange; `None` while there is one.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let table = self.table();
        table.waiting.is_empty().then(|| table.last_used.elapsed())
    }

    fn take(&self, id: i64) -> Option<Waiting> {
        let mut table = self.table();
        table.last_used = Instant::now();
        table.waiting.remove(&id)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One place stays free for the response. Only the task that reads the process sends, so the count cannot be stale.
fn deliver(sender: &mpsc::Sender<Incoming>, message: Box<RawValue>) -> bool {
    let is_delivered = sender.capacity() > 1 && sender.try_send(Incoming::Message(message)).is_ok();
    if !is_delivered {
        tracing::debug!("a client reads too slowly: a message of a server process is lost");
    }
    is_delivered
}
