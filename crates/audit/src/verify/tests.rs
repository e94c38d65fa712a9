//! Every way to tamper with a log, and what is said about it.

use std::sync::LazyLock;

use oauth::{Timestamp, jws::SigningKey};
use proptest::{prelude::*, sample::Index};
use secret::Digest;

use super::*;
use crate::{Chain, Checkpoint, Event, Kind, Outcome, entry::tests::full_event};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().0);

fn keys() -> [VerifyingKey; 1] {
    [VerifyingKey::from_jwk(KEY.jwk()).unwrap()]
}

/// Ten entries, signed at the fourth and the eighth.
#[derive(Clone)]
struct Log {
    links: Vec<Link>,
    checkpoints: Vec<SignedCheckpoint>,
}

impl Log {
    fn new() -> Self {
        Self::written_by("n", |_| full_event())
    }

    fn written_by(node: &str, event: impl Fn(i64) -> Event) -> Self {
        let mut chain = Chain::new(node, Head::default());
        let (mut links, mut checkpoints) = (Vec::new(), Vec::new());
        for sequence in 1..=10 {
            links.push(chain.append(NOW, &event(sequence)));
            if sequence % 4 == 0 {
                let checkpoint = Checkpoint { node: node.into(), head: chain.head(), time: NOW };
                checkpoints.push(checkpoint.sign(&KEY));
            }
        }
        Self { links, checkpoints }
    }

    fn report(&self) -> Report {
        verify("n", &self.links, &self.checkpoints, &keys())
    }
}

#[track_caller]
fn check(expect: &[Fault], tamper: impl FnOnce(&mut Log)) {
    let mut log = Log::new();
    tamper(&mut log);
    assert_eq!(log.report().faults, expect);
}

#[test]
fn a_log_as_it_was_written_is_sound() {
    let report = Log::new().report();
    let expect = Report { node: "n".into(), entries: 10, verified_to: 10, signed_to: 8, faults: Vec::new() };
    assert_eq!(report, expect);
    assert!(verify("n", [], &[], &keys()).is_sound(), "nothing happened yet");
}

#[test]
fn an_altered_entry_is_named() {
    check(&[Fault::Altered { sequence: 3 }], |log| {
        log.links[2].entry = log.links[2].entry.replace("get_data", "put_data");
    });
    check(&[Fault::Altered { sequence: 3 }], |log| log.links[2].entry = String::new());
    check(&[Fault::Altered { sequence: 3 }], |log| log.links[2].hash = Digest::of(b""));
    check(&[Fault::Altered { sequence: 3 }], |log| log.links[2].time = Timestamp::from_seconds(0));
    check(&[Fault::Altered { sequence: 3 }], |log| log.links[2].previous_hash = Digest::of(b""));
}

#[test]
fn an_entry_that_was_hashed_anew_does_not_continue_the_chain() {
    check(&[Fault::Unlinked { sequence: 4 }], |log| {
        let link = &mut log.links[2];
        link.entry = link.entry.replace("get_data", "put_data");
        link.hash = hash(&mut Vec::new(), &link.previous_hash, link.entry.as_bytes());
    });
}

#[test]
fn a_missing_entry_is_a_gap() {
    check(&[Fault::Gap { first: 3, last: 3 }], |log| drop(log.links.remove(2)));
    check(&[Fault::Gap { first: 1, last: 2 }], |log| drop(log.links.drain(..2)));
}

#[test]
fn a_gap_that_was_closed_is_found() {
    check(&[Fault::Reordered { sequence: 3, says: 4, node: "n".into() }], |log| {
        log.links.remove(2);
        for (link, sequence) in log.links.iter_mut().zip(1..) {
            link.sequence = sequence;
        }
        log.checkpoints.clear();
    });
}

#[test]
fn entries_that_changed_places_are_named() {
    check(&[Fault::Reordered { sequence: 3, says: 5, node: "n".into() }], |log| {
        log.links.swap(2, 4);
        (log.links[2].sequence, log.links[4].sequence) = (3, 5);
    });
    check(&[Fault::Gap { first: 3, last: 4 }], |log| log.links.swap(2, 4));
}

#[test]
fn entries_of_another_node_are_named() {
    check(&[Fault::Reordered { sequence: 1, says: 1, node: "m".into() }], |log| {
        log.links = Log::written_by("m", |_| full_event()).links;
        log.checkpoints.clear();
    });
}

#[test]
fn a_tail_that_was_cut_off_is_found_as_far_as_it_was_signed() {
    check(&[Fault::Truncated { last: 7, signed: 8 }], |log| log.links.truncate(7));
    check(&[Fault::Truncated { last: 0, signed: 8 }], |log| log.links.clear());
    check(&[], |log| log.links.truncate(8));
}

#[test]
fn a_chain_written_anew_is_found_as_far_as_it_was_signed() {
    let anew = Log::written_by("n", |sequence| match sequence {
        3 => Event::new(Kind::SignIn, Outcome::Succeeded),
        _ => full_event(),
    });
    check(&[Fault::Rewritten { sequence: 4 }], |log| log.links = anew.links);
}

#[test]
fn a_forged_checkpoint_is_named() {
    let forged = |sequence, reason: &str| Fault::ForgedCheckpoint { sequence, reason: reason.into() };
    check(&[forged(10, "signed by an unknown key")], |log| {
        let head = Head { sequence: 10, hash: log.links[9].hash };
        let (stranger, _) = SigningKey::generate();
        log.checkpoints.push(Checkpoint { node: "n".into(), head, time: NOW }.sign(&stranger));
    });
    check(&[forged(4, "it was signed for another place")], |log| {
        log.checkpoints[0].jws = log.checkpoints[1].jws.clone();
    });
    check(&[forged(4, "it was signed for another place")], |log| {
        log.checkpoints[0] = Log::written_by("m", |_| full_event()).checkpoints.remove(0);
    });
    check(&[forged(8, "not a compact JWS")], |log| log.checkpoints[1].jws = "x".into());
}

proptest! {
    #[test]
    fn a_flipped_bit_of_any_entry_is_detected(which: Index, byte: Index, bit in 0..7_u32) {
        let mut log = Log::new();
        let at = which.index(log.links.len());
        let mut bytes = log.links[at].entry.clone().into_bytes();
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1 << bit;
        log.links[at].entry = String::from_utf8(bytes).expect("seven bits of ASCII stay ASCII");
        prop_assert!(!log.report().is_sound());
    }

    #[test]
    fn a_flipped_bit_of_any_hash_is_detected(which: Index, byte in 0..64_usize, bit in 0..8_u32) {
        let mut log = Log::new();
        let at = which.index(log.links.len());
        let link = &mut log.links[at];
        let digest = if byte < 32 { &mut link.hash } else { &mut link.previous_hash };
        let mut bytes = *digest.as_bytes();
        bytes[byte % 32] ^= 1 << bit;
        *digest = Digest::from_bytes(&bytes).unwrap();
        prop_assert!(!log.report().is_sound());
    }

    #[test]
    fn a_missing_entry_is_detected_wherever_it_was(which: Index) {
        let mut log = Log::new();
        // The two entries after the last checkpoint may be cut off: see the module's first lines.
        let at = which.index(8);
        log.links.remove(at);
        prop_assert!(!log.report().is_sound());
    }
}
