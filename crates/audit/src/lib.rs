//! Who did what, in an order that nobody can change unnoticed: no I/O, no clock, no randomness of its own.
//!
//! 1. An [`Event`] is something that happened: a tool call, or what the authorization server decided. It has no
//!    member for a secret.
//! 2. Whoever does something worth recording gets a [`Place`] from its [`Auditor`] first: what cannot be recorded
//!    is not done.
//! 3. A [`Chain`] gives each event of one node the next sequence number and binds it to all before it:
//!    `hash(n) = SHA-256(hash(n - 1) || entry(n))`, where `entry(n)` is the canonical JSON of an [`Entry`].
//! 4. A [`Segment`] holds the links that were written together.
//! 5. Now and then a signed [`Checkpoint`] says how far the chain was, so that it cannot be written anew.
//! 6. A [`Verifier`] reads a chain from its beginning and names what is wrong with it.

mod auditor;
mod canonical;
mod chain;
mod checkpoint;
mod entry;
mod event;
mod part;
mod segment;
mod verify;

pub use auditor::{Auditor, Ledger, Observer, Overloaded, Place, Reservation, Unrecorded};
pub use chain::{Chain, Head, Link};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use entry::{Entry, EntryError};
pub use event::{Decision, Event, Kind, Outcome, Person, Verdict};
pub use part::Part;
pub use segment::Segment;
pub use verify::{Fault, Report, Verifier, verify};
