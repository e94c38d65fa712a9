use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use oauth::{GrantId, JwtId, Timestamp, access_token::AccessTokenClaims};

/// What was revoked while access tokens of it are still unexpired, shared by all guards.
///
/// Whoever owns this keeps it up to date from the issuer; entries leave when no token can need them.
#[derive(Clone, Default)]
pub struct RevokedTokens(Arc<RwLock<Entries>>);

#[derive(Default)]
struct Entries {
    grants: HashMap<GrantId, Timestamp>,
    tokens: HashMap<JwtId, Timestamp>,
}

impl RevokedTokens {
    /// Every access token of `grant` is refused from now on; `until` is when the last of them expires.
    pub fn revoke_grant(&self, grant: GrantId, until: Timestamp) {
        self.write(|entries| _ = entries.grants.insert(grant, until));
    }

    /// The one access token is refused from now on, until it expires at `until`.
    pub fn revoke_token(&self, token: JwtId, until: Timestamp) {
        self.write(|entries| _ = entries.tokens.insert(token, until));
    }

    /// Forgets what no unexpired token can need.
    pub fn forget_expired(&self, now: Timestamp) {
        self.write(|entries| {
            entries.grants.retain(|_, until| *until > now);
            entries.tokens.retain(|_, until| *until > now);
        });
    }

    pub(crate) fn covers(&self, claims: &AccessTokenClaims) -> bool {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let grant_is_revoked =
            claims.grant_id.as_ref().is_some_and(|grant| entries.grants.contains_key(grant));
        grant_is_revoked || entries.tokens.contains_key(&claims.jti)
    }

    fn write(&self, change: impl FnOnce(&mut Entries)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
