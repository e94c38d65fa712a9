//! Where a provider is spoken to, and who we are there.

use client::Registration;
use oauth::{ResourceIndicator, metadata::AuthorizationServerMetadata};
use serde::{Deserialize, Serialize};

/// The endpoints of one authorization server. They are fixed by the configuration, or pinned when they are discovered for
/// the first time: what a server says later does not change them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The issuer identifier, byte for byte. `None` when the provider has none; then `iss` cannot be compared, and the
    /// provider's own callback path alone tells its answers from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether every authorization response carries `iss` (RFC 9207 §3).
    #[serde(default)]
    pub promises_iss: bool,
    /// Where the browser goes.
    pub authorization: String,
    /// Where codes and refresh tokens become access tokens.
    pub token: String,
    /// Where refresh tokens are used, for a provider that has another place for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// Where tokens are revoked. `{client_id}` in it stands for our identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
}

impl Endpoints {
    /// The endpoints that an authorization server publishes (RFC 8414 §2). `None` when it has no token endpoint.
    pub fn of_metadata(metadata: &AuthorizationServerMetadata) -> Option<Self> {
        Some(Self {
            issuer: Some(metadata.issuer.clone()),
            promises_iss: metadata.authorization_response_iss_parameter_supported,
            authorization: metadata.authorization_endpoint.clone().unwrap_or_default(),
            token: metadata.token_endpoint.clone()?,
            refresh: None,
            revocation: metadata.revocation_endpoint.clone(),
        })
    }

    /// Where refresh tokens are used.
    pub fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap_or(&self.token)
    }
}

/// An authorization server, and who we are to it. Credentials of one are never shown to another: both stand together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    /// The server.
    pub endpoints: Endpoints,
    /// Our client there.
    pub client: Registration,
    /// What tokens are for (RFC 8707), sent with every request when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceIndicator>,
}
