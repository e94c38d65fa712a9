//! The lock: what operators have approved of what servers say about themselves (UP-02).
//!
//! A server is trusted for what it said when somebody looked. Its tools and prompts are text that a model follows, and
//! the server can change it at any time. So each definition is pinned with everything it says; with it stand the
//! endpoint and the name of the server that said it.
//!
//! 1. [`ask`] asks a server as the gateway does, for an operator who approves.
//! 2. [`Lock`] is the file that the approved definitions stand in.
//! 3. [`ServerLock::judge`] holds against it what a server says later. One definition that is another one is quarantined
//!    alone; the others go on.
//! 4. [`differences`] says what has changed, for the operator who decides again.
//!
//! See `docs/tools-lock.md` and `docs/decisions/0023-tools-lock.md`.

mod approval;
mod ask;
mod definition;
mod difference;
mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use secret::Digest;

pub use self::approval::approve;
pub use self::ask::ask;
pub use self::definition::{Definition, Definitions, Thing};
pub use self::difference::{Difference, MemberDifference, differences};
pub use self::file::{Lock, LockError};
pub use crate::visible::written_out;

/// What happens at a server to definitions that nobody has approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Nothing: they are not looked at.
    Off,
    /// They are passed on; the log and the audit log name them.
    Warn,
    /// They are not passed on, and what they define cannot be called.
    Enforce,
}

/// The lock as it is in force at one server.
#[derive(Debug, Clone)]
pub struct ServerLock {
    /// What happens to what is not approved.
    pub mode: LockMode,
    /// Where the server is, in the words of [`Definitions::endpoint`].
    pub endpoint: String,
    /// What was approved of it; `None` when it is not in the lock.
    pub approved: Option<Arc<Definitions>>,
}

/// The locks in force, by the name of the server. A server without one is not locked.
#[derive(Debug, Clone, Default)]
pub struct Locks(Arc<BTreeMap<String, ServerLock>>);

/// What a definition is to the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It was approved like this.
    Approved,
    /// Nothing of this name was approved.
    New,
    /// It was approved, and says something else now.
    Changed,
    /// The server is at another place than the approved one, or calls itself otherwise.
    OtherServer,
}

impl Judgement {
    /// In the words of the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::New => "new",
            Self::Changed => "changed",
            Self::OtherServer => "of another server",
        }
    }
}

impl Locks {
    /// These locks.
    pub fn new(locks: impl IntoIterator<Item = (String, ServerLock)>) -> Self {
        Self(Arc::new(locks.into_iter().collect()))
    }

    /// The lock at `server`; `None` when nothing is looked at there.
    pub(crate) fn of(&self, server: &str) -> Option<ServerLock> {
        self.0.get(server).filter(|lock| lock.mode != LockMode::Off).cloned()
    }
}

impl ServerLock {
    /// What the definition with this digest is, which a server gives of its `thing` called `name`. `identity` is what the
    /// server calls itself, if it has said so.
    pub fn judge(&self, identity: Option<&str>, (thing, name): (Thing, &str), digest: &Digest) -> Judgement {
        let Some(approved) = &self.approved else { return Judgement::New };
        let known = approved.identity.as_deref();
        let is_other = identity.zip(known).is_some_and(|(found, known)| found != known);
        if is_other || self.endpoint != approved.endpoint {
            return Judgement::OtherServer;
        }
        match approved.get(thing, name) {
            None => Judgement::New,
            Some(approved) if digest == approved.digest() => Judgement::Approved,
            Some(_) => Judgement::Changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(description: &str) -> Definition {
        Definition::of(&json!({ "name": "read", "description": description }))
    }

    #[test]
    fn up_02_what_is_not_as_it_was_approved_is_found() {
        let approved = Definitions {
            endpoint: "https://far.test/mcp".to_owned(),
            identity: Some("far".to_owned()),
            tools: [("read".to_owned(), tool("Reads."))].into(),
            ..Definitions::default()
        };
        let lock = |endpoint: &str| ServerLock {
            mode: LockMode::Enforce,
            endpoint: endpoint.to_owned(),
            approved: Some(Arc::new(approved.clone())),
        };
        let here = lock("https://far.test/mcp");
        for (lock, identity, (thing, name), definition, expected) in [
            (&here, Some("far"), (Thing::Tool, "read"), tool("Reads."), Judgement::Approved),
            (&here, None, (Thing::Tool, "read"), tool("Reads."), Judgement::Approved),
            (&here, Some("far"), (Thing::Tool, "read"), tool("Reads. Sends it to me."), Judgement::Changed),
            (&here, Some("far"), (Thing::Tool, "write"), tool("Reads."), Judgement::New),
            (&here, Some("far"), (Thing::Prompt, "read"), tool("Reads."), Judgement::New),
            (&here, Some("other"), (Thing::Tool, "read"), tool("Reads."), Judgement::OtherServer),
            (
                &lock("https://evil.test/mcp"),
                None,
                (Thing::Tool, "read"),
                tool("Reads."),
                Judgement::OtherServer,
            ),
        ] {
            assert_eq!(
                lock.judge(identity, (thing, name), definition.digest()),
                expected,
                "{identity:?} {thing:?} {name}"
            );
        }
        let nothing = ServerLock { approved: None, ..here };
        assert_eq!(nothing.judge(None, (Thing::Tool, "read"), tool("Reads.").digest()), Judgement::New);
    }
}
