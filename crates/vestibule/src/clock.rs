//! The one place that reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use oauth::{Clock, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is as wrong as one that stands at 1970.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_milliseconds(0) + since_epoch
    }
}
