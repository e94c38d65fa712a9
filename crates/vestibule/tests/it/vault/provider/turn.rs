//! What the provider does with one request to its token endpoint, when it does not do what it should.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Semaphore;

/// How one request is answered; the default is a good answer at once.
#[derive(Clone, Default)]
pub(crate) struct Turn {
    /// Before anything happens.
    pub(crate) delay: Duration,
    /// What happens instead of a good answer.
    pub(crate) fault: Option<Fault>,
    /// Where the request waits for the test, if it does.
    pub(crate) gate: Option<(When, Gate)>,
    /// `expires_in` of the answer, `null` for none; what it says is not what holds.
    pub(crate) expires_in: Option<Value>,
    /// The answer has no `refresh_token`: the old one stays good.
    pub(crate) keeps_refresh_token: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is committed, and this is the answer.
    Answer(Answer),
    /// Nothing is committed, and the connection is closed.
    Cut,
    /// The tokens are issued, and the connection is closed before anybody learns of them.
    CutAfterCommit,
    /// The tokens are issued, and this is the answer.
    AnswerAfterCommit(Answer),
}

/// An answer that is no token response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
    pub(crate) retry_after: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    BeforeCommit,
    AfterCommit,
}

/// A place where a request waits until the test lets it go on.
#[derive(Clone)]
pub(crate) struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Turn {
    pub(crate) fn fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    pub(crate) fn gate(when: When) -> (Self, Gate) {
        let gate = Gate { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) };
        (Self { gate: Some((when, gate.clone())), ..Self::default() }, gate)
    }
}

impl Answer {
    pub(crate) const fn json(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "application/json", body, retry_after: None }
    }

    pub(crate) const fn html(status: u16) -> Self {
        let body = "<!doctype html><title>Bad gateway</title><p>canary-page-of-a-proxy";
        Self { status, content_type: "text/html", body, retry_after: None }
    }
}

impl Gate {
    /// Returns when a request has come here.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.expect("nobody closes it").forget();
    }

    /// Lets one request go on.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    pub(super) async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.expect("nobody closes it").forget();
    }
}
