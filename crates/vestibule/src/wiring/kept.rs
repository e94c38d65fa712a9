//! What outlives a reload: servers that stay as they were keep their sessions, their rest and their processes.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use gateway::{BuiltInServer, StdioServer};
use guard::Guard;

use super::{Guarded, connected::Connected, virtual_server::KeptVirtual};
use crate::config::server::Remote;

/// What the servers of one configuration have.
#[derive(Default)]
pub(super) struct Kept {
    demo: Option<BuiltInServer>,
    remote: Vec<KeptServer>,
    virtual_servers: Vec<KeptVirtual>,
    guards: Vec<(Guarded, Guard)>,
}

/// A server elsewhere, and what makes it the server that it is.
pub(super) struct KeptServer {
    pub(super) name: String,
    pub(super) reached: Remote,
    pub(super) connected: Connected,
}

/// A server with its guards.
pub(super) type WithGuards<S> = (S, Vec<(Guarded, Guard)>);

impl Kept {
    pub(super) fn new(
        demo: Option<WithGuards<BuiltInServer>>,
        remote: Vec<WithGuards<KeptServer>>,
        virtual_servers: Vec<WithGuards<KeptVirtual>>,
        console: (Guarded, Guard),
    ) -> Self {
        let mut kept = Self { guards: vec![console], ..Self::default() };
        if let Some((server, guards)) = demo {
            kept.demo = Some(server);
            kept.guards.extend(guards);
        }
        for (server, guards) in remote {
            kept.remote.push(server);
            kept.guards.extend(guards);
        }
        for (server, guards) in virtual_servers {
            kept.virtual_servers.push(server);
            kept.guards.extend(guards);
        }
        kept
    }

    /// The demo server.
    pub(super) fn demo(&self) -> Option<BuiltInServer> {
        self.demo.clone()
    }

    /// The server called `name`, if it is still reached like this. What its tools need is not asked: that is its
    /// policy's, which is new with every configuration.
    pub(super) fn remote(&self, name: &str, reached: &Remote) -> Option<&KeptServer> {
        self.remote.iter().find(|kept| kept.name == name && kept.reached.is_reached_like(reached))
    }

    /// The virtual server called `name`; whom it joins is new with every configuration.
    pub(super) fn virtual_server(&self, name: &str, within: Duration) -> Option<KeptVirtual> {
        self.virtual_servers.iter().find(|kept| kept.name == name && kept.within == within).cloned()
    }

    /// The guard that was told this.
    pub(super) fn guard(&self, guarded: &Guarded) -> Option<Guard> {
        self.guards.iter().find(|(told, _)| told == guarded).map(|(_, guard)| guard.clone())
    }

    /// The processes that `other` has not, with the names of their servers.
    pub(super) fn processes_not_in(&self, other: &Self) -> impl Iterator<Item = (&str, Weak<StdioServer>)> {
        let is_there = |process: &Arc<StdioServer>| {
            other
                .remote
                .iter()
                .filter_map(|kept| kept.connected.process.as_ref())
                .any(|kept| Arc::ptr_eq(kept, process))
        };
        self.remote.iter().filter_map(move |kept| {
            let process = kept.connected.process.as_ref().filter(|process| !is_there(process))?;
            Some((kept.name.as_str(), Arc::downgrade(process)))
        })
    }
}

/// Ends a process that nobody new can call: with its last call, when whoever holds it lets go, and after `time` in any
/// case.
pub(super) fn end_within(name: &str, process: Weak<StdioServer>, time: Duration) {
    let name = name.to_owned();
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        if let Some(process) = process.upgrade() {
            tracing::warn!(server = %name, "the process of a removed server had calls under way for too long and is ended");
            process.shut_down().await;
        }
    });
}
