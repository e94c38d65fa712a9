use std::{collections::BTreeSet, sync::Arc, time::Duration};

use audit::Auditor;
use oauth::{ClientId, Clock, Issuer};
use secret::{Keyring, Random};
use store::Store;

use crate::{
    owner::TeamName,
    provider::{Assertions, Provider},
};

/// All that a vault is made of.
pub struct Settings {
    /// Where connections are kept.
    pub store: Store,
    /// What seals them.
    pub keyring: Arc<Keyring>,
    /// The providers of the configuration.
    pub providers: Vec<Provider>,
    /// The teams of the configuration.
    pub teams: Vec<Team>,
    /// What the URLs begin with that are given out.
    pub public_url: Issuer,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Where keys and identifiers come from.
    pub random: Arc<dyn Random>,
    /// Where events go.
    pub auditor: Arc<dyn Auditor>,
    /// Who signs assertions about people, for providers that exchange them (RFC 8693). Without it these cannot be used.
    pub assertions: Option<Arc<dyn Assertions>>,
    /// What this process is called: nobody else is called so while it runs, and it is called so again when it starts
    /// again. What was begun under this name before is then known to be dead. `None`: a name that nobody has had.
    pub node: Option<String>,
    /// How credentials are refreshed.
    pub refresh: RefreshSettings,
}

/// Who may use a shared credential, and who connects it. People are known by their user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// What servers call it.
    pub name: TeamName,
    /// Who may use it.
    pub users: BTreeSet<String>,
    /// Who may use it by what they are.
    pub roles: BTreeSet<String>,
    /// Which clients may use it for themselves.
    pub clients: BTreeSet<ClientId>,
    /// Who connects and disconnects its accounts; they may use it too.
    pub managers: BTreeSet<String>,
}

impl Team {
    /// Whether somebody may use the team's credentials: a person by name or role, a client that acts for nobody by its
    /// identifier.
    pub fn may_use(&self, user_name: Option<&str>, roles: &[String], client: &ClientId) -> bool {
        match user_name {
            Some(name) => {
                self.users.contains(name)
                    || self.managers.contains(name)
                    || roles.iter().any(|role| self.roles.contains(role))
            }
            None => self.clients.contains(client),
        }
    }

    /// Whether this person connects and disconnects the team's accounts.
    pub fn is_manager(&self, user_name: &str) -> bool {
        self.managers.contains(user_name)
    }
}

/// How credentials are refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSettings {
    /// How long before its end a credential is refreshed; never more than half of its lifetime. Default 300 s.
    pub ahead: Duration,
    /// How long one refresh has the connection for itself, by the database's time. Default 30 s.
    pub lease: Duration,
    /// How long a provider may take to answer; shorter than `lease`. Default 20 s.
    pub provider_time: Duration,
    /// How long a caller waits for a refresh that somebody else does. Default 25 s.
    pub patience: Duration,
    /// How many refreshes of one provider run at once on this node. Default 32.
    pub at_once: usize,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        Self {
            ahead: Duration::from_mins(5),
            lease: Duration::from_secs(30),
            provider_time: Duration::from_secs(20),
            patience: Duration::from_secs(25),
            at_once: 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_14_a_team_is_who_the_configuration_names() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let client = ClientId::from_unverified;
        let team = Team {
            name: TeamName::parse("platform").unwrap(),
            users: set(&["ada"]),
            roles: set(&["ops"]),
            clients: BTreeSet::from([client("ci")]),
            managers: set(&["grace"]),
        };
        let ops = ["dev".to_owned(), "ops".to_owned()];
        for (name, roles, who, may) in [
            (Some("ada"), &ops[..0], "app", true),
            (Some("grace"), &ops[..0], "app", true),
            (Some("eve"), &ops[..], "app", true),
            (Some("eve"), &ops[..1], "app", false),
            (Some("eve"), &ops[..0], "ci", false),
            (None, &ops[..0], "ci", true),
            (None, &ops[..], "app", false),
        ] {
            assert_eq!(team.may_use(name, roles, &client(who)), may, "{name:?} {roles:?} {who}");
        }
        assert!(team.is_manager("grace") && !team.is_manager("ada"));
    }
}
