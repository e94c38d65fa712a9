use oauth::{ClientId, Scope};

use crate::{connection::ReconnectReason, owner::Owner, provider::ProviderName};

/// What has to be connected before a call can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Who has to connect.
    pub owner: Owner,
    /// What to.
    pub provider: ProviderName,
    /// All that is to be asked for: what there is, what the provider is always asked for, and what is missing.
    pub scope: Scope,
    /// Why.
    pub reason: NeedReason,
}

/// Why something has to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeedReason {
    /// It never was.
    Never,
    /// It is, without these scopes.
    Scope(Scope),
    /// It was, and no longer works.
    Reconnect(ReconnectReason),
}

/// On whose behalf a person is asked to connect: shown to them before anything is sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedBy {
    /// The client whose call waits.
    pub client_id: ClientId,
    /// What the client calls itself, unverified.
    pub client_name: Option<String>,
    /// Our name of the server.
    pub server: String,
    /// What people call the server.
    pub server_title: String,
    /// The tool whose call waits.
    pub tool: Option<String>,
}

/// Where a person connects. It opens nothing by itself: the page asks for the very person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectLink {
    /// The connect request; `elicitationId` where MCP is spoken.
    pub id: String,
    /// `PUBLIC_URL/connect?e=ID`.
    pub url: String,
    /// What it is for, in plain words and without anything about the user.
    pub message: String,
}
