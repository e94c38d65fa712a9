use std::sync::Arc;

use oauth::{ClientId, GrantId, Issuer, ResourceIndicator, Scope, Timestamp};

use crate::verified::Verified;

/// The proof that a request carried a valid access token for this resource.
///
/// Only a [`crate::Guard`] makes one, and it cannot be copied: what takes a permit by value cannot be
/// reached without the check.
#[derive(Debug)]
pub struct Permit {
    claims: Arc<Verified>,
    is_external: bool,
}

impl Permit {
    pub(crate) fn new(claims: Arc<Verified>, is_external: bool) -> Self {
        Self { claims, is_external }
    }

    pub(crate) fn claims(&self) -> &Arc<Verified> {
        &self.claims
    }

    /// Who issued the token. A subject means something only together with its issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.claims.iss
    }

    /// Whether another issuer than our own knows the subject. Then user name and client identifier are qualified with
    /// the issuer, `ada@https://idp.example`, and the subject is as the issuer gave it.
    pub fn is_external(&self) -> bool {
        self.is_external
    }

    /// The resource owner, or the client itself when it acts for nobody.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// The resource owner's name for people, if the token carries one.
    pub fn user_name(&self) -> Option<&str> {
        self.claims.preferred_username.as_deref()
    }

    /// What the resource owner is.
    pub fn roles(&self) -> &[String] {
        &self.claims.roles
    }

    /// Where the resource owner belongs.
    pub fn groups(&self) -> &[String] {
        &self.claims.groups
    }

    /// The client that presented the token.
    pub fn client_id(&self) -> &ClientId {
        &self.claims.client_id
    }

    /// What the token may be used for.
    pub fn scope(&self) -> &Scope {
        &self.claims.scope
    }

    /// The resource the token was issued for.
    pub fn resource(&self) -> &ResourceIndicator {
        &self.claims.aud
    }

    /// The grant the token comes from, if a person gave one.
    pub fn grant_id(&self) -> Option<&GrantId> {
        self.claims.grant_id.as_ref()
    }

    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.claims.exp)
    }

    /// What `make` works out of the token, kept from the second time on and as long as the token is remembered. There is
    /// room for a value of one type: of any other it is made each time.
    pub fn derived<T: Clone + Send + Sync + 'static>(&self, make: impl Fn(&Self) -> T) -> T {
        if self.claims.derived.get().is_none() && !self.claims.is_used_again() {
            return make(self);
        }
        let kept = self.claims.derived.get_or_init(|| Box::new(make(self)));
        kept.downcast_ref::<T>().cloned().unwrap_or_else(|| make(self))
    }
}
