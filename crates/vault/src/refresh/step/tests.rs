use store::{ConnectionRecord, CredentialRecord, SealedCredential};

use super::*;
use crate::connection::ConnectionId;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const AHEAD: Duration = Duration::from_mins(5);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Obtained an hour ago; ends in ten minutes.
fn held() -> HeldCredential {
    HeldCredential {
        connection: ConnectionRecord {
            id: "connection_1".into(),
            owner: "user:ada".into(),
            provider: "github".into(),
            account: String::new(),
            account_name: None,
            kind: "oauth".into(),
            scope: oauth::Scope::default(),
            reconnect_reason: None,
            generation: 4,
            chosen_at: NOW,
            created_at: NOW,
            last_used_at: None,
        },
        credential: CredentialRecord {
            connection_id: "connection_1".into(),
            sealed: SealedCredential {
                data_key_sealed: Vec::new(),
                sealed: Vec::new(),
                obtained_at: NOW - Duration::from_hours(1),
                expires_at: Some(NOW + seconds(600)),
                is_renewable: true,
            },
            generation: 4,
            fence: 9,
            leased_until: Timestamp::from_milliseconds(0),
            leased_by: None,
            intent: None,
            attempts: 0,
            failures: 0,
            not_before: Timestamp::from_milliseconds(0),
            refusals: 0,
            refusals_since: Timestamp::from_milliseconds(0),
        },
        // The database's clock is a day behind this node's, and that does not matter.
        read_at: NOW - Duration::from_hours(24),
    }
}

fn ending_in(seconds_left: i64) -> HeldCredential {
    let mut held = held();
    let end = Timestamp::from_milliseconds(NOW.milliseconds() + seconds_left * 1000);
    held.credential.sealed.expires_at = Some(end);
    held
}

fn refused() -> Wanted {
    Wanted::After { connection: ConnectionId::from_unverified("connection_1"), generation: 4 }
}

#[track_caller]
fn check(held: &HeldCredential, wanted: &Wanted, expect: Step) {
    assert_eq!(decide(held, wanted, (NOW, AHEAD), Repeats::Never), expect);
}

const RENEW_NOW: Step = Step::Renew { can_wait: false, otherwise: Otherwise::Fail };
const RENEW_AHEAD: Step = Step::Renew { can_wait: true, otherwise: Otherwise::Use };

#[test]
fn fresh_is_used_due_is_renewed_and_expired_has_to_be() {
    check(&ending_in(301), &Wanted::Valid, Step::Use);
    check(&ending_in(300), &Wanted::Valid, RENEW_AHEAD);
    check(&ending_in(1), &Wanted::Valid, RENEW_AHEAD);
    check(&ending_in(0), &Wanted::Valid, RENEW_NOW);
    check(&ending_in(-1_000_000), &Wanted::Valid, RENEW_NOW);
}

#[test]
fn va_14_what_has_no_end_is_used_until_it_is_refused() {
    let mut held = held();
    held.credential.sealed.expires_at = None;
    check(&held, &Wanted::Valid, Step::Use);
    check(&held, &refused(), RENEW_NOW);
    held.credential.sealed.is_renewable = false;
    check(&held, &Wanted::Valid, Step::Use);
    check(&held, &refused(), Step::End(ReconnectReason::Rejected));
}

#[test]
fn a_refused_one_is_renewed_unless_somebody_has_done_so() {
    check(&held(), &refused(), RENEW_NOW);
    let after =
        |generation| Wanted::After { connection: ConnectionId::from_unverified("connection_1"), generation };
    check(&held(), &after(3), Step::Use);
    let other = Wanted::After { connection: ConnectionId::from_unverified("connection_2"), generation: 9 };
    check(&held(), &other, Step::Use);
}

#[test]
fn p4_an_api_that_refuses_whatever_comes_is_no_reason_for_a_loop() {
    let mut held = held();
    held.credential.refusals_since = held.read_at - seconds(3599);
    for (refusals, expect) in [(2, RENEW_NOW), (3, Step::End(ReconnectReason::Rejected))] {
        held.credential.refusals = refusals;
        check(&held, &refused(), expect);
        check(&held, &Wanted::Valid, Step::Use);
    }
    held.credential.refusals_since = held.read_at - seconds(3600);
    check(&held, &refused(), RENEW_NOW);
}

#[test]
fn without_a_refresh_token_it_ends() {
    let mut held = ending_in(60);
    held.credential.sealed.is_renewable = false;
    check(&held, &Wanted::Valid, Step::Use);
    held.credential.sealed.expires_at = Some(NOW);
    check(&held, &Wanted::Valid, Step::End(ReconnectReason::Expired));
}

#[test]
fn one_renews_and_the_others_wait_or_use_what_is_valid() {
    for (left, expect) in [(0, Step::Wait), (100, Step::Use)] {
        let mut held = ending_in(left);
        held.credential.leased_until = held.read_at + seconds(1);
        held.credential.intent = Some(secret::Digest::of(b"rt"));
        held.credential.attempts = 1;
        check(&held, &Wanted::Valid, expect);
    }
}

#[test]
fn fi_12_a_provider_that_failed_is_left_alone_for_a_time() {
    for (left, expect) in [(0, Step::Pause(seconds(9))), (100, Step::Use)] {
        let mut held = ending_in(left);
        held.credential.not_before = held.read_at + seconds(9);
        check(&held, &Wanted::Valid, expect);
    }
}

#[test]
fn fi_14_an_abandoned_renewal_is_repeated_only_where_that_does_no_harm() {
    let mut held = ending_in(0);
    held.credential.intent = Some(secret::Digest::of(b"rt"));
    let decide = |held: &HeldCredential, repeats| decide(held, &Wanted::Valid, (NOW, AHEAD), repeats);
    for (attempts, repeats, expect) in [
        (1, Repeats::Never, Step::End(ReconnectReason::UnknownOutcome)),
        (1, Repeats::Once, RENEW_NOW),
        (2, Repeats::Once, Step::End(ReconnectReason::UnknownOutcome)),
        (50, Repeats::Always, RENEW_NOW),
    ] {
        held.credential.attempts = attempts;
        assert_eq!(decide(&held, repeats), expect, "{attempts} {repeats:?}");
    }
}

#[test]
fn va_03_a_row_that_was_put_back_is_noticed() {
    let mut held = held();
    held.credential.generation = 3;
    check(&held, &Wanted::Valid, Step::End(ReconnectReason::Damaged));
    held.connection.reconnect_reason = Some("withdrawn".into());
    check(&held, &Wanted::Valid, Step::Ended(ReconnectReason::Withdrawn));
    held.connection.reconnect_reason = Some("a reason of a newer version".into());
    check(&held, &Wanted::Valid, Step::Ended(ReconnectReason::Damaged));
}

#[test]
fn va_14_renewal_never_begins_before_half_of_the_lifetime() {
    for (lifetime, chance, before_end) in [
        (3600, 0, 300_000),
        (3600, 999, 329_970),
        (600, 0, 300_000),
        (60, 0, 30_000),
        (2, 0, 1_000),
        (0, 999, 0),
        (1_000_000_000, 0, 300_000),
    ] {
        let end = NOW + seconds(lifetime);
        let at = renew_at(NOW, end, AHEAD, chance);
        assert_eq!(end.since(at).as_millis(), before_end, "{lifetime} s");
        assert!(at >= NOW);
    }
    assert_eq!(renew_at(NOW, NOW - seconds(5), AHEAD, 500), NOW - seconds(5), "an end before the beginning");
}
