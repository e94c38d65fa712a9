//! Reading a chain from its beginning, and saying what is wrong with it.
//!
//! What this cannot see: entries at the end that no checkpoint covers yet can be cut off, and a whole chain with all
//! its checkpoints can be removed. Whoever keeps a checkpoint elsewhere sees that too.

use std::collections::BTreeMap;

use oauth::jws::VerifyingKey;
use serde::Serialize;

use crate::{
    Entry, Head, Link, SignedCheckpoint,
    chain::hash,
    checkpoint::{CheckpointError, VerifiedCheckpoint},
};

/// What is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// Entries are missing.
    #[error("the entries {first} to {last} are missing")]
    Gap {
        /// The first that is missing.
        first: i64,
        /// The last that is missing.
        last: i64,
    },
    /// An entry stands at the place of another.
    #[error("entry {sequence} is out of order: it says that it is entry {says} of node {node}")]
    Reordered {
        /// Where it stands.
        sequence: i64,
        /// Where it says it stands.
        says: i64,
        /// The node it says it is of.
        node: String,
    },
    /// An entry is not what was written.
    #[error("entry {sequence} was altered: its hash is not that of its content")]
    Altered {
        /// The entry.
        sequence: i64,
    },
    /// An entry does not continue the one before.
    #[error("entry {sequence} does not continue the entry before it")]
    Unlinked {
        /// The entry.
        sequence: i64,
    },
    /// The chain was written anew after it had been signed.
    #[error("entry {sequence} is not the one that was signed")]
    Rewritten {
        /// The entry.
        sequence: i64,
    },
    /// The end is missing.
    #[error("the end was cut off: the last entry is {last}, and a checkpoint was signed at {signed}")]
    Truncated {
        /// The last entry that is there.
        last: i64,
        /// How far the chain was when it was signed.
        signed: i64,
    },
    /// A checkpoint that no trusted key signed for this place.
    #[error("the checkpoint at entry {sequence} is forged: {reason}")]
    ForgedCheckpoint {
        /// The entry it claims to be of.
        sequence: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a chain is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose chain.
    pub node: String,
    /// How many entries were read.
    pub entries: u64,
    /// How far the chain is unbroken.
    pub verified_to: i64,
    /// How far of that a checkpoint confirms; 0 when none does.
    pub signed_to: i64,
    /// What is wrong: forged checkpoints, the first broken link, a missing end. Empty for a sound chain.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Verifies one chain, entry by entry, in memory that does not grow with the number of entries.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    last_seen: i64,
    is_broken: bool,
    checkpoints: BTreeMap<i64, VerifiedCheckpoint>,
    report: Report,
}

impl Verifier {
    /// Begins with the chain of `node`, whose checkpoints count when one of `keys` signed them.
    pub fn new(node: &str, checkpoints: &[SignedCheckpoint], keys: &[VerifyingKey]) -> Self {
        let mut verified = BTreeMap::new();
        let mut faults = Vec::new();
        for signed in checkpoints {
            let place = if signed.node == node { Ok(()) } else { Err(CheckpointError::Place) };
            match place.and_then(|()| signed.verify(keys)) {
                Ok(checkpoint) => {
                    verified.insert(checkpoint.sequence, checkpoint);
                }
                Err(error) => faults
                    .push(Fault::ForgedCheckpoint { sequence: signed.sequence, reason: error.to_string() }),
            }
        }
        let report = Report { node: node.to_owned(), entries: 0, verified_to: 0, signed_to: 0, faults };
        Self { head: Head::default(), last_seen: 0, is_broken: false, checkpoints: verified, report }
    }

    /// Takes the next entry. After the first broken link the rest is only counted.
    pub fn push(&mut self, link: &Link) {
        self.report.entries += 1;
        self.last_seen = link.sequence;
        if self.is_broken {
            return;
        }
        match self.judge(link) {
            None => self.accept(link),
            Some(fault) => {
                self.is_broken = true;
                self.report.faults.push(fault);
            }
        }
    }

    /// What the chain is like, now that all its entries were read.
    pub fn finish(mut self) -> Report {
        let signed = self.checkpoints.last_key_value().map_or(0, |(sequence, _)| *sequence);
        if signed > self.last_seen {
            self.report.faults.push(Fault::Truncated { last: self.last_seen, signed });
        }
        self.report
    }

    fn judge(&self, link: &Link) -> Option<Fault> {
        let sequence = link.sequence;
        let expected = self.head.sequence + 1;
        if sequence > expected {
            return Some(Fault::Gap { first: expected, last: sequence - 1 });
        }
        // Whoever only moved or relabelled an entry left its text whole: say so instead of "altered".
        let entry = Entry::parse(&link.entry).ok();
        if let Some(entry) = &entry
            && (entry.sequence != expected || entry.node != self.report.node)
        {
            return Some(Fault::Reordered { sequence, says: entry.sequence, node: entry.node.clone() });
        }
        let is_labelled = entry.is_some_and(|entry| entry.time == link.time)
            && link.node == self.report.node
            && sequence == expected;
        if !is_labelled || link.hash != hash(&mut Vec::new(), &link.previous_hash, link.entry.as_bytes()) {
            return Some(Fault::Altered { sequence });
        }
        if link.previous_hash != self.head.hash {
            return Some(Fault::Unlinked { sequence });
        }
        let signed = self.checkpoints.get(&sequence);
        signed.filter(|checkpoint| !checkpoint.is_of(&link.hash)).map(|_| Fault::Rewritten { sequence })
    }

    fn accept(&mut self, link: &Link) {
        self.head = Head { sequence: link.sequence, hash: link.hash };
        self.report.verified_to = link.sequence;
        if self.checkpoints.contains_key(&link.sequence) {
            self.report.signed_to = link.sequence;
        }
    }
}

/// Verifies the whole chain of `node`: its `entries` in order of their sequence, and its `checkpoints`.
pub fn verify<'a>(
    node: &str,
    entries: impl IntoIterator<Item = &'a Link>,
    checkpoints: &[SignedCheckpoint],
    keys: &[VerifyingKey],
) -> Report {
    let mut verifier = Verifier::new(node, checkpoints, keys);
    for link in entries {
        verifier.push(link);
    }
    verifier.finish()
}

#[cfg(test)]
mod tests;
