//! The credentials that users have at other systems: kept sealed, refreshed once for everybody, shown to nobody.
//!
//! A [`Connection`] belongs to an [`Owner`] and leads to one account at a [`Provider`](provider::Provider). Whoever needs
//! its [`Credential`] asks the [`Vault`], which answers from memory while it is fresh, and else has it refreshed by one
//! task of one node, whoever asks meanwhile (`refresh.rs` numbers the steps).

mod cache;
mod connect;
mod connection;
mod connections;
mod credential;
mod ending;
mod error;
mod follow;
mod keep;
mod lease;
mod need;
mod owner;
pub mod provider;
mod providers;
mod refresh;
mod registration;
mod renewing;
mod revoke;
mod seal;
mod secrets;
mod settings;
#[cfg(test)]
mod testing;
mod vault;

pub use connect::{
    AccountChoice, Allowed, AuthorizeStep, ConnectError, ConnectErrorKind, ConnectRequest, Connected,
    EnteredSecret, Person, RequestState,
};
pub use connection::{Connection, ConnectionId, ConnectionState, ReconnectReason};
pub use credential::Credential;
pub use error::{CredentialError, VaultError};
pub use follow::Follower;
pub use keep::{Keep, Kept, Received};
pub use lease::Lease;
pub use need::{AskedBy, ConnectLink, Need, NeedReason};
pub use owner::{Owner, OwnerError, TeamName};
pub use provider::{Provider, ProviderName};
pub use refresh::Settled;
pub use registration::RegistrationError;
pub use renewing::{Answer, Renewal, Renewing};
pub use secrets::Secrets;
pub use settings::{RefreshSettings, Settings, Team};
pub use vault::{CachedGetter, Vault};
