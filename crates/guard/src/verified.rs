use std::{any::Any, ops::Deref, sync::OnceLock};

use oauth::access_token::AccessTokenClaims;

/// What a token says that was found good, in one place for all its requests.
pub(crate) struct Verified {
    claims: AccessTokenClaims,
    /// What the guard's user works out of it, once: [`Permit::derived`](crate::Permit::derived).
    pub(crate) derived: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl From<AccessTokenClaims> for Verified {
    fn from(claims: AccessTokenClaims) -> Self {
        Self { claims, derived: OnceLock::new() }
    }
}

impl Deref for Verified {
    type Target = AccessTokenClaims;

    fn deref(&self) -> &AccessTokenClaims {
        &self.claims
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.claims.fmt(formatter)
    }
}
