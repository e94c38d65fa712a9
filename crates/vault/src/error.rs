use std::time::Duration;

use oauth::Scope;

use crate::need::Need;

/// Why the vault could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// There is no such connection, or it is another owner's.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// The change would take scopes away, which only a person who connects again may do.
    #[error("a connection's scopes are never narrowed by an update; disconnect and connect again")]
    NarrowerScope,
    /// The change would make it another kind of credential.
    #[error("a connection's kind never changes; disconnect and connect again")]
    OtherKind,
    /// There is one for this account already.
    #[error("this account is connected already")]
    AlreadyConnected,
    /// Somebody else holds the connection longer than one may wait.
    #[error("the connection is in use; try again in {} seconds", .retry_after.as_secs())]
    InUse {
        /// When the lease that stands in the way has run out.
        retry_after: Duration,
    },
    /// The lease ran out, or somebody else has taken over since.
    #[error("the lease on the connection has run out; nothing was changed")]
    LeaseLost,
    /// Somebody else changed the connection meanwhile.
    #[error("the connection was changed by somebody else meanwhile; nothing was written, read it again")]
    Changed,
    /// A sealed value does not open.
    #[error("what is stored of a connection does not open: {0}; restore the keyring or connect again")]
    Sealed(#[from] secret::OpenError),
    /// The audit log takes no more.
    #[error(transparent)]
    Overloaded(#[from] audit::Overloaded),
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A person has to connect first.
    #[error("an account has to be connected first")]
    Connect(Box<Need>),
    /// Not now; nothing is wrong with the connection.
    #[error("{told}; try again in {} seconds", .retry_after.as_secs())]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// What stands in the way, in words without anything of the provider's.
        told: &'static str,
    },
    /// The configuration has no such provider.
    #[error("the provider is not configured; add a [[provider]] of this name")]
    UnknownProvider,
    /// A client that acts for nobody has nobody who could connect.
    #[error(
        "no account is connected for this client, and there is nobody who could connect one; let a team have it"
    )]
    NotForClients,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl CredentialError {
    /// The same; what is to be connected is to be allowed `needed` too.
    pub(crate) fn asking_for(self, needed: &Scope) -> Self {
        match self {
            Self::Connect(mut need) => {
                need.scope = need.scope.union(needed);
                Self::Connect(need)
            }
            error => error,
        }
    }
}
