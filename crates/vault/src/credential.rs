use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
};

use oauth::{Scope, Timestamp};
use secret::Secret;

use crate::{
    connection::ConnectionId,
    owner::Owner,
    provider::{Placed, ProviderName},
};

/// A credential that is good now: it goes into a request, and nowhere else.
pub struct Credential {
    pub(crate) connection: ConnectionId,
    pub(crate) owner: Owner,
    pub(crate) provider: ProviderName,
    pub(crate) account: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) generation: i64,
    pub(crate) placed: Placed,
    /// Every form in which it stands in requests.
    pub(crate) secrets: Vec<Secret<String>>,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    pub(crate) renew_at: Option<Timestamp>,
    /// When its row was read or written, by the database's time.
    pub(crate) read_at: Timestamp,
    /// When it was last given out, in milliseconds; 0 when that is written down already.
    pub(crate) used_at: AtomicI64,
}

impl Credential {
    /// Puts the credential where its provider wants it, in place of what the request had there.
    ///
    /// A request whose URL leaves no room for it stays as it is: then the API says that there is no credential.
    pub fn apply(&self, request: &mut http::request::Parts) {
        if self.placed.apply(request).is_err() {
            tracing::warn!(connection = %self.connection, "the credential does not fit into the URL of a request");
        }
    }

    /// The connection it comes from.
    pub fn connection_id(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whose it is.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Where it is good.
    pub fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// The account it acts as, as people know it.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// What the provider allowed.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How often it was renewed, from 1 on.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// What must not stand in anything that an upstream answers.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret<String>> + Clone {
        self.secrets.iter()
    }

    /// Whether it needs no thought at `now`.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }

    /// Whether it still opens anything at `now`.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    pub(crate) fn is_used_at(&self, now: Timestamp) {
        self.used_at.store(now.milliseconds(), Ordering::Relaxed);
    }
}

/// Whose, and nothing of the secret.
impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("connection", &self.connection)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
