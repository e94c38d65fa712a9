use std::{fmt, pin::Pin};

use crate::Event;

/// Takes events for the audit log.
///
/// Whoever is about to do something that is recorded asks for a place first, and gives the place its event when it
/// is known how it went. So nothing is done that cannot be recorded, and recording costs no wait.
pub trait Auditor: Send + Sync {
    /// Waits a short time for a place for one event.
    fn reserve(&self) -> Reservation<'_>;
}

/// A [`Place`] as soon as there is one; [`Overloaded`] when there is none in time.
pub type Reservation<'a> = Pin<Box<dyn Future<Output = Result<Place, Overloaded>> + Send + 'a>>;

/// The audit log takes no more now: the operation is to be refused, with 503 where HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot keep up; nothing was done, try again in a few seconds")]
pub struct Overloaded;

/// Records nothing, for what an operator chose not to have recorded.
#[derive(Debug, Clone, Copy)]
pub struct Unrecorded;

impl Auditor for Unrecorded {
    fn reserve(&self) -> Reservation<'_> {
        Box::pin(std::future::ready(Ok(Place::new(drop))))
    }
}

/// Room for one event. Dropped without one, it is free again.
#[must_use = "a place records nothing until it gets its event"]
pub struct Place(Box<dyn FnOnce(Event) + Send>);

impl Place {
    /// A place whose event goes to `take`, which must not block.
    pub fn new(take: impl FnOnce(Event) + Send + 'static) -> Self {
        Self(Box::new(take))
    }

    /// Records what happened.
    pub fn record(self, event: Event) {
        (self.0)(event);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Place")
    }
}
