//! The credentials that users have at other systems: kept sealed, refreshed once for everybody, shown to nobody.
//!
//! A [`Connection`] belongs to an [`Owner`] and leads to one account at a [`Provider`](provider::Provider). Whoever needs
//! its [`Credential`] asks the [`Vault`], which answers from memory while it is fresh, and else has it refreshed by one
//! task of one node, whoever asks meanwhile (`refresh.rs` numbers the steps).

mod connection;
mod credential;
mod error;
mod need;
mod owner;
pub mod provider;
mod providers;
mod registration;
mod settings;
mod vault;

pub use connection::{Connection, ConnectionId, ConnectionState, ReconnectReason};
pub use credential::Credential;
pub use error::{CredentialError, VaultError};
pub use need::{AskedBy, ConnectLink, Need, NeedReason};
pub use owner::{Owner, OwnerError, TeamName};
pub use provider::{Provider, ProviderName};
pub use registration::RegistrationError;
pub use settings::{RefreshSettings, Settings, Team};
pub use vault::Vault;
