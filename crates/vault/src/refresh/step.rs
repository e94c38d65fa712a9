//! What is to be done about a credential as it stands in the database. Pure.

use std::time::Duration;

use oauth::Timestamp;
use store::HeldCredential;

use super::flight::Wanted;
use crate::connection::ReconnectReason;

/// How often within an hour a credential is renewed because an API refuses it before its end.
const REFUSALS: i64 = 3;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is given out as it is.
    Use,
    /// It is renewed.
    Renew {
        /// Whether that can wait while somebody counts on the connection to stay as it is.
        can_wait: bool,
        /// What to do if it cannot be renewed just now.
        otherwise: Otherwise,
    },
    /// Somebody else renews it.
    Wait,
    /// The provider is left alone for a time.
    Pause(Duration),
    /// A person has to connect again.
    End(ReconnectReason),
    /// A person had to before.
    Ended(ReconnectReason),
}

/// What a caller gets when a renewal does not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// What there is: it is still valid.
    Use,
    /// Nothing.
    Fail,
}

/// How often the same refresh token may be presented when it is not known whether the provider has taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Never again: a second use might be taken for a theft.
    Never,
    /// Once more.
    Once,
    /// Any time: a refresh does not end the old refresh token.
    Always,
}

impl Repeats {
    /// Whether one more attempt may follow `attempts`.
    pub(super) fn allow(self, attempts: i64) -> bool {
        match self {
            Self::Never => attempts < 1,
            Self::Once => attempts < 2,
            Self::Always => true,
        }
    }
}

/// When a credential is to be renewed: `ahead` of its end, but not before half of its lifetime is over. `chance` (0 to
/// 999) brings it forward by up to a tenth of that time, so that not all are renewed at once.
pub(crate) fn renew_at(
    obtained_at: Timestamp,
    expires_at: Timestamp,
    ahead: Duration,
    chance: u32,
) -> Timestamp {
    let ahead = ahead.min(expires_at.since(obtained_at) / 2);
    expires_at - (ahead + ahead / 10 * chance / 1000).min(expires_at.since(obtained_at))
}

/// Decides. `now` is this node's time, in which lifetimes are counted; the database's is in `held`.
pub(super) fn decide(
    held: &HeldCredential,
    wanted: &Wanted,
    (now, ahead): (Timestamp, Duration),
    repeats: Repeats,
) -> Step {
    let credential = &held.credential;
    if let Some(reason) = &held.connection.reconnect_reason {
        return Step::Ended(ReconnectReason::parse(reason).unwrap_or(ReconnectReason::Damaged));
    }
    if held.connection.generation != credential.generation {
        return Step::End(ReconnectReason::Damaged);
    }
    let is_refused = wanted.refuses(&credential.connection_id, credential.generation);
    let is_valid = !is_refused && credential.sealed.expires_at.is_none_or(|end| now < end);
    let is_due = credential
        .sealed
        .expires_at
        .is_some_and(|end| now >= renew_at(credential.sealed.obtained_at, end, ahead, 0));
    if is_valid && !is_due {
        return Step::Use;
    }
    // Whatever the provider gives, the API does not take it: renewing it once more is a loop.
    if is_refused && refused_lately(held) >= REFUSALS {
        return Step::End(ReconnectReason::Rejected);
    }
    if !credential.sealed.is_renewable {
        return match (is_valid, is_refused) {
            (true, _) => Step::Use,
            (false, true) => Step::End(ReconnectReason::Rejected),
            (false, false) => Step::End(ReconnectReason::Expired),
        };
    }
    let otherwise = if is_valid { Otherwise::Use } else { Otherwise::Fail };
    if credential.leased_until > held.read_at {
        return if is_valid { Step::Use } else { Step::Wait };
    }
    if credential.not_before > held.read_at {
        let pause = credential.not_before.since(held.read_at);
        return if is_valid { Step::Use } else { Step::Pause(pause) };
    }
    if credential.intent.is_some() && !repeats.allow(credential.attempts) {
        return Step::End(ReconnectReason::UnknownOutcome);
    }
    Step::Renew { can_wait: is_valid, otherwise }
}

/// How often it was renewed within this hour because it was refused.
fn refused_lately(held: &HeldCredential) -> i64 {
    let is_this_hour = held.read_at.since(held.credential.refusals_since) < Duration::from_hours(1);
    if is_this_hour { held.credential.refusals } else { 0 }
}

#[cfg(test)]
mod tests;
