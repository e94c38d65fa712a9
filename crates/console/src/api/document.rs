//! Connections as the HTTP API shows them. No type here has a member for a secret (VA-19).

use serde::Serialize;
use vault::{Connection, ConnectionState, ProviderName};

use crate::{moment::exact, settings::Console};

/// One of the caller's connections.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    exists: Exists,
    /// The provider's name of the account.
    account: Option<String>,
    /// What people call the account.
    account_name: Option<String>,
    /// What the provider allowed.
    scope: String,
    /// Whether it is the one of several that is used.
    is_chosen: bool,
}

/// That somebody has a connection, for operators.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    exists: Exists,
    /// Whose it is: `user:ID`, `team:NAME`.
    owner: String,
}

#[derive(Debug, Serialize)]
struct Exists {
    id: String,
    provider: String,
    /// What people call the provider; its name once it is no longer configured.
    title: String,
    /// `connected` or `reconnect`.
    state: &'static str,
    /// Why it has to be connected again.
    reason: Option<&'static str>,
    created_at: String,
    last_used_at: Option<String>,
}

impl Shown {
    pub(super) fn of(connection: &Connection, console: &Console) -> Self {
        Self {
            exists: Exists::of(connection, console),
            account: connection.account.clone(),
            account_name: connection.account_name.clone(),
            scope: connection.scope.to_string(),
            is_chosen: connection.is_chosen,
        }
    }
}

impl Listed {
    pub(super) fn of(connection: &Connection, console: &Console) -> Self {
        Self { exists: Exists::of(connection, console), owner: connection.owner.to_string() }
    }
}

impl Exists {
    fn of(connection: &Connection, console: &Console) -> Self {
        let (state, reason) = match connection.state {
            ConnectionState::Connected => ("connected", None),
            ConnectionState::Reconnect(reason) => ("reconnect", Some(reason.as_str())),
        };
        Self {
            id: connection.id.to_string(),
            provider: connection.provider.to_string(),
            title: title(console, &connection.provider),
            state,
            reason,
            created_at: exact(connection.created_at),
            last_used_at: connection.last_used_at.map(exact),
        }
    }
}

fn title(console: &Console, name: &ProviderName) -> String {
    console.vault().provider(name).map_or_else(|| name.to_string(), |provider| provider.title.clone())
}
