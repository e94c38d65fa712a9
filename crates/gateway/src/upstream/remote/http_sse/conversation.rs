//! What comes from a server on one stream, and who gets it.
//!
//! Responses have an address: the id of the request. Progress has one too. Everything else that a server says has none
//! in this transport; since a stream belongs to one principal, whoever of them is there may get it: announcements go to
//! who listens, and what a server asks or says while it works goes to the newest request that is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use mcp::json::Object;
use mcp::{EventStream, Request, RequestId};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::super::envelope::Envelope;
use super::super::{Ended, MESSAGE_SIZE, UpstreamError};
use super::{name_of, next_event};

/// How many messages may wait for the client of one request. Then the server waits.
const WAITING_MESSAGES: usize = 8;
/// A client that takes nothing for so long, while others of the same stream wait behind it, loses its answer.
const STALL: Duration = Duration::from_secs(10);
/// A stream that nobody has used for so long is ended.
const IDLE: Duration = Duration::from_mins(30);
/// How often it is looked at whether it is used.
const LOOK: Duration = Duration::from_mins(1);

/// The notifications that belong to no request.
const ANNOUNCEMENTS: [&str; 4] = [
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
];

type Sender = mpsc::Sender<Result<Bytes, UpstreamError>>;
type Receiver = mpsc::Receiver<Result<Bytes, UpstreamError>>;

/// One stream of a server. It ends with the value.
pub(super) struct Conversation {
    /// Where messages go.
    pub(super) endpoint: Uri,
    table: Arc<Mutex<Table>>,
    reader: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct Table {
    /// In the order in which they were opened.
    waiting: Vec<Waiting>,
    listener: Option<Sender>,
    last_used: Option<Instant>,
    is_over: bool,
}

struct Waiting {
    id: RequestId<'static>,
    /// As the client gave it.
    progress_token: Option<Value>,
    sender: Sender,
    /// The server has taken the request, which may have its effect.
    is_taken: bool,
}

/// A request under way. Dropped, nobody waits for the answer any more.
pub(crate) struct Exchange {
    id: RequestId<'static>,
    receiver: Receiver,
    table: Arc<Mutex<Table>>,
    is_over: bool,
}

/// Somebody who listens to the stream.
pub(crate) struct Hearing(Receiver);

impl Conversation {
    pub(super) fn new(endpoint: Uri) -> Self {
        Self { endpoint, table: Arc::default(), reader: Mutex::new(None) }
    }

    /// Reads the stream to its end, or that of the connection it was opened with, and then calls `forget`.
    pub(super) fn read(
        &self,
        (events, source): (EventStream, outbound::Body),
        ended: Option<Ended>,
        forget: impl FnOnce() + Send + 'static,
    ) {
        let table = self.table.clone();
        let reader = tokio::spawn(async move {
            let ended = async {
                match ended {
                    Some(ended) => ended.await,
                    None => std::future::pending().await,
                }
            };
            let ending = tokio::select! {
                biased;
                () = ended => UpstreamError::Disconnected,
                ending = read(&table, events, source) => ending,
            };
            tracing::debug!(%ending, "a stream of an upstream has ended");
            close(&table, &ending);
            forget();
        });
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader.abort_handle());
    }

    /// Begins to wait for the answer to `request`.
    pub(super) fn open(&self, request: &Request<'_>) -> Result<Exchange, UpstreamError> {
        let id = request.id.clone().into_owned();
        let (sender, receiver) = mpsc::channel(WAITING_MESSAGES);
        let mut table = lock(&self.table);
        if table.is_over {
            return Err(UpstreamError::SessionGone);
        }
        // Two answers with one id could not be told from each other.
        if table.waiting.iter().any(|waiting| waiting.id == id) {
            return Err(UpstreamError::Malformed);
        }
        let progress_token = progress_token(request.params);
        table.waiting.push(Waiting { id: id.clone(), progress_token, sender, is_taken: false });
        table.last_used = Some(Instant::now());
        drop(table);
        Ok(Exchange { id, receiver, table: self.table.clone(), is_over: false })
    }

    /// Begins to listen; whoever listened before does so no more.
    pub(super) fn hear(&self) -> Hearing {
        let (sender, receiver) = mpsc::channel(WAITING_MESSAGES);
        let mut table = lock(&self.table);
        table.listener = Some(sender).filter(|_| !table.is_over);
        table.last_used = Some(Instant::now());
        Hearing(receiver)
    }

    /// The server has taken a request; its answer may come, unless the stream has ended.
    pub(super) fn taken(&self, id: &RequestId<'_>) {
        let mut table = lock(&self.table);
        if table.is_over {
            drop(table);
            self.fail(id, UpstreamError::Unreachable);
        } else if let Some(waiting) = table.waiting.iter_mut().find(|waiting| waiting.id == *id) {
            waiting.is_taken = true;
        }
    }

    /// A request has no answer.
    pub(super) fn fail(&self, id: &RequestId<'_>, error: UpstreamError) {
        if let Some(waiting) = take(&mut lock(&self.table), id) {
            // Fails when the client has gone meanwhile, or has more to read first, and then misses the end.
            let _ = waiting.sender.try_send(Err(error));
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            reader.abort();
        }
        close(&self.table, &UpstreamError::Unreachable);
    }
}

impl Exchange {
    /// The next message; after the response there is none.
    pub(crate) async fn next(&mut self) -> Result<Bytes, UpstreamError> {
        let message = self.receiver.recv().await.unwrap_or(Err(UpstreamError::Unreachable))?;
        self.is_over =
            Envelope::read(&message).is_some_and(|envelope| envelope.response_to(&self.id).is_some());
        Ok(message)
    }

    /// Whether the response has been given out.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.receiver.close();
        let mut table = lock(&self.table);
        // By now another request may be called the same.
        if table.waiting.iter().any(|waiting| waiting.id == self.id && waiting.sender.is_closed()) {
            take(&mut table, &self.id);
        }
        table.last_used = Some(Instant::now());
    }
}

impl Hearing {
    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await?.ok()
    }
}

/// Reads until the stream ends, or is not one that can be read, or nobody uses it.
async fn read(table: &Mutex<Table>, mut events: EventStream, mut source: outbound::Body) -> UpstreamError {
    lock(table).last_used = Some(Instant::now());
    loop {
        while let Some(event) = next_event(&mut events) {
            if let Some(data) =
                event.data.filter(|data| name_of(&event.raw) == b"message" && !data.is_empty())
            {
                // Lines of an event are joined by line breaks, where JSON has white space.
                deliver(table, data.replace('\n', " ").into()).await;
            }
        }
        if events.pending() > MESSAGE_SIZE {
            return UpstreamError::Malformed;
        }
        match timeout(LOOK, source.chunk()).await {
            Ok(Ok(Some(chunk))) => events.push(&chunk),
            Ok(Ok(None)) => return UpstreamError::Unreachable,
            Ok(Err(error)) => return error.into(),
            Err(_) if is_idle(table) => return UpstreamError::SessionGone,
            Err(_) => {}
        }
    }
}

fn is_idle(table: &Mutex<Table>) -> bool {
    let mut table = lock(table);
    table.listener = table.listener.take().filter(|listener| !listener.is_closed());
    let is_used = !table.waiting.is_empty() || table.listener.is_some();
    !is_used && table.last_used.is_none_or(|used| used.elapsed() >= IDLE)
}

/// Gives a message to whom it belongs.
async fn deliver(table: &Mutex<Table>, message: Bytes) {
    let Some(sender) = Envelope::read(&message).and_then(|envelope| addressee(&mut lock(table), &envelope))
    else {
        tracing::debug!("a message of an upstream is for nobody");
        return;
    };
    if !matches!(timeout(STALL, sender.send(Ok(message))).await, Ok(Ok(()))) {
        tracing::debug!("a message of an upstream was not taken");
        lock(table).waiting.retain(|waiting| !waiting.sender.same_channel(&sender));
    }
}

fn addressee(table: &mut Table, envelope: &Envelope<'_>) -> Option<Sender> {
    match (envelope.method.as_deref(), envelope.id) {
        (None, Some(id)) => {
            let id = request_id(id)?;
            take(table, &id).map(|waiting| waiting.sender)
        }
        // An error about a message that the server could not read: about the only one that it can be.
        (None, None) if table.waiting.len() == 1 => table.waiting.pop().map(|waiting| waiting.sender),
        (None, None) => None,
        (Some("notifications/progress"), None) => {
            let token = progress_told(envelope)?;
            let of_token = |waiting: &&Waiting| waiting.progress_token.as_ref() == Some(&token);
            table.waiting.iter().find(of_token).map(|waiting| waiting.sender.clone())
        }
        (Some(method), _) => {
            let newest = table.waiting.last().map(|waiting| waiting.sender.clone());
            let listener = table.listener.clone();
            if ANNOUNCEMENTS.contains(&method) { listener.or(newest) } else { newest.or(listener) }
        }
    }
}

fn take(table: &mut Table, id: &RequestId<'_>) -> Option<Waiting> {
    let position = table.waiting.iter().position(|waiting| waiting.id == *id)?;
    Some(table.waiting.remove(position))
}

/// Fails everything that waits, and everything to come. Whether the server takes what is on its way there, the answer to
/// that says.
fn close(table: &Mutex<Table>, ending: &UpstreamError) {
    let mut table = lock(table);
    table.is_over = true;
    table.listener = None;
    for waiting in table.waiting.extract_if(.., |waiting| waiting.is_taken) {
        // Fails when there is more to read first; the end of the channel is the same error then.
        let _ = waiting.sender.try_send(Err(ending.clone()));
    }
}

fn request_id(raw: &RawValue) -> Option<RequestId<'static>> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(id) => Some(RequestId::String(id.into())),
        Value::Number(id) => id.as_i64().map(RequestId::Integer),
        _ => None,
    }
}

fn progress_token(params: Option<&RawValue>) -> Option<Value> {
    let params = Object::read(params?.get(), &[]).ok()?;
    let meta = Object::read(params.get("_meta")?.get(), &[]).ok()?;
    serde_json::from_str(meta.get("progressToken")?.get()).ok()
}

fn progress_told(envelope: &Envelope<'_>) -> Option<Value> {
    let params = Object::read(envelope.params?.get(), &[]).ok()?;
    serde_json::from_str(params.get("progressToken")?.get()).ok()
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    // Every change is whole between two statements; no panic can leave it half written.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
