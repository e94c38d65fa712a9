//! The streams of one server that are open on this node.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secret::Digest;

use super::conversation::Conversation;

/// How many there may be at a time.
const STREAMS: usize = 10_000;

/// The streams, by principal and session id.
#[derive(Default)]
pub(in crate::upstream::remote) struct Streams {
    open: Mutex<HashMap<Key, Arc<Conversation>>>,
    /// The server was found to speak this transport.
    are_spoken: AtomicBool,
}

/// The digest of a principal, and a session id.
pub(super) type Key = (Digest, String);

impl Streams {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Conversation>> {
        self.open().get(key).cloned()
    }

    pub(super) fn insert(&self, key: Key, conversation: Arc<Conversation>) {
        let former = self.open().insert(key, conversation);
        // Outside the lock: what it was waited for there fails now.
        drop(former);
    }

    pub(super) fn remove(&self, key: &Key) {
        let removed = self.open().remove(key);
        drop(removed);
    }

    /// Removes a stream, whosever it is.
    pub(super) fn forget(&self, conversation: &Arc<Conversation>) {
        self.open().retain(|_, other| !Arc::ptr_eq(other, conversation));
    }

    pub(super) fn are_full(&self) -> bool {
        self.open().len() >= STREAMS
    }

    /// Whether the server was found to speak this transport, the last time that it was asked.
    pub(super) fn are_spoken(&self) -> bool {
        self.are_spoken.load(Ordering::Relaxed)
    }

    pub(super) fn found_spoken(&self, are_spoken: bool) {
        self.are_spoken.store(are_spoken, Ordering::Relaxed);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, Arc<Conversation>>> {
        // A map is whole between two statements; no panic can leave it half written.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
