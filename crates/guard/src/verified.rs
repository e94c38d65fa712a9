use std::{
    any::Any,
    ops::Deref,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use oauth::access_token::AccessTokenClaims;

/// What a token says that was found good, in one place for all its requests.
pub(crate) struct Verified {
    claims: AccessTokenClaims,
    /// What the guard's user works out of it: [`Permit::derived`](crate::Permit::derived).
    pub(crate) derived: OnceLock<Box<dyn Any + Send + Sync>>,
    is_used: AtomicBool,
}

impl From<AccessTokenClaims> for Verified {
    fn from(claims: AccessTokenClaims) -> Self {
        Self { claims, derived: OnceLock::new(), is_used: AtomicBool::new(false) }
    }
}

impl Verified {
    /// Whether something was worked out of it before. Many tokens are used once, and nothing is to be kept for them.
    pub(crate) fn is_used_again(&self) -> bool {
        self.is_used.swap(true, Ordering::Relaxed)
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
