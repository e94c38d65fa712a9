//! The open streams: by who owns them, then by their session id, of which only the digest is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use mcp::{ErrorCode, ErrorObject};
use secret::Digest;
use tokio::sync::watch;

pub(super) use super::session::Session;
use crate::endpoint::Refusal;

/// How many streams a principal may have open at the same time, over all servers of this node.
const STREAMS_PER_PRINCIPAL: usize = 64;

/// The streams of the older transport (HTTP with SSE) that are open on this node, and whether all streams are to end.
/// Cheap to clone; whoever makes a new router hands it the same one, so that streams outlive a reload.
#[derive(Clone, Default)]
pub struct EventStreams {
    open: Arc<Mutex<Open>>,
    is_draining: watch::Sender<bool>,
}

#[derive(Default)]
struct Open {
    by_owner: HashMap<Digest, HashMap<Digest, Arc<Session>>>,
}

/// The place of one open stream; the stream ends with it.
pub(super) struct Place {
    streams: EventStreams,
    owner: Digest,
    id: Digest,
    session: Arc<Session>,
}

impl EventStreams {
    /// Ends every stream as soon as what is under way on it is answered, and opens no more.
    pub fn drain(&self) {
        let open = self.open();
        self.is_draining.send_replace(true);
        open.by_owner.values().flat_map(HashMap::values).for_each(|session| session.drain());
    }

    /// Returns when all streams are to end.
    pub(crate) async fn drained(&self) {
        // The sender is `self`'s own, so the wait cannot end for the want of one.
        let _ = self.is_draining.subscribe().wait_for(|is_draining| *is_draining).await;
    }

    /// Ends the streams of servers that are not at one of `paths` any more.
    pub fn keep(&self, paths: &[&str]) {
        let open = self.open();
        let sessions = open.by_owner.values().flat_map(HashMap::values);
        sessions.filter(|session| !paths.contains(&session.path())).for_each(|session| session.drain());
    }

    /// Adds the stream of `session`, whose id is `id`, to those of `owner`.
    pub(super) fn add(&self, owner: Digest, id: &str, session: &Arc<Session>) -> Result<Place, Refusal> {
        let id = Digest::of(id.as_bytes());
        let mut open = self.open();
        if *self.is_draining.borrow() {
            return Err(Refusal::unavailable("the server is shutting down; connect again".to_owned()));
        }
        let streams = open.by_owner.entry(owner).or_default();
        if streams.len() >= STREAMS_PER_PRINCIPAL {
            return Err(too_many());
        }
        streams.insert(id, session.clone());
        Ok(Place { streams: self.clone(), owner, id, session: session.clone() })
    }

    /// The session called `unverified_id`, if it is one of `owner`'s at the endpoint at `path`: with another principal's
    /// token, or at another server, it is as if it had never been.
    pub(super) fn find(&self, owner: Digest, unverified_id: &str, path: &str) -> Option<Arc<Session>> {
        let id = Digest::of(unverified_id.as_bytes());
        let session = self.open().by_owner.get(&owner)?.get(&id)?.clone();
        (session.path() == path).then_some(session)
    }

    fn remove(&self, owner: Digest, id: Digest) {
        let mut open = self.open();
        if let Some(streams) = open.by_owner.get_mut(&owner) {
            streams.remove(&id);
            if streams.is_empty() {
                open.by_owner.remove(&owner);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A map is whole between two statements; no panic can leave it half written.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.remove(self.owner, self.id);
        self.session.cut();
    }
}

fn too_many() -> Refusal {
    let message = format!(
        "this client has {STREAMS_PER_PRINCIPAL} streams open for this user, which is all it may have: close one"
    );
    let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, message);
    Refusal::Request(StatusCode::TOO_MANY_REQUESTS, None, error)
}
