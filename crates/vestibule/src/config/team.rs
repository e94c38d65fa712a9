//! Teams: people who share credentials, and nothing else.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::server::Server;
use crate::cli::exit::Stop;

/// `[[team]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Team {
    /// `name`: what servers call it: lower-case letters, digits and hyphens, at most 64. Required.
    pub(crate) name: String,
    /// `users`: who may use its credentials, by user name. Default: nobody.
    #[serde(default)]
    pub(crate) users: BTreeSet<String>,
    /// `roles`: who may use them by what they are. Default: no role.
    #[serde(default)]
    pub(crate) roles: BTreeSet<String>,
    /// `clients`: which clients may use them for themselves, by client identifier. Default: none.
    #[serde(default)]
    pub(crate) clients: BTreeSet<String>,
    /// `managers`: who connects and disconnects its accounts, by user name; they may use them too. Required.
    #[serde(default)]
    pub(crate) managers: BTreeSet<String>,
}

impl Team {
    fn mistake(&self, what: &str) -> Stop {
        Stop::usage(format!("the team {:?} {what}", self.name))
    }
}

/// Refuses teams that cannot be, and servers of teams that are not there.
pub(super) fn check(teams: &[Team], servers: &[Server]) -> Result<(), Stop> {
    let mut names = BTreeSet::new();
    for team in teams {
        if !super::is_plain_name(&team.name) {
            return Err(team
                .mistake("cannot be called so")
                .hint("use lower-case letters, digits and hyphens, at most 64"));
        }
        if !names.insert(team.name.as_str()) {
            return Err(team.mistake("is there twice").hint("give each [[team]] a name of its own"));
        }
        if team.managers.is_empty() {
            return Err(team
                .mistake("has no managers, so nobody could connect an account for it")
                .hint("write managers = [\"NAME\"]"));
        }
    }
    for server in servers {
        if let Some(team) = server.team().filter(|team| !names.contains(team)) {
            return Err(server
                .mistake(&format!("uses the credentials of the team {team:?}, which is not configured"))
                .hint(format!("add [[team]] with name = {team:?} and managers = [\"NAME\"]")));
        }
    }
    Ok(())
}
