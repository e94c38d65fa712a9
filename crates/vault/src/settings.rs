use std::{collections::BTreeSet, sync::Arc, time::Duration};

use audit::Auditor;
use oauth::{ClientId, Clock, Issuer, UserId};
use secret::{Keyring, Random};
use store::Store;

use crate::{owner::TeamName, provider::Provider};

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
    /// How credentials are refreshed.
    pub refresh: RefreshSettings,
}

/// Who may use a shared credential, and who connects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// What servers call it.
    pub name: TeamName,
    /// Who may use it.
    pub users: BTreeSet<UserId>,
    /// Which clients may use it for themselves.
    pub clients: BTreeSet<ClientId>,
    /// Who connects and disconnects its accounts.
    pub managers: BTreeSet<UserId>,
    /// Who may use it by what they are.
    pub roles: BTreeSet<String>,
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
