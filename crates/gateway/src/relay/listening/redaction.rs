//! What a server tells of its own accord, without the secrets that are known here.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::super::redacted::{record_redaction, without_secrets};
use crate::settings::Front;
use crate::upstream::remote::Caller;

/// What is taken out for one who listens.
pub(super) struct Redaction {
    front: Arc<Front>,
    caller: Arc<Caller>,
    is_recorded: bool,
}

impl Redaction {
    /// For whoever `caller` is.
    pub(super) fn new(front: &Arc<Front>, caller: &Arc<Caller>) -> Self {
        Self { front: front.clone(), caller: caller.clone(), is_recorded: false }
    }

    /// A message without secrets.
    pub(super) async fn of<'m>(&mut self, message: &'m str) -> Cow<'m, str> {
        match without_secrets(&self.caller, &self.front.issuer, message) {
            None => Cow::Borrowed(message),
            Some(redacted) => {
                if let Some(recording) = self.recording() {
                    recording.await;
                }
                Cow::Owned(redacted)
            }
        }
    }

    /// Something was taken out, and that is to be recorded: once for a stream, however much it was.
    pub(super) fn recording(&mut self) -> Option<BoxFuture<'static, ()>> {
        let is_recorded = std::mem::replace(&mut self.is_recorded, true);
        let (front, caller) = (self.front.clone(), self.caller.clone());
        (!is_recorded).then(|| async move { record_redaction(&front, &caller).await }.boxed())
    }
}
