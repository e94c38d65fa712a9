//! The audit log of this node: a bounded queue, and one task that writes what waits in groups.
//!
//! 1. [`Queue`] is the [`Auditor`] of all roles. Recording is a push: it waits for no disk.
//! 2. [`Writer`] takes what waits into one batch per commit, which the store groups with whatever else is written.
//! 3. A full queue makes callers wait a short time, then refuses them. Nothing is ever dropped.
//! 4. A process that is killed loses what it had not written yet; what it had written is a sound chain, and the next
//!    process continues it.

mod node;
mod queue;
pub(crate) mod reader;
mod writer;

pub(crate) use self::{
    node::Node,
    queue::{Backlog, Queue, Recorded, Waiting},
    writer::{Sign, Writer},
};

#[cfg(test)]
mod tests;
