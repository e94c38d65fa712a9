//! Whose credential at a third party goes with requests to a server, and which.

use std::collections::BTreeMap;
use std::sync::Arc;

use guard::Permit;
use oauth::{Scope, UserId};
use vault::{Owner, ProviderName, Team, Vault};

/// What a server takes beside the request: a credential of the system behind it.
#[derive(Clone)]
pub struct ServerCredentials {
    /// Keeps the credentials.
    pub vault: Vault,
    /// Where the accounts are.
    pub provider: ProviderName,
    /// Whose they are.
    pub whose: Whose,
    /// What everything at this server needs, beside what the provider is always asked for.
    pub scope: Scope,
    /// What a tool needs beside that, by its name.
    pub tools: BTreeMap<String, Scope>,
    /// Whether a client of 2026-07-28 that cannot show a link gets the error of its specification (`-32021`) and no
    /// text with the link.
    pub is_strict: bool,
    /// What people call the server; its name when nobody said.
    pub title: Option<String>,
}

/// Whose credential it is.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everybody's own.
    User,
    /// One that a team shares. Whoever does not belong to it is refused (UP-14).
    Team(Arc<Team>),
}

impl ServerCredentials {
    /// Whose credential goes with the requests of a permit; `None` when the team's does not.
    pub(crate) fn owner(&self, permit: &Permit) -> Option<Owner> {
        match &self.whose {
            Whose::User => Some(own(permit)),
            // Somebody without a name is nobody that a team can have, unless it is the client itself.
            Whose::Team(_) if permit.user_name().is_none() && !matches!(own(permit), Owner::Client(_)) => {
                None
            }
            Whose::Team(team) => team
                .may_use(permit.user_name(), permit.roles(), permit.client_id())
                .then(|| Owner::Team(team.name.clone())),
        }
    }

    /// What a call of `tool` needs, or everything that is no tool call.
    pub(crate) fn needed(&self, tool: Option<&str>) -> Scope {
        match tool.and_then(|tool| self.tools.get(tool)) {
            Some(more) => self.scope.union(more),
            None => self.scope.clone(),
        }
    }
}

/// Whoever the permit speaks for: a person here, one whom another issuer knows, or a client that acts for nobody, whose
/// tokens have it as their own subject (RFC 9068 §5).
fn own(permit: &Permit) -> Owner {
    if permit.is_external() {
        return Owner::Subject { issuer: permit.issuer().clone(), subject: permit.subject().to_owned() };
    }
    if permit.subject() == permit.client_id().as_str() {
        return Owner::Client(permit.client_id().clone());
    }
    Owner::User(UserId::from_unverified(permit.subject()))
}
