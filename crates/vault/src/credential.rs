use std::fmt;

use oauth::Scope;
use secret::Secret;

use crate::connection::ConnectionId;

/// A credential that is good now: it goes into a request, and nowhere else.
pub struct Credential {
    pub(crate) connection: ConnectionId,
    pub(crate) account: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) generation: i64,
    pub(crate) secret: Secret<String>,
}

impl Credential {
    /// Puts the credential where its provider wants it, in place of what the request had there.
    pub fn apply(&self, request: &mut http::request::Parts) {
        let _ = request;
    }

    /// The connection it comes from.
    pub fn connection_id(&self) -> &ConnectionId {
        &self.connection
    }

    /// The account it acts as, as people know it.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// What the provider allowed.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How often it was renewed.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// What must not stand in anything that an upstream answers.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret<String>> {
        std::iter::once(&self.secret)
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
