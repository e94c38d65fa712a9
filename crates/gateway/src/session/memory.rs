//! What a node remembers of a legacy client's session, because what stands behind it does not: the modern era has no
//! sessions, and the processes that many share have none for each client.
//!
//! Losing it costs little: log messages come at the default level, a client subscribes again, a question that waits
//! fails. So it is bounded, and local to a node; clients whose session moves between nodes while something waits are not
//! answered there (`docs/decisions/0013-questions-across-eras.md`).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use mcp::{ErrorObject, LogLevel, RequestId};
use secret::Digest;
use serde_json::value::RawValue;
use tokio::sync::{Notify, broadcast, oneshot, watch};

use super::LIFETIME;

/// How many sessions a node remembers something of.
const SESSIONS: u64 = 65_536;
/// How many resources one session may subscribe to.
const SUBSCRIPTIONS: usize = 1_024;

/// How many messages of ours may wait for a client that reads slowly; earlier ones are lost.
const ANNOUNCEMENTS: usize = 16;
/// How many links one session may wait for.
const WATCHED: usize = 32;

/// What a client answered.
pub(crate) type Answer = Result<Box<RawValue>, ErrorObject>;

/// The sessions of one server.
pub(crate) struct Memories(moka::sync::Cache<Digest, Arc<SessionMemory>>);

impl Default for Memories {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(SESSIONS).time_to_idle(LIFETIME).build())
    }
}

impl Memories {
    /// The memory of the session with this id, which was opened for its principal.
    pub(crate) fn of(&self, id: &[u8]) -> Arc<SessionMemory> {
        self.0.get_with(Digest::of(id), Arc::default)
    }

    /// Forgets a session that has ended.
    pub(crate) fn forget(&self, id: &[u8]) {
        self.0.invalidate(&Digest::of(id));
    }
}

/// What is remembered of one session.
#[derive(Default)]
pub(crate) struct SessionMemory {
    state: Mutex<State>,
    subscriptions: watch::Sender<BTreeSet<String>>,
    /// What the gateway itself tells the client.
    announcements: OnceLock<broadcast::Sender<Bytes>>,
}

#[derive(Default)]
struct State {
    log_level: Option<LogLevel>,
    last_question: u64,
    /// What the client was asked and has not answered.
    questions: HashMap<String, oneshot::Sender<Answer>>,
    /// What the client has asked and may cancel.
    under_way: HashMap<RequestId<'static>, Arc<Notify>>,
    /// The links of ours of which the client hears when they were followed.
    watched: BTreeSet<String>,
}

impl SessionMemory {
    pub(crate) fn log_level(&self) -> Option<LogLevel> {
        self.state().log_level
    }

    pub(crate) fn set_log_level(&self, level: LogLevel) {
        self.state().log_level = Some(level);
    }

    /// The resources that the client wants to hear of.
    pub(crate) fn subscriptions(&self) -> watch::Receiver<BTreeSet<String>> {
        self.subscriptions.subscribe()
    }

    /// `false` when the client has subscribed to as many as it may.
    pub(crate) fn subscribe(&self, uri: &str) -> bool {
        self.subscriptions.send_if_modified(|subscribed| {
            subscribed.len() < SUBSCRIPTIONS && subscribed.insert(uri.to_owned())
        }) || self.subscriptions.borrow().contains(uri)
    }

    pub(crate) fn unsubscribe(&self, uri: &str) {
        self.subscriptions.send_if_modified(|subscribed| subscribed.remove(uri));
    }

    /// What the gateway tells the client from now on, each a message.
    pub(crate) fn announcements(&self) -> broadcast::Receiver<Bytes> {
        self.announcements.get_or_init(|| broadcast::Sender::new(ANNOUNCEMENTS)).subscribe()
    }

    /// Tells the client something, if it listens.
    pub(crate) fn announce(&self, message: &[u8]) {
        if let Some(announcements) = self.announcements.get() {
            // Fails when nobody listens any more.
            let _ = announcements.send(Bytes::copy_from_slice(message));
        }
    }

    /// Whether the client listens.
    pub(crate) fn is_heard(&self) -> bool {
        self.announcements.get().is_some_and(|announcements| announcements.receiver_count() > 0)
    }

    /// Notes that a link is watched; `false` when nobody would hear of it, or it is watched already.
    pub(crate) fn watch(&self, link: &str) -> bool {
        let is_heard = self.is_heard();
        let mut state = self.state();
        is_heard && state.watched.len() < WATCHED && state.watched.insert(link.to_owned())
    }

    /// Whether any is.
    pub(crate) fn is_watching(&self) -> bool {
        !self.state().watched.is_empty()
    }

    /// It is no more.
    pub(crate) fn unwatch(&self, link: &str) {
        self.state().watched.remove(link);
    }

    /// An id for a question to the client, and where its answer will arrive.
    pub(crate) fn ask(&self) -> (RequestId<'static>, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.last_question += 1;
        // A client's own ids and a server's are apart, so that this needs no more than to be new.
        let id = format!("vestibule-{}", state.last_question);
        state.questions.retain(|_, waiting| !waiting.is_closed());
        state.questions.insert(id.clone(), sender);
        (RequestId::String(id.into()), receiver)
    }

    /// Takes the client's answer to a question; what nobody asked is dropped.
    pub(crate) fn answer(&self, id: &RequestId<'_>, answer: Answer) {
        let RequestId::String(id) = id else { return };
        let waiting = self.state().questions.remove(&**id);
        if let Some(waiting) = waiting {
            // Fails when nobody waits any more.
            let _ = waiting.send(answer);
        }
    }

    /// Notes a request that the client may cancel, until the value is dropped.
    pub(crate) fn begin(self: &Arc<Self>, id: RequestId<'static>) -> UnderWay {
        let cancelled = Arc::<Notify>::default();
        self.state().under_way.insert(id.clone(), cancelled.clone());
        UnderWay { memory: self.clone(), id, cancelled }
    }

    /// The client cancels a request, which may be over already.
    pub(crate) fn cancel(&self, id: &RequestId<'_>) {
        if let Some(cancelled) = self.state().under_way.get(id) {
            cancelled.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that the client may cancel.
pub(crate) struct UnderWay {
    memory: Arc<SessionMemory>,
    id: RequestId<'static>,
    cancelled: Arc<Notify>,
}

impl UnderWay {
    /// Returns when the client has cancelled it.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.notified().await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.memory.state();
        // A client that gives an id twice means the newer one.
        if state.under_way.get(&self.id).is_some_and(|current| Arc::ptr_eq(current, &self.cancelled)) {
            state.under_way.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_request_is_cancelled_by_its_id_while_it_is_under_way() {
        let memory = Arc::<SessionMemory>::default();
        let (one, two) = (memory.begin(RequestId::from(1)), memory.begin(RequestId::String("1".into())));
        memory.cancel(&RequestId::from(1));
        assert!(one.cancelled().now_or_never().is_some());
        assert!(two.cancelled().now_or_never().is_none());
        drop(one);
        memory.cancel(&RequestId::from(1));
        assert_eq!(memory.state().under_way.len(), 1);
    }

    #[test]
    fn an_answer_reaches_its_question_once() {
        let memory = SessionMemory::default();
        let (first, mut waiting) = memory.ask();
        let (second, gone) = memory.ask();
        assert_ne!(first, second);
        drop(gone);
        let answer = || Ok(RawValue::from_string("{}".to_owned()).unwrap());
        memory.answer(&RequestId::from(7), answer());
        memory.answer(&second, answer());
        assert!(waiting.try_recv().is_err());
        memory.answer(&first, answer());
        assert!(waiting.try_recv().unwrap().is_ok());
        assert!(memory.state().questions.is_empty());
    }

    #[test]
    fn subscriptions_have_a_bound() {
        let memory = SessionMemory::default();
        for number in 0..SUBSCRIPTIONS {
            assert!(memory.subscribe(&format!("a:{number}")));
        }
        assert!(!memory.subscribe("a:more"));
        assert!(memory.subscribe("a:0"), "once more is no more");
        memory.unsubscribe("a:0");
        assert!(memory.subscribe("a:more"));
    }
}
