//! Rest for a server that cannot be connected to, or takes requests and does not begin to answer them: after a few
//! failures in a row its clients hear so at once, instead of each waiting for what does not come.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row before the server rests.
const FAILURES: u32 = 3;
/// How long it rests, until the next request tries again.
const REST: Duration = Duration::from_secs(5);

/// Counts requests in a row that nobody answered.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether a request may be tried now. Of those that wait for the end of a rest, one goes first.
    pub(crate) fn lets_pass(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    /// Whether the server rests.
    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.state().rests_until.is_some_and(|until| now < until)
    }

    /// Learns from an outcome. Only silence counts: a server that fails is there.
    pub(crate) fn note<T>(&self, outcome: &Result<T, outbound::Error>, now: Instant) {
        let is_down = matches!(
            outcome,
            Err(outbound::Error::Connect { .. }
                | outbound::Error::Unresolved { .. }
                | outbound::Error::Timeout { .. })
        );
        let mut state = self.state();
        if !is_down {
            *state = State::default();
            return;
        }
        state.failures += 1;
        if state.failures >= FAILURES {
            state.rests_until = Some(now + REST);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is two numbers; no panic can leave them half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_down_rests_and_is_tried_again() {
        let down = Err::<(), _>(outbound::Error::Unresolved { host: "h".to_owned() });
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(breaker.lets_pass(start));
            breaker.note(&down, start);
        }
        assert!(!breaker.lets_pass(start));
        let later = start + REST;
        assert!(breaker.lets_pass(later), "one tries");
        assert!(!breaker.lets_pass(later), "and the others wait for what it finds");
        breaker.note(&down, later);
        assert!(!breaker.lets_pass(later));
        let later = later + REST;
        assert!(breaker.lets_pass(later));
        breaker.note(&Ok(()), later);
        assert!(breaker.lets_pass(later) && breaker.lets_pass(later));
    }
}
