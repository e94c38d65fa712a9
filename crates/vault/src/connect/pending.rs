//! What a provider gave, as it waits in the row of its connect request until it is a connection.

use client::clear_text;
use oauth::{Scope, Timestamp};
use secret::{Location, OpenError, Secret};
use serde::{Deserialize, Serialize};

use crate::{
    provider::{Account, Tokens},
    settings::Settings,
};

/// Tokens with what was asked for.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(with = "clear_text")]
    pub(super) access_token: Secret<String>,
    #[serde(default, with = "clear_text::optional", skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Secret<String>>,
    pub(super) received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    /// What was granted.
    pub(super) scope: Scope,
    /// What was asked for.
    pub(super) asked: Scope,
    /// Whose it is, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Account>,
}

impl Pending {
    /// What an answer gave to a request for `asked`.
    pub(super) fn new(tokens: Tokens, asked: Scope) -> Self {
        Self {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            received_at: tokens.received_at,
            expires_at: tokens.expires_at,
            scope: tokens.scope,
            asked,
            account: tokens.account,
        }
    }

    /// What was asked for and not granted.
    pub(super) fn missing(&self) -> Scope {
        self.asked.difference(&self.scope)
    }

    pub(super) fn seal(&self, request: &str, settings: &Settings) -> Vec<u8> {
        let clear = Secret::new(serde_json::to_vec(self).unwrap_or_default());
        settings.keyring.seal(settings.random.as_ref(), location(request), clear.expose())
    }

    pub(super) fn open(sealed: &[u8], request: &str, settings: &Settings) -> Result<Self, OpenError> {
        let clear = settings.keyring.open(location(request), sealed)?;
        serde_json::from_slice(clear.expose()).map_err(|_| OpenError::Damaged)
    }
}

fn location(request: &str) -> Location<'_> {
    Location { table: "connect_requests", row: request.as_bytes(), column: "received_sealed" }
}
