//! Assertions about people for providers that exchange them (RFC 8693).

use authorization_server::AuthorizationServer;
use secret::Secret;
use vault::{Owner, provider::Assertions};

/// The authorization server of this installation, as the vault knows it.
pub(super) struct OwnAssertions(pub(super) AuthorizationServer);

impl Assertions for OwnAssertions {
    fn mint(&self, owner: &Owner, audience: &str) -> Option<Secret<String>> {
        match owner {
            Owner::User(id) => Some(self.0.assertion(id.as_str(), audience)),
            // Whoever is known elsewhere is not ours to vouch for, and a client or a team is no person.
            Owner::Subject { .. } | Owner::Client(_) | Owner::Team(_) | Owner::Installation => None,
        }
    }
}
