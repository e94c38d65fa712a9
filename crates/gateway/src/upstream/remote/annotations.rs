//! What a server has said about its tools, for calls: a call does not repeat it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use oauth::Timestamp;

use crate::policy::Annotations;

/// How many tools of a server are remembered.
const TOOLS: u64 = 4096;
/// A server is asked for its list no more often than this, however many tools are called that it does not list.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// The annotations that were seen in lists of one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KnownAnnotations(Arc<Known>);

struct Known {
    of_tools: Cache<Arc<str>, Annotations>,
    asked_at: AtomicI64,
}

impl Default for KnownAnnotations {
    fn default() -> Self {
        Self(Arc::new(Known { of_tools: Cache::new(TOOLS), asked_at: AtomicI64::new(i64::MIN) }))
    }
}

impl KnownAnnotations {
    /// `None` for a tool that no list had.
    pub(crate) fn of(&self, tool: &str) -> Option<Annotations> {
        self.0.of_tools.get(tool)
    }

    pub(crate) fn keep(&self, tool: &str, annotations: Annotations) {
        if self.of(tool) != Some(annotations) {
            self.0.of_tools.insert(tool.into(), annotations);
        }
    }

    /// Whether it is time to ask the server again; only one of those who want to know is told so.
    pub(crate) fn may_ask(&self, now: Timestamp) -> bool {
        let asked_at = self.0.asked_at.load(Ordering::Relaxed);
        let is_time = asked_at == i64::MIN || now.since(Timestamp::from_milliseconds(asked_at)) >= ASK_EVERY;
        let exchanged = || {
            self.0.asked_at.compare_exchange(
                asked_at,
                now.milliseconds(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
        };
        is_time && exchanged().is_ok()
    }
}
