//! How many requests somebody may make: rate limits and quotas, by the generic cell rate algorithm.
//!
//! A limit of 60 within a minute lets 60 pass at once to whoever made none for a minute, and one more every second. What
//! is refused does not count. The counters are this node's own, and begin anew when it does.

use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;
use oauth::{Clock, Timestamp};
use secret::Digest;
use serde::Deserialize;

use crate::policy::{Glob, Requester, fold};

/// How many counters a limit keeps; beyond that the least used are forgotten, which lets somebody through who was
/// idle, and keeps memory bounded.
const COUNTERS: u64 = 100_000;
/// Of refusals one after the other, one in this time is recorded, with the number of the others.
const RECORD_EVERY: Duration = Duration::from_secs(1);

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// What the audit log calls it.
    pub name: String,
    /// Whose requests are counted together: of one user, one client … and of everybody when it is empty.
    pub per: Vec<Per>,
    /// How many.
    pub requests: NonZeroU32,
    /// In what time, at most [`LimitSettings::LONGEST`].
    pub within: Duration,
    /// How many of them at once, and never more than all; all when there is none.
    pub burst: Option<NonZeroU32>,
    /// The servers it is about, `*` for any characters; all when it is empty.
    pub servers: Vec<String>,
    /// The tools it is about; without a list it is about every request and not only about calls.
    pub tools: Option<Vec<String>>,
}

impl LimitSettings {
    /// The longest time of a limit: 366 days.
    pub const LONGEST: Duration = Duration::from_hours(366 * 24);
}

/// What counters are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// The user.
    User,
    /// The client.
    Client,
    /// The server.
    Server,
    /// The tool, at its server; such a limit is about calls alone.
    Tool,
}

/// The limits of all servers with their counters. They outlive a reload that leaves them as they are.
#[derive(Default)]
pub struct Quotas {
    limits: Vec<Arc<Limit>>,
}

/// What somebody has made too many of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// Which limit.
    pub(crate) limit: String,
    /// When the next one may come.
    pub(crate) wait: Duration,
    /// How many refusals this one stands for in the audit log; `None` when another one does.
    pub(crate) refusals: Option<u64>,
}

impl Quotas {
    /// The limits of `settings`; those that `before` has as well go on counting where they are.
    #[must_use]
    pub fn new(settings: &[LimitSettings], clock: &Arc<dyn Clock>, before: Option<&Self>) -> Self {
        let limit = |settings: &LimitSettings| {
            let kept =
                before.and_then(|before| before.limits.iter().find(|limit| limit.settings == *settings));
            kept.cloned().unwrap_or_else(|| Arc::new(Limit::new(settings, clock)))
        };
        Self { limits: settings.iter().map(limit).collect() }
    }

    /// Counts one request of `requester` at `server`, a call of `tool` if there is one.
    pub(crate) fn take(
        &self,
        requester: &Requester<'_>,
        server: &str,
        tool: Option<&str>,
    ) -> Result<(), Exceeded> {
        let mut about = self.limits.iter().filter(|limit| limit.is_about(server, tool));
        about.try_for_each(|limit| limit.take(requester, server, tool))
    }
}

struct Limit {
    settings: LimitSettings,
    servers: Vec<Glob>,
    tools: Option<Vec<Glob>>,
    limiter: RateLimiter<Digest, Counters, Time, NoOpMiddleware<Moment>>,
    counters: Counters,
}

impl Limit {
    fn new(settings: &LimitSettings, clock: &Arc<dyn Clock>) -> Self {
        let within = settings.within.min(LimitSettings::LONGEST);
        let each = within / settings.requests.get();
        let quota = Quota::with_period(each.max(Duration::from_nanos(1)))
            .expect("a period of a nanosecond or more is a period")
            .allow_burst(settings.burst.unwrap_or(settings.requests).min(settings.requests));
        let counters = Counters(Cache::builder().max_capacity(COUNTERS).time_to_idle(within * 2).build());
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect();
        Self {
            servers: globs(&settings.servers),
            tools: settings.tools.as_deref().map(globs),
            limiter: RateLimiter::new(quota, counters.clone(), Time(clock.clone())),
            counters,
            settings: settings.clone(),
        }
    }

    fn is_about(&self, server: &str, tool: Option<&str>) -> bool {
        let is_any =
            |globs: &[Glob], name| globs.is_empty() || globs.iter().any(|glob| glob.matches_alike(name));
        let is_about_calls = self.tools.is_some() || self.settings.per.contains(&Per::Tool);
        is_any(&self.servers, server)
            && match tool {
                Some(tool) => self.tools.as_ref().is_none_or(|globs| is_any(globs, tool)),
                None => !is_about_calls,
            }
    }

    fn take(&self, requester: &Requester<'_>, server: &str, tool: Option<&str>) -> Result<(), Exceeded> {
        let key = self.key(requester, server, tool);
        let now = self.limiter.clock().now();
        self.limiter.check_key(&key).map_err(|not_until| Exceeded {
            limit: self.settings.name.clone(),
            wait: not_until.wait_time_from(now),
            refusals: self.counters.of(&key).refused(now.0),
        })
    }

    /// Who is counted, every part preceded by its length so that no two are written alike.
    fn key(&self, requester: &Requester<'_>, server: &str, tool: Option<&str>) -> Digest {
        let mut key = Vec::with_capacity(128);
        let mut part = |text: &str| {
            key.extend((text.len() as u64).to_be_bytes());
            key.extend(text.bytes());
        };
        for per in &self.settings.per {
            match per {
                Per::User => [&*requester.issuer, &*requester.subject].into_iter().for_each(&mut part),
                Per::Client => part(requester.client_id.as_deref().unwrap_or_default()),
                Per::Server => part(server),
                Per::Tool => {
                    part(server);
                    part(&fold(tool.unwrap_or_default()));
                }
            }
        }
        Digest::of(&key)
    }
}

/// A bounded number of counters.
#[derive(Clone)]
struct Counters(Cache<Digest, Arc<Counter>>);

#[derive(Default)]
struct Counter {
    state: InMemoryState,
    refusals: AtomicU64,
    /// Milliseconds.
    recorded_at: AtomicI64,
}

impl Counters {
    fn of(&self, key: &Digest) -> Arc<Counter> {
        self.0.get_with_by_ref(key, Arc::default)
    }
}

impl Counter {
    /// Notes a refusal; how many there were since one was recorded, when it is time to record one again.
    fn refused(&self, now: Timestamp) -> Option<u64> {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let recorded_at = self.recorded_at.load(Ordering::Relaxed);
        if now.since(Timestamp::from_milliseconds(recorded_at)) < RECORD_EVERY {
            return None;
        }
        let is_ours = self.recorded_at.compare_exchange(
            recorded_at,
            now.milliseconds(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        is_ours.ok().map(|_| self.refusals.swap(0, Ordering::Relaxed))
    }
}

impl StateStore for Counters {
    type Key = Digest;

    fn measure_and_replace<T, F, E>(&self, key: &Digest, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.of(key).state.measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

/// The clock that everything here is told the time by.
struct Time(Arc<dyn Clock>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Timestamp);

impl GovernorClock for Time {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(self.0.now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0 - Duration::from(duration))
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        Self(self.0 + Duration::from(duration))
    }
}

#[cfg(test)]
mod tests;
