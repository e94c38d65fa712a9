//! What the failure of a renewal means. Pure.

use std::time::Duration;

use super::step::Repeats;
use crate::{connection::ReconnectReason, provider::Failure};

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A person has to connect again.
    End(ReconnectReason),
    /// Nothing has happened at the provider; it is asked again after this time.
    Later(Duration),
    /// It may have happened; the same refresh token is presented again after this time.
    Again(Duration),
}

/// The provider or the way to it is disturbed: the first pause, and the longest.
const DISTURBED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));
/// The provider refuses, and will do so until somebody changes something: it is asked again soon, and then so seldom that
/// it is never asked more than three times in an hour.
const REFUSED: [Duration; 2] = [Duration::from_secs(5), Duration::from_mins(40)];

/// How often it was tried before, and what the provider is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// Attempts that failed in a row before this one.
    pub(super) failures: i64,
    /// How often this refresh token was presented, this time included.
    pub(super) attempts: i64,
    /// How often it may be.
    pub(super) repeats: Repeats,
    /// Whether there is a person who could connect again.
    pub(super) is_connectable: bool,
    /// 0 to 999: pauses are a quarter shorter or longer, so that not all come back at once.
    pub(super) chance: u32,
}

/// Judges.
pub(super) fn judge(failure: &Failure, circumstances: Circumstances) -> Verdict {
    let refused = || Verdict::Later(scattered(refused(circumstances.failures), circumstances.chance));
    match failure {
        Failure::Gone(_) if circumstances.is_connectable => Verdict::End(ReconnectReason::Withdrawn),
        Failure::Gone(_)
        | Failure::Client(_)
        | Failure::Refused(_)
        | Failure::Forbidden(_)
        | Failure::Unreadable(_) => refused(),
        Failure::Limited { .. } | Failure::Server { .. } | Failure::NotSent(_) => {
            let pause = scattered(disturbed(circumstances.failures), circumstances.chance);
            Verdict::Later(pause.max(failure.retry_after().unwrap_or_default()))
        }
        Failure::OutcomeUnknown(_) => match circumstances.repeats {
            Repeats::Always => refused(),
            repeats if repeats.allow(circumstances.attempts) => Verdict::Again(Duration::ZERO),
            _ => Verdict::End(ReconnectReason::UnknownOutcome),
        },
    }
}

fn disturbed(failures: i64) -> Duration {
    let (first, longest) = DISTURBED;
    let doublings = failures.clamp(0, 16);
    (first * (1 << doublings)).min(longest)
}

fn refused(failures: i64) -> Duration {
    REFUSED[usize::from(failures > 0)]
}

/// Between three and five quarters of `pause`.
fn scattered(pause: Duration, chance: u32) -> Duration {
    pause * (1500 + chance) / 2000
}

/// What a caller is told, in words without anything of the provider's.
pub(super) fn told(failure: &Failure) -> &'static str {
    match failure {
        Failure::Gone(_) | Failure::Refused(_) | Failure::Forbidden(_) => {
            "the provider refuses to renew the credential"
        }
        Failure::Client(_) => {
            "the provider does not accept this installation as its client; an operator has to look at its settings"
        }
        Failure::Limited { .. } => "the provider asks for fewer requests",
        Failure::Server { .. } => "the provider has a fault of its own",
        Failure::Unreadable(_) => "the provider's answer could not be used",
        Failure::OutcomeUnknown(_) => "the provider did not answer in time",
        Failure::NotSent(_) => "the provider cannot be reached",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Refusal;

    const FIRST: Circumstances = Circumstances {
        failures: 0,
        attempts: 1,
        repeats: Repeats::Never,
        is_connectable: true,
        chance: 500,
    };

    fn refusal() -> Refusal {
        Refusal { error: "x".into(), description: None }
    }

    fn lost() -> Failure {
        Failure::OutcomeUnknown(outbound::Error::Timeout {
            host: "idp.example".into(),
            limit: Duration::from_secs(20),
        })
    }

    #[test]
    fn va_13_only_a_clear_word_ends_a_connection() {
        let seconds = |seconds| Verdict::Later(Duration::from_secs(seconds));
        let limited =
            |seconds: Option<u64>| Failure::Limited { retry_after: seconds.map(Duration::from_secs) };
        for (failure, verdict) in [
            (Failure::Gone(refusal()), Verdict::End(ReconnectReason::Withdrawn)),
            (Failure::Client(refusal()), seconds(5)),
            (Failure::Refused(refusal()), seconds(5)),
            (Failure::Forbidden(refusal()), seconds(5)),
            (Failure::Unreadable("html"), seconds(5)),
            (limited(None), seconds(1)),
            (limited(Some(120)), seconds(120)),
            (Failure::Server { status: 502, retry_after: None }, seconds(1)),
        ] {
            assert_eq!(judge(&failure, FIRST), verdict, "{failure}");
        }
    }

    #[test]
    fn fi_13_an_unknown_outcome_is_repeated_where_that_does_no_harm() {
        let verdict = |repeats, attempts| judge(&lost(), Circumstances { attempts, repeats, ..FIRST });
        let ended = Verdict::End(ReconnectReason::UnknownOutcome);
        assert_eq!(verdict(Repeats::Never, 1), ended);
        assert_eq!(verdict(Repeats::Once, 1), Verdict::Again(Duration::ZERO));
        assert_eq!(verdict(Repeats::Once, 2), ended);
        assert_eq!(verdict(Repeats::Always, 9), Verdict::Later(Duration::from_secs(5)));
    }

    #[test]
    fn nobody_can_connect_what_the_installation_itself_is_given() {
        let circumstances = Circumstances { is_connectable: false, ..FIRST };
        assert_eq!(judge(&Failure::Gone(refusal()), circumstances), Verdict::Later(Duration::from_secs(5)));
    }

    #[test]
    fn fi_12_pauses_grow_are_scattered_and_have_an_end() {
        let pauses: Vec<u64> = (0..12).map(|failures| disturbed(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(disturbed(i64::MAX), Duration::from_mins(5));
        let (shortest, longest) =
            (scattered(Duration::from_secs(100), 0), scattered(Duration::from_secs(100), 999));
        assert_eq!(shortest, Duration::from_secs(75));
        assert!(longest > Duration::from_secs(124) && longest <= Duration::from_secs(125));
    }

    #[test]
    fn fi_13_a_refusing_provider_is_asked_three_times_an_hour_at_most() {
        let mut asked = vec![Duration::ZERO];
        for failures in 0..20 {
            asked.push(*asked.last().unwrap() + scattered(refused(failures), 0));
        }
        let hour = Duration::from_hours(1);
        let most =
            asked.iter().map(|start| asked.iter().filter(|at| *at >= start && **at < *start + hour).count());
        assert!(most.max().unwrap() <= 3);
    }
}
