//! One who listens to a shared stream.

use std::sync::Arc;

use mcp::SubscriptionFilter;

use super::super::super::RelayEndpoint;
use super::super::super::kept::Kept;
use super::super::super::redacted::record_redaction;
use super::hub::{Opened, Place};
use super::teller;
use super::told::Told;
use crate::settings::Front;
use crate::upstream::remote::Caller;

/// Where those meet who listen to the same at one server.
#[derive(Clone)]
pub(in super::super) struct Meeting {
    pub(super) front: Arc<Front>,
    pub(super) kept: Arc<Kept>,
}

impl Meeting {
    /// `None` where the server knows for whom it tells, or where each member of a virtual server decides for itself.
    pub(in super::super) fn at(endpoint: &RelayEndpoint, caller: &Caller) -> Option<Self> {
        let is_personal = endpoint.credentials.is_some() || caller.presented().is_some();
        (!is_personal && !caller.remote().is_virtual())
            .then(|| Self { front: endpoint.front.clone(), kept: endpoint.kept.clone() })
    }

    /// Listens with whoever listens to the same; the caller comes back when as many streams are shared as may be. Whether
    /// it may hear what it asks for has been decided.
    pub(in super::super) fn listen<C: Into<Arc<Caller>>>(
        self,
        caller: C,
        filter: SubscriptionFilter,
    ) -> Result<Listener, C> {
        let Some((place, is_first)) = self.kept.hubs.join(&filter) else { return Err(caller) };
        let caller = caller.into();
        if is_first {
            teller::open(&self, &caller, place.hub(), filter);
        }
        Ok(Listener { place, caller, front: self.front, is_redacted: false, taken: None })
    }
}

/// See the module.
pub(in super::super) struct Listener {
    place: Place,
    caller: Arc<Caller>,
    front: Arc<Front>,
    is_redacted: bool,
    /// What was told and is not passed on yet.
    taken: Option<Arc<Told>>,
}

impl Listener {
    /// What the server answered.
    pub(in super::super) async fn opened(&self) -> Opened {
        let opened = self.place.opened().await;
        if let Opened::Answer(_, told) = &opened
            && told.is_redacted()
        {
            record_redaction(&self.front, &self.caller).await;
        }
        opened
    }

    /// What is told next; `None` when it was not taken in time, and is lost. Being dropped in between loses nothing.
    pub(in super::super) async fn next(&mut self) -> Option<Arc<Told>> {
        if self.taken.is_none() {
            self.taken = Some(self.place.next().await?);
        }
        // Once for an answer, however much of it was taken out.
        if !self.is_redacted && self.taken.as_ref().is_some_and(|told| told.is_redacted()) {
            Box::pin(record_redaction(&self.front, &self.caller)).await;
            self.is_redacted = true;
        }
        self.taken.take()
    }
}
