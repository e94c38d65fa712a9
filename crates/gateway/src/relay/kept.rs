//! What is kept of a server between the requests of its clients, and outlives a reload.

use secret::Secret;

use super::held::HeldCalls;
use super::listening::Hubs;
use crate::session::memory::Memories;
use crate::session::state::RequestStates;

/// See the members.
pub(crate) struct Kept {
    /// Calls that wait for an answer of their modern client.
    pub(super) held: HeldCalls,
    /// What those clients are given meanwhile.
    pub(super) states: RequestStates,
    /// What is remembered of the sessions of legacy clients.
    pub(super) memories: Memories,
    /// The streams of the server that many modern clients listen to.
    pub(super) hubs: Hubs,
}

impl Kept {
    /// For the server called `server`; `key` is the same 256 bit on all nodes.
    pub(crate) fn new(server: &str, key: &Secret<[u8; 32]>) -> Self {
        Self {
            held: HeldCalls::default(),
            states: RequestStates::new(server, key),
            memories: Memories::default(),
            hubs: Hubs::default(),
        }
    }
}
