//! Moments, for people and for programs.

use oauth::Timestamp;

use crate::pages::Moment;

/// In RFC 3339, to the second.
pub(crate) fn exact(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).map(|at| at.to_string()).unwrap_or_default()
}

/// As a page tells it.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Moment {
    Moment { ago: now.since(at), exact: exact(at) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_exact_to_the_second() {
        let at = Timestamp::from_milliseconds(1_793_872_800_999);
        assert_eq!(exact(at), "2026-11-05T10:00:00Z");
        let moment = ago(at, at + Duration::from_mins(3));
        assert_eq!((moment.ago, moment.exact.as_str()), (Duration::from_mins(3), "2026-11-05T10:00:00Z"));
        assert_eq!(exact(Timestamp::from_milliseconds(i64::MAX)), "");
    }
}
