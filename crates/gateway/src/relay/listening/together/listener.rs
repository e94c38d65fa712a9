//! One who listens to a shared stream.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp::SubscriptionFilter;

use super::super::super::RelayEndpoint;
use super::super::super::kept::Kept;
use super::super::redaction::Redaction;
use super::hub::{Opened, Place};
use super::teller;
use super::told::Told;
use crate::settings::Front;
use crate::upstream::remote::Caller;

/// How many resources a shared stream is about.
const RESOURCES: usize = 64;
/// How many bytes their URIs have.
const SIZE: usize = 4096;

/// Where those meet who listen to the same at one server.
#[derive(Clone)]
pub(in super::super) struct Meeting {
    pub(super) front: Arc<Front>,
    pub(super) kept: Arc<Kept>,
}

impl Meeting {
    /// `None` where the server knows for whom it tells, and where it refuses to tell anything, as a virtual server and an
    /// API do.
    pub(in super::super) fn at(endpoint: &RelayEndpoint, caller: &Caller) -> Option<Self> {
        let is_personal = endpoint.credentials.is_some() || caller.presented().is_some();
        let refuses = caller.remote().is_virtual() || caller.remote().is_api();
        (!is_personal && !refuses)
            .then(|| Self { front: endpoint.front.clone(), kept: endpoint.kept.clone() })
    }

    /// Listens with whoever listens to the same; the caller comes back when the filter is large, or when as many streams
    /// are shared as may be. Whether it may hear what it asks for has been decided.
    pub(in super::super) fn listen<C: Into<Arc<Caller>>>(
        self,
        caller: C,
        filter: SubscriptionFilter,
    ) -> Result<Listener, C> {
        let place = if is_small(&filter) { self.kept.hubs.join(&filter) } else { None };
        let Some((place, is_first)) = place else { return Err(caller) };
        let caller = caller.into();
        if is_first {
            teller::open(&self, &caller, place.hub(), filter);
        }
        Ok(Listener { place, redaction: Redaction::new(&self.front, &caller), recording: None })
    }
}

/// Whether it may be kept for as long as anybody listens.
fn is_small(filter: &SubscriptionFilter) -> bool {
    let resources = &filter.resource_subscriptions;
    resources.len() <= RESOURCES && resources.iter().map(String::len).sum::<usize>() <= SIZE
}

/// See the module.
pub(in super::super) struct Listener {
    place: Place,
    redaction: Redaction,
    /// What was told and is passed on when it is recorded that something was taken out of it.
    recording: Option<(Arc<Told>, BoxFuture<'static, ()>)>,
}

impl Listener {
    /// What the server answered.
    pub(in super::super) async fn opened(&mut self) -> Opened {
        let opened = self.place.opened().await;
        if let Opened::Answer(_, told) = &opened
            && told.is_redacted()
            && let Some(recording) = self.redaction.recording()
        {
            recording.await;
        }
        opened
    }

    /// What is told next; `None` when it was not taken in time, and is lost. Being dropped in between loses nothing.
    pub(in super::super) async fn next(&mut self) -> Option<Arc<Told>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same. It waits without a future of its own, of which there would be one for each listener.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Arc<Told>>> {
        if self.recording.is_none() {
            let Some(told) = ready!(self.place.poll_next(context)) else { return Poll::Ready(None) };
            match told.is_redacted().then(|| self.redaction.recording()).flatten() {
                Some(recording) => self.recording = Some((told, recording)),
                None => return Poll::Ready(Some(told)),
            }
        }
        if let Some((_, recording)) = &mut self.recording {
            ready!(recording.poll_unpin(context));
        }
        Poll::Ready(self.recording.take().map(|(told, _)| told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gw_17_nobody_makes_others_keep_a_large_filter() {
        let about = |resources: Vec<String>| SubscriptionFilter {
            resource_subscriptions: resources.into_iter().collect(),
            ..SubscriptionFilter::default()
        };
        let many = |count| about((0..count).map(|number| format!("a:{number}")).collect());
        assert!(is_small(&many(RESOURCES)) && !is_small(&many(RESOURCES + 1)));
        let long = |size| about(vec!["x".repeat(size - 1), "y".to_owned()]);
        assert!(is_small(&long(SIZE)) && !is_small(&long(SIZE + 1)));
    }
}
