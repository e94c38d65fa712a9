//! Who listens to the same stream, and where they meet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::StatusCode;
use mcp::SubscriptionFilter;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::ring::{Next, Ring};
use super::told::{Kind, Told};
use crate::upstream::remote::UpstreamError;

/// How many streams of one server are shared at the same time. Whoever asks for yet another gets one of its own.
const HUBS: usize = 256;
/// How long those who read wait for those who do not, once there is no room for another message, until there is for half
/// as many as may wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shared streams of one server, by what they tell: the filter as we write it.
#[derive(Default)]
pub(in crate::relay) struct Hubs(Mutex<HashMap<Arc<str>, Arc<Hub>>>);

/// One shared stream.
pub(super) struct Hub {
    filter: Arc<str>,
    state: Mutex<State>,
    /// Wakes the teller: there is room.
    taken: Notify,
    /// Wakes the teller: nobody is waited for.
    left: Notify,
    opened: watch::Sender<Option<Opened>>,
}

#[derive(Default)]
struct State {
    ring: Ring,
    /// For those who come later.
    acknowledged: Option<Arc<Told>>,
    is_over: bool,
    /// The key of the listener who came last.
    last_key: usize,
    /// Whom to wake when something is told, by their keys.
    waiting: BTreeMap<usize, Waker>,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(in super::super) enum Opened {
    /// Events.
    Stream,
    /// The response alone.
    Answer(StatusCode, Arc<Told>),
    /// Nothing that can be passed on.
    Failed(UpstreamError),
}

impl Hubs {
    /// A place at the stream that tells this, and whether it is the first, who has to have the stream opened; `None` when
    /// as many streams are shared as may be.
    pub(super) fn join(&self, filter: &SubscriptionFilter) -> Option<(Place, bool)> {
        let filter = serde_json::to_string(filter).ok()?;
        let mut hubs = self.hubs();
        if let Some(hub) = hubs.get(&*filter) {
            return Some((hub.place(), false));
        }
        if hubs.len() >= HUBS {
            return None;
        }
        let hub = Arc::new(Hub::new(filter.into()));
        hubs.insert(hub.filter.clone(), hub.clone());
        Some((hub.place(), true))
    }

    /// Nobody joins it any more.
    pub(super) fn forget(&self, hub: &Arc<Hub>) {
        remove(&mut self.hubs(), hub);
    }

    /// The same, unless somebody listens.
    fn forget_left(&self, hub: &Arc<Hub>) -> bool {
        let mut hubs = self.hubs();
        let is_left = hub.state().ring.is_left();
        if is_left {
            remove(&mut hubs, hub);
        }
        is_left
    }

    /// Returns when everybody has left a stream that nobody can join any more.
    pub(super) async fn left(&self, hub: &Arc<Hub>) {
        loop {
            hub.left.notified().await;
            if self.forget_left(hub) {
                return;
            }
        }
    }

    fn hubs(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Hub>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever came after it was forgotten may share another one that tells the same.
fn remove(hubs: &mut HashMap<Arc<str>, Arc<Hub>>, hub: &Arc<Hub>) {
    if hubs.get(&hub.filter).is_some_and(|found| Arc::ptr_eq(found, hub)) {
        hubs.remove(&hub.filter);
    }
}

impl Hub {
    fn new(filter: Arc<str>) -> Self {
        Self {
            filter,
            state: Mutex::default(),
            taken: Notify::new(),
            left: Notify::new(),
            opened: watch::Sender::new(None),
        }
    }

    /// What was acknowledged so far, and from then on everything that is told.
    fn place(self: &Arc<Self>) -> Place {
        let mut state = self.state();
        state.last_key += 1;
        let (key, next) = (state.last_key, state.ring.join());
        Place { hub: self.clone(), key, next, acknowledged: state.acknowledged.clone() }
    }

    /// Tells those who wait what the server answered.
    pub(super) fn open(&self, opened: Opened) {
        self.opened.send_replace(Some(opened));
    }

    /// Waits for room for another message, though not for long: one who takes them one by one would have everybody wait
    /// for each.
    pub(super) async fn room(&self) {
        if !self.state().ring.is_full() {
            return;
        }
        let room = async {
            while !self.state().ring.is_half_empty() {
                self.taken.notified().await;
            }
        };
        if timeout(PATIENCE, room).await.is_err() {
            tracing::debug!(filter = &*self.filter, "listeners read too slowly and are let go of");
            let mut state = self.state();
            state.ring.make_room();
            if state.ring.is_left() {
                self.left.notify_one();
            }
            wake(state);
        }
    }

    /// Tells everybody.
    pub(super) fn tell(&self, told: Told) {
        let told = Arc::new(told);
        let mut state = self.state();
        state.is_over |= told.is_last();
        if told.kind() == Kind::Acknowledgement {
            state.acknowledged = Some(told.clone());
        }
        state.ring.tell(told);
        wake(state);
    }

    /// Nothing more is told: whoever waits hears so, unless they have heard how it ended.
    pub(super) fn close(&self) {
        if self.opened.borrow().is_none() {
            self.open(Opened::Failed(UpstreamError::Unreachable));
        }
        if !self.state().is_over {
            self.tell(Told::failure(&UpstreamError::Unreachable.to_string()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in there can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes everybody who waits.
fn wake(mut state: MutexGuard<'_, State>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    waiting.into_values().for_each(Waker::wake);
}

/// One listener's place at a shared stream, which is left when this is dropped.
pub(super) struct Place {
    hub: Arc<Hub>,
    key: usize,
    /// The number of the message that it takes next.
    next: usize,
    /// What it takes first, when it has come after the others.
    acknowledged: Option<Arc<Told>>,
}

impl Place {
    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What the server answered.
    pub(super) async fn opened(&self) -> Opened {
        let mut opened = self.hub.opened.subscribe();
        match opened.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(opened)) => opened.clone(),
            _ => Opened::Failed(UpstreamError::Unreachable),
        }
    }

    /// What is told next; `None` when it was not taken in time, and is lost.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Arc<Told>>> {
        if let Some(acknowledged) = self.acknowledged.take() {
            return Poll::Ready(Some(acknowledged));
        }
        let mut state = self.hub.state();
        let was_half_empty = state.ring.is_half_empty();
        let next = state.ring.take(&mut self.next);
        if !was_half_empty && state.ring.is_half_empty() {
            self.hub.taken.notify_one();
        }
        match next {
            Next::Told(told) => Poll::Ready(Some(told)),
            Next::Lost => Poll::Ready(None),
            Next::Nothing => {
                state.waiting.insert(self.key, context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        state.waiting.remove(&self.key);
        state.ring.leave(self.next);
        self.hub.taken.notify_one();
        if state.ring.is_left() {
            self.hub.left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
