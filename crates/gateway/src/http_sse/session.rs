//! One session of the older transport: what waits for the client, what is under way, whose it is, and when it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use guard::{Guard, Permit};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use mcp::headers::SESSION_ID;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use super::Serve;
use super::outbox::{Outbox, Queue};
use crate::endpoint::Refusal;

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
    state: watch::Sender<State>,
    outbox: Outbox,
    under_way: Arc<Semaphore>,
}

/// What is waited for, in one place: there may be thousands of sessions, and each place has room for many who wait.
struct State {
    opened: Opened,
    phase: Phase,
}

/// The session at the endpoint.
#[derive(Debug, Clone)]
enum Opened {
    /// Nobody has asked for one.
    Not,
    /// `initialize` is under way.
    Opening,
    /// It is open.
    As(Opening),
}

/// What is known of an open session at the endpoint.
#[derive(Debug, Clone)]
struct Opening {
    /// Its id, if it has one.
    id: Option<HeaderValue>,
    /// It was opened for a client that did not ask for one.
    is_implied: bool,
    /// The endpoint is listened to.
    listens: bool,
}

impl Session {
    /// A session with the endpoint at `path`, opened with `permit`.
    pub(super) fn new(path: &str, permit: Permit) -> (Arc<Self>, Queue) {
        let (outbox, waiting) = Outbox::new(STALL);
        let session = Self {
            path: path.into(),
            permit: Mutex::new(permit),
            state: watch::Sender::new(State { opened: Opened::Not, phase: Phase::Open }),
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
        let Opened::As(opened) = self.state.borrow().opened.clone() else { return None };
        let mut parts = self.unopened(method);
        if let Some(id) = opened.id {
            parts.headers.insert(SESSION_ID, id);
        }
        Some(parts)
    }

    /// The request that opens the session at the endpoint; `None` when there is one, or another opens it. One that is
    /// only implied gives way to the client's own.
    pub(super) fn opening(&self, method: Method, is_implied: bool) -> Option<Parts> {
        let begins = self.state.send_if_modified(|state| {
            let may_begin = match &state.opened {
                Opened::Not => true,
                Opened::Opening => false,
                Opened::As(former) => former.is_implied && !is_implied,
            };
            if may_begin {
                state.opened = Opened::Opening;
            }
            may_begin
        });
        begins.then(|| self.unopened(method))
    }

    /// Takes the session from the answer to `initialize`. Where it was refused, it may be asked for again.
    pub(super) fn note_opening(&self, answered: &Result<Response, Refusal>, is_implied: bool) {
        let opened = match answered {
            Ok(response) if response.status().is_success() => {
                let id = response.headers().get(SESSION_ID).cloned();
                Opened::As(Opening { id, is_implied, listens: false })
            }
            _ => Opened::Not,
        };
        self.state.send_modify(|state| state.opened = opened);
    }

    /// Resolves once nobody opens the session, whether it is open or not.
    pub(super) async fn is_settled(&self) {
        // Fails when the sender is gone, which is `self`.
        let _ = self.state.subscribe().wait_for(|state| !matches!(state.opened, Opened::Opening)).await;
    }

    /// Whether somebody has to begin to listen to the endpoint: true once.
    pub(super) fn begins_to_listen(&self) -> bool {
        self.state.send_if_modified(|state| match &mut state.opened {
            Opened::As(opened) => !std::mem::replace(&mut opened.listens, true),
            Opened::Not | Opened::Opening => false,
        })
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
        self.state.send_if_modified(|state| {
            let advances = state.phase < to;
            state.phase = to.max(state.phase);
            advances
        });
    }

    /// Resolves once the stream is so far.
    pub(super) async fn reaches(&self, phase: Phase) {
        // Fails when the sender is gone, which is `self`.
        let _ = self.state.subscribe().wait_for(|state| state.phase >= phase).await;
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
