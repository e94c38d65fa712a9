//! One session of the older transport: what waits for the client, what is under way, whose it is, and when it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use guard::{Guard, Permit};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use mcp::headers::SESSION_ID;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use super::Serve;
use super::outbox::{Outbox, Queue};

/// A client that has read nothing for so long while something waits is gone.
const STALL: Duration = Duration::from_mins(1);
/// How many requests of a session may be under way.
const UNDER_WAY: u32 = 64;
/// How often it is looked at whether the token still holds. Revocations are to work within a second.
const LOOK: Duration = Duration::from_millis(500);

/// How far a stream is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It is used.
    Open,
    /// What is under way is finished, and no more.
    Draining,
    /// What waits is still read.
    Finished,
    /// It is over.
    Cut,
}

/// A session. Whatever ends it, ends what is under way in it.
pub(crate) struct Session {
    /// The endpoint that it is a session with.
    path: Box<str>,
    /// Of the tokens that were shown, the one that holds longest.
    permit: Mutex<Permit>,
    opened: Mutex<Opened>,
    phase: watch::Sender<Phase>,
    outbox: Outbox,
    under_way: Arc<Semaphore>,
}

/// The session at the endpoint.
#[derive(Debug, Clone)]
enum Opened {
    /// Nobody has asked for one.
    Not,
    /// `initialize` is under way.
    Opening,
    /// Its id, if it has one, and whether the endpoint is listened to.
    As(Option<HeaderValue>, bool),
}

impl Session {
    /// A session with the endpoint at `path`, opened with `permit`.
    pub(super) fn new(path: &str, permit: Permit) -> (Arc<Self>, Queue) {
        let (outbox, waiting) = Outbox::new(STALL);
        let session = Self {
            path: path.into(),
            permit: Mutex::new(permit),
            opened: Mutex::new(Opened::Not),
            phase: watch::Sender::new(Phase::Open),
            outbox,
            under_way: Arc::new(Semaphore::new(UNDER_WAY as usize)),
        };
        (Arc::new(session), waiting)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Takes note of a token that is newer than the one before.
    pub(super) fn show(&self, guard: &Guard, shown: &Permit) {
        let mut permit = lock(&self.permit);
        if let Some(renewed) = guard.renew(shown).filter(|shown| shown.expires_at() > permit.expires_at()) {
            *permit = renewed;
        }
    }

    /// A permit for what happens of its own accord; `None` when no token holds any more.
    pub(super) fn permit(&self, guard: &Guard) -> Option<Permit> {
        guard.renew(&lock(&self.permit))
    }

    /// A place for one more request; `None` when too many are under way.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.under_way.clone().try_acquire_owned().ok()
    }

    /// Puts a message on the stream, as soon as there is room. `false` when the stream has ended.
    pub(super) async fn deliver(&self, message: &[u8]) -> bool {
        tokio::select! {
            () = self.reaches(Phase::Cut) => false,
            put = self.outbox.put(message) => {
                if put.is_err() {
                    tracing::warn!(path = %self.path, "a client does not read its stream, which is ended");
                    self.cut();
                }
                put.is_ok()
            }
        }
    }

    /// A request of this session to the endpoint; `None` while there is no session yet.
    pub(super) fn request(&self, method: Method) -> Option<Parts> {
        let Opened::As(id, _) = &*lock(&self.opened) else { return None };
        let mut parts = self.unopened(method);
        if let Some(id) = id {
            parts.headers.insert(SESSION_ID, id.clone());
        }
        Some(parts)
    }

    /// The request that opens the session at the endpoint; `None` when there is one, or another opens it.
    pub(super) fn opening(&self, method: Method) -> Option<Parts> {
        let mut opened = lock(&self.opened);
        if !matches!(&*opened, Opened::Not) {
            return None;
        }
        *opened = Opened::Opening;
        Some(self.unopened(method))
    }

    /// The endpoint has answered to `initialize`, with this session if it has any.
    pub(super) fn opened_as(&self, id: Option<HeaderValue>) {
        *lock(&self.opened) = Opened::As(id, false);
    }

    /// The endpoint has refused to open a session; it may be asked again.
    pub(super) fn stays_unopened(&self) {
        *lock(&self.opened) = Opened::Not;
    }

    /// Whether somebody has to begin to listen to the endpoint: true once.
    pub(super) fn begins_to_listen(&self) -> bool {
        match &mut *lock(&self.opened) {
            Opened::As(_, listens) => !std::mem::replace(listens, true),
            Opened::Not | Opened::Opening => false,
        }
    }

    /// Headers are made here, and nothing of the client's request goes on but its body: the transport defines none.
    fn unopened(&self, method: Method) -> Parts {
        let request = Request::builder().method(method).uri(&*self.path);
        let request = request
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json");
        request.body(()).expect("the path of a route is a URI").into_parts().0
    }

    /// Ends the stream once what is under way is answered.
    pub(super) fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Ends the stream at once.
    pub(super) fn cut(&self) {
        self.advance(Phase::Cut);
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let advances = *phase < to;
            *phase = to.max(*phase);
            advances
        });
    }

    /// Resolves once the stream is so far.
    pub(super) async fn reaches(&self, phase: Phase) {
        // Fails when the sender is gone, which is `self`.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Watches over the session to its end, and ends the one at the endpoint with it.
    pub(super) fn keep(self: &Arc<Self>, endpoint: Arc<dyn Serve>) -> impl Future<Output = ()> + use<> {
        let session = self.clone();
        async move {
            tokio::select! {
                () = session.reaches(Phase::Cut) => {}
                () = session.outlives_its_token(endpoint.guard()) => session.cut(),
                () = session.is_drained() => session.advance(Phase::Finished),
            }
            session.reaches(Phase::Cut).await;
            if let (Some(parts), Some(permit)) =
                (session.request(Method::DELETE), session.permit(endpoint.guard()))
                && let Err(refusal) = endpoint.serve(permit, parts, Body::empty()).await
            {
                tracing::debug!(?refusal, "the session of an ended stream could not be ended");
            }
        }
    }

    async fn outlives_its_token(&self, guard: &Guard) {
        while self.permit(guard).is_some() {
            sleep(LOOK).await;
        }
    }

    async fn is_drained(&self) {
        self.reaches(Phase::Draining).await;
        // Fails when the semaphore is closed, which it never is.
        let _ = self.under_way.acquire_many(UNDER_WAY).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked is replaced whole; no panic can leave it half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
