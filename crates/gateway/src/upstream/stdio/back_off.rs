//! How long a server that failed is left alone.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(1);

/// The pause after `failures` failures in a row (at least one): twice as long each time, up to a minute.
///
/// `jitter` is random over its whole range and takes up to half of the pause away, so that the servers of many nodes
/// that failed together do not come back together.
pub(super) fn back_off(failures: u32, jitter: u16) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    pause.saturating_sub(pause / 2 * u32::from(jitter) / u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        for (failures, milliseconds) in
            [(1, 500), (2, 1_000), (3, 2_000), (7, 32_000), (8, 60_000), (9, 60_000), (u32::MAX, 60_000)]
        {
            assert_eq!(back_off(failures, 0), Duration::from_millis(milliseconds), "{failures}");
        }
    }

    #[test]
    fn jitter_takes_at_most_half_away() {
        assert_eq!(back_off(2, u16::MAX), Duration::from_millis(500));
        let middle = back_off(2, u16::MAX / 2);
        assert!(middle > Duration::from_millis(740) && middle < Duration::from_millis(760), "{middle:?}");
    }
}
