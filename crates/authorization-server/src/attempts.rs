use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use oauth::Timestamp;
use secret::Digest;

/// How long attempts are counted together.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);

/// Keys beyond this number push out the least used ones, so that a flood of keys cannot grow memory.
const MAXIMUM_KEYS: u64 = 100_000;

/// Counts attempts per key in fixed windows of one minute, on this node.
pub(crate) struct Attempts {
    limit: AtomicU32,
    windows: Cache<Digest, Arc<Window>>,
}

struct Window {
    began: Timestamp,
    count: AtomicU32,
}

/// The limit is reached; the next attempt counts after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) retry_after: Duration,
}

impl Attempts {
    pub(crate) fn new(limit: u32) -> Self {
        let windows = Cache::builder().max_capacity(MAXIMUM_KEYS).time_to_live(WINDOW).build();
        Self { limit: limit.into(), windows }
    }

    /// Changes the limit; what was counted stays counted.
    pub(crate) fn allow(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Counts one attempt and refuses it when the limit was reached before.
    pub(crate) fn count(&self, key: &[&str], now: Timestamp) -> Result<(), TooMany> {
        self.check(key, now)?;
        self.window(key, now).count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses when the limit is reached, without counting: for what counts only when it fails.
    pub(crate) fn check(&self, key: &[&str], now: Timestamp) -> Result<(), TooMany> {
        let limit = self.limit.load(Ordering::Relaxed);
        match self.windows.get(&digest(key)) {
            Some(window) if window.is_open(now) && window.count.load(Ordering::Relaxed) >= limit => {
                Err(TooMany { retry_after: WINDOW.saturating_sub(now.since(window.began)) })
            }
            _ => Ok(()),
        }
    }

    fn window(&self, key: &[&str], now: Timestamp) -> Arc<Window> {
        let key = digest(key);
        let begin = || Arc::new(Window { began: now, count: AtomicU32::new(0) });
        let window = self.windows.get_with(key, begin);
        if window.is_open(now) {
            return window;
        }
        let fresh = begin();
        self.windows.insert(key, Arc::clone(&fresh));
        fresh
    }
}

impl Window {
    fn is_open(&self, now: Timestamp) -> bool {
        now.since(self.began) < WINDOW
    }
}

/// Whom an address counts as: an IPv6 subscriber usually owns a whole /64.
pub(crate) fn subscriber(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            Ipv6Addr::from_bits(address.to_bits() & !(u128::from(u64::MAX))).to_string()
        }
    }
}

fn digest(key: &[&str]) -> Digest {
    Digest::of(key.join("\0").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    #[test]
    fn counts_per_key_and_window() {
        let attempts = Attempts::new(2);
        assert!(attempts.count(&["a"], START).is_ok() && attempts.count(&["a"], START).is_ok());
        let later = START + Duration::from_secs(20);
        assert_eq!(attempts.count(&["a"], later), Err(TooMany { retry_after: Duration::from_secs(40) }));
        assert!(attempts.count(&["b"], later).is_ok());
        assert!(attempts.count(&["a"], START + WINDOW).is_ok());
        attempts.allow(1);
        assert!(attempts.count(&["b"], later).is_err(), "what was counted before stays counted");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_network() {
        let subscriber = |text: &str| subscriber(text.parse().ok());
        assert_eq!(subscriber("2001:db8::1"), subscriber("2001:db8::ffff"));
        assert_ne!(subscriber("2001:db8::1"), subscriber("2001:db8:0:1::1"));
        assert_eq!(subscriber("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
