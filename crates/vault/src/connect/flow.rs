//! What is remembered of a browser that was sent to a provider: all that its answer is checked by.

use client::clear_text;
use oauth::Scope;
use secret::{Digest, Location, OpenError, Secret};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// One flow (RFC 9700 §4.4.2.1: the issuer is stored with it and compared).
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    /// The provider: only its own callback path may bring the answer.
    pub(super) provider: String,
    /// The issuer, byte for byte, where it has one.
    pub(super) issuer: Option<String>,
    /// Whether the answer has to carry `iss`.
    pub(super) promises_iss: bool,
    /// Where the code is redeemed; the same now as when the browser left.
    pub(super) token_endpoint: String,
    /// Our identifier there.
    pub(super) client_id: String,
    /// Where the provider sends the browser back.
    pub(super) redirect_uri: String,
    /// What was asked for.
    pub(super) scope: Scope,
    /// PKCE; empty where the provider does none.
    #[serde(with = "clear_text")]
    pub(super) verifier: Secret<String>,
    /// What an ID token has to repeat.
    #[serde(with = "clear_text")]
    pub(super) nonce: Secret<String>,
}

impl Flow {
    pub(super) fn seal(&self, attempt: &str, settings: &Settings) -> Vec<u8> {
        let clear = Secret::new(serde_json::to_vec(self).unwrap_or_default());
        settings.keyring.seal(settings.random.as_ref(), location(attempt), clear.expose())
    }

    pub(super) fn open(sealed: &[u8], attempt: &str, settings: &Settings) -> Result<Self, OpenError> {
        let clear = settings.keyring.open(location(attempt), sealed)?;
        serde_json::from_slice(clear.expose()).map_err(|_| OpenError::Damaged)
    }
}

/// The row of the attempt that a `state` belongs to.
pub(super) fn attempt_id(state: &str) -> String {
    Digest::of(state.as_bytes()).to_base64url()
}

fn location(attempt: &str) -> Location<'_> {
    Location { table: "connect_attempts", row: attempt.as_bytes(), column: "flow_sealed" }
}
