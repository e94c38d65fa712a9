use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::Event;

/// Takes events for the audit log.
///
/// Whoever is about to do something that is recorded asks for a place first, and gives the place its event when it
/// is known how it went. So nothing is done that cannot be recorded, and recording costs no wait.
pub trait Auditor: Send + Sync {
    /// Waits a short time for a place for one event.
    fn reserve(&self) -> Reservation<'_>;
}

/// The audit log takes no more now: the operation is to be refused, with 503 where HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot keep up; nothing was done, try again in a few seconds")]
pub struct Overloaded;

/// Records nothing, for what an operator chose not to have recorded.
#[derive(Debug, Clone, Copy)]
pub struct Unrecorded;

impl Auditor for Unrecorded {
    fn reserve(&self) -> Reservation<'_> {
        Reservation::ready(Ok(Place { ledger: None, observer: None }))
    }
}

/// Where the events of places go.
pub trait Ledger: Send + Sync {
    /// Takes the event of a place, without waiting for anything.
    fn take(&self, event: Event);

    /// A place is free again: nothing happened.
    fn give_back(&self) {}
}

/// Is shown what is recorded.
pub trait Observer: Send + Sync {
    /// This is about to be recorded.
    fn see(&self, event: &Event);
}

/// A [`Place`] as soon as there is one; [`Overloaded`] when there is none in time. Nearly always there is one at once,
/// and no memory is taken for the wait.
#[must_use = "there is no place before somebody waits for it"]
pub struct Reservation<'a> {
    state: State<'a>,
    observer: Option<Arc<dyn Observer>>,
}

type Reserved = Result<Place, Overloaded>;

enum State<'a> {
    Ready(Reserved),
    Waiting(Pin<Box<dyn Future<Output = Reserved> + Send + 'a>>),
}

impl<'a> Reservation<'a> {
    /// One that has ended.
    pub fn ready(reserved: Result<Place, Overloaded>) -> Self {
        Self { state: State::Ready(reserved), observer: None }
    }

    /// One that ends as `waiting` does.
    pub fn waiting(waiting: impl Future<Output = Result<Place, Overloaded>> + Send + 'a) -> Self {
        Self { state: State::Waiting(Box::pin(waiting)), observer: None }
    }

    /// The same, whose event `observer` is shown.
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }
}

impl Future for Reservation<'_> {
    type Output = Result<Place, Overloaded>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reserved = match &mut self.state {
            // Nobody polls once more what has ended.
            State::Ready(reserved) => mem::replace(reserved, Err(Overloaded)),
            State::Waiting(waiting) => ready!(waiting.as_mut().poll(context)),
        };
        let observer = self.observer.take();
        Poll::Ready(reserved.map(|mut place| {
            place.observer = observer.or(place.observer.take());
            place
        }))
    }
}

/// Room for one event. Dropped without one, it is free again.
#[must_use = "a place records nothing until it gets its event"]
pub struct Place {
    ledger: Option<Arc<dyn Ledger>>,
    observer: Option<Arc<dyn Observer>>,
}

impl Place {
    /// A place of this ledger, which has kept room for it.
    pub fn of(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), observer: None }
    }

    /// Records what happened.
    pub fn record(mut self, event: Event) {
        if let Some(observer) = &self.observer {
            observer.see(&event);
        }
        if let Some(ledger) = self.ledger.take() {
            ledger.take(event);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(ledger) = &self.ledger {
            ledger.give_back();
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Place")
    }
}
